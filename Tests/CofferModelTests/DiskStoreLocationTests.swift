import CofferModel
import Testing

struct DiskStoreLocationTests {
    private let disk = DiskID(bytes: Array(0..<16))

    @Test func poolsAreNamedWithAndWithoutANamespace() throws {
        let plain = try #require(RBDPoolName("rbd:disks"))
        #expect(plain.pool == "disks" && plain.nameSpace == "" && plain.description == "rbd:disks")
        let named = try #require(RBDPoolName("rbd:disks/coffer"))
        #expect(named.pool == "disks" && named.nameSpace == "coffer" && named.description == "rbd:disks/coffer")
    }

    @Test(arguments: ["", "disks", "rbd:", "rbd:/", "rbd:a/", "rbd:a/b/c", "rbd:a b", "rbd:a@b", "rbd:a#b", "rbd:a\n", "RBD:a", "rbd:" + String(repeating: "a", count: 129)])
    func otherWordsNameNoPool(text: String) {
        #expect(RBDPoolName(text) == nil)
    }

    @Test func dataAndHeadersHaveNames() throws {
        let disk = try #require(disk)
        let files = DiskStoreLocation.files("/data/disks")
        #expect(files.dataPath(of: disk) == "/data/disks/\(disk.text)/data" && files.headerPath(of: disk) == "/data/disks/\(disk.text)/header")
        let pool = DiskStoreLocation.pool(try #require(RBDPoolName("rbd:p/n")))
        #expect(pool.dataPath(of: disk) == "rbd:p/n/coffer.\(disk.text)" && pool.headerPath(of: disk) == "rbd:p/n/coffer.directory#\(disk.text)")
        #expect(RBDPoolName.disk(of: RBDPoolName.image(of: disk)) == disk && RBDPoolName.disk(of: "coffer.other") == nil)
    }
}
