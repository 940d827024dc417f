import CofferModel
import Testing

@Suite struct DiskIDTests {
    private static let text = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"

    @Test func textAndBytesAreTwoFormsOfOne() throws {
        let id = try #require(DiskID(Self.text))
        #expect(id.text == Self.text)
        #expect(id.bytes == [0x0f, 0x1e, 0x2d, 0x3c, 0x4b, 0x5a, 0x69, 0x78, 0x87, 0x96, 0xa5, 0xb4, 0xc3, 0xd2, 0xe1, 0xf0])
        #expect(DiskID(bytes: id.bytes) == id)
        #expect(DiskID(Self.text.uppercased()) == id)
    }

    @Test(arguments: [
        "", "-", "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f", "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f00",
        "0f1e2d3-c4b5a-6978-8796-a5b4c3d2e1f0", "gf1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0", "{0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0}",
        "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0-", " 0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0", "../../etc/passwd", "éf1e2d3-4b5a-6978-8796-a5b4c3d2e1f0",
    ])
    func whatIsNoUUIDIsRefused(text: String) {
        #expect(DiskID(text) == nil)
    }

    @Test func anotherNumberOfBytesIsRefused() {
        #expect(DiskID(bytes: []) == nil)
        #expect(DiskID(bytes: Array(repeating: 0, count: 15)) == nil)
        #expect(DiskID(bytes: Array(repeating: 0, count: 17)) == nil)
    }

    @Test func itIsAStringInJSON() throws {
        let id = try #require(DiskID(Self.text))
        #expect(String(decoding: try JSON.encode([id]), as: UTF8.self) == "[\"\(Self.text)\"]")
        #expect(try JSON.decode([DiskID].self, from: Array("[\"\(Self.text)\"]".utf8)) == [id])
        #expect(throws: DecodingError.self) { _ = try JSON.decode([DiskID].self, from: Array(#"["x"]"#.utf8)) }
    }

    @Test func theBindingOfASealedKeyNamesDiskAndLayer() throws {
        let id = try #require(DiskID(Self.text.uppercased()))
        #expect(String(decoding: SealedKey.binding(disk: id, layer: 1), as: UTF8.self) == Self.text + "/1")
        #expect(SealedKey.purpose == Array("coffer data key v1".utf8))
    }
}
