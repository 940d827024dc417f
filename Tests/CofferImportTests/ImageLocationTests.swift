@testable import CofferImport
import CofferModel
import CofferPlatform
import Foundation
import Testing

@Suite("Where images are")
struct ImageLocationTests {
    @Test("URIs and paths are read, formats come from the ending or are named", arguments: [
        ("file:///a/b.qcow2", "/a/b.qcow2", DiskImage.Format.qcow2), ("file://localhost/a/b.VHD", "/a/b.VHD", .vhd),
        ("/a/b.vhdx", "/a/b.vhdx", .vhdx), ("file:/a/b.img", "/a/b.img", .raw), ("file:///a/b%20c.vmdk", "/a/b c.vmdk", .vmdk),
        ("file:///a/b?format=raw", "/a/b", .raw), ("file:///a/b.raw?x=1&format=qcow2", "/a/b.raw", .qcow2),
    ])
    func accepted(uri: String, path: String, format: DiskImage.Format) throws {
        let location = try ImageLocation(uri)
        #expect(location.path == path)
        #expect(location.format == format)
    }

    @Test("Anything else is refused with a sentence", arguments: [
        "https://account.blob.core.windows.net/c/b.vhd", "file://other/a/b.raw", "a/b.raw", "file:a.raw", "file:///a/b", "file:///a/b.iso",
        "file:///a/b.raw?format=luks", "file:///a/%zz.raw", "file:///a/%", "file:///a/%00.raw", "file:///a/\u{7}.raw", "",
        "nbd://x/y.raw", "json:{\"driver\":\"raw\"}.raw", "/" + String(repeating: "x", count: 5000) + ".raw",
    ])
    func refused(uri: String) {
        #expect(throws: APIError.self) { try ImageLocation(uri) }
    }

    @Test("Only regular files below the directory are taken, whatever links and dots say")
    func resolution() throws {
        let root = "\(NSTemporaryDirectory())/coffer-import-\(UUID().uuidString)"
        let manager = FileManager.default
        try manager.createDirectory(atPath: "\(root)/in/sub.raw", withIntermediateDirectories: true)
        defer { try? manager.removeItem(atPath: root) }
        for name in ["out.raw", "in/a.raw"] { #expect(manager.createFile(atPath: "\(root)/\(name)", contents: Data([1]))) }
        try manager.createSymbolicLink(atPath: "\(root)/in/link.raw", withDestinationPath: "../out.raw")
        try manager.createSymbolicLink(atPath: "\(root)/in/good.raw", withDestinationPath: "a.raw")
        #expect(try ImageLocation("\(root)/in/a.raw").resolved(below: "\(root)/in").hasSuffix("/in/a.raw"))
        #expect(try ImageLocation("\(root)/in/good.raw").resolved(below: "\(root)/in").hasSuffix("/in/a.raw"))
        for name in ["in/../out.raw", "out.raw", "in/link.raw", "in/none.raw", "in/sub.raw", "in-other/a.raw"] {
            #expect(throws: APIError.self, "\(name)") { try ImageLocation("\(root)/\(name)").resolved(below: "\(root)/in") }
        }
        #expect(throws: APIError.self) { try ImageLocation("\(root)/in/a.raw").resolved(below: "\(root)/none") }
    }
}
