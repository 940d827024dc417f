import CofferCore
@testable import CofferImport
import CofferModel
import Foundation
import Testing

@Suite("The catalogue of images")
struct ImageCatalogueTests {
    /// A catalogue in a directory that goes when the test ends.
    private final class Place {
        let path = "\(NSTemporaryDirectory())/coffer-images-\(UUID().uuidString)"
        var catalogue: ImageCatalogue { ImageCatalogue(directory: path + "/images") }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        /// Makes an image of a few bytes.
        @discardableResult
        func add(_ name: String, bytes: [UInt8] = Array(repeating: 7, count: 512)) throws -> ImageCatalogue.Entry {
            let stage = try catalogue.stage()
            try Data(bytes).write(to: URL(fileURLWithPath: stage.diskPath))
            return try catalogue.publish(stage, as: ImageCatalogueTests.record(name, byteCount: UInt64(bytes.count)))
        }

        func names() -> [String] { catalogue.list().images.map(\.record.name.description) }
        /// Everything in the catalogue's directory, finished or not.
        func contents() -> [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path + "/images")) ?? []).sorted() }
    }

    private static func record(_ name: String, byteCount: UInt64) throws -> ImageRecord {
        ImageRecord(
            name: try ImageName(name), osType: .linux, hyperVGeneration: .v2, sizeBytes: byteCount, sha256: String(repeating: "0a", count: 32),
            created: "2026-11-28T10:00:00.000Z", builtFrom: "test")
    }

    @Test func whatIsPublishedIsFoundWithoutRegardToCaseAndByLatest() throws {
        let place = Place()
        for version in ["1.9.0", "1.10.0", "1.2.30"] { try place.add("Debian:debian-12:12-gen2:\(version)") }
        let catalogue = place.catalogue
        #expect(place.names() == ["1.2.30", "1.9.0", "1.10.0"].map { "Debian:debian-12:12-gen2:\($0)" })
        #expect(try catalogue.find(publisher: "debian", offer: "DEBIAN-12", sku: "12-Gen2", version: "latest").record.name.version.description == "1.10.0")
        let entry = try catalogue.find(publisher: "Debian", offer: "debian-12", sku: "12-gen2", version: "1.9.0")
        #expect(FileManager.default.contents(atPath: entry.diskPath) == Data(repeating: 7, count: 512))
        #expect(throws: CatalogueError.notFound("Debian:debian-12:12-gen2:1.0.0")) {
            try catalogue.find(publisher: "Debian", offer: "debian-12", sku: "12-gen2", version: "1.0.0")
        }
    }

    @Test func aNameIsTakenOnce() throws {
        let place = Place()
        try place.add("A:b:c:1.0.0")
        #expect(throws: CatalogueError.exists(try ImageName("a:B:c:1.0.0"))) { try place.add("a:B:c:1.0.0") }
        #expect(place.contents() == ["A"])
    }

    @Test func whatIsNotTrueOfTheDiskIsRefusedWithTheReason() throws {
        let place = Place()
        let entry = try place.add("A:b:c:1.0.0")
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: entry.diskPath)
        try Data(repeating: 7, count: 100).write(to: URL(fileURLWithPath: entry.diskPath))
        #expect(place.names() == [])
        #expect(place.catalogue.list().refused.map(\.reason) == ["Its disk.raw has 100 bytes, and not 512. Delete the image, and build or import it again."])
        #expect { try place.catalogue.find(publisher: "a", offer: "b", sku: "c", version: "1.0.0") } throws: { "\($0)".contains("cannot be used") }
        // It can still be deleted.
        try place.catalogue.delete(ImageName("A:b:c:1.0.0"))
        #expect(place.contents() == [])
    }

    @Test func anImageInAnotherImagesPlaceIsRefused() throws {
        let place = Place()
        try place.add("A:b:c:1.0.0")
        try FileManager.default.moveItem(atPath: place.path + "/images/A/b/c/1.0.0", toPath: place.path + "/images/A/b/c/2.0.0")
        #expect(place.catalogue.list().refused.map(\.reason) == ["Its image.json is of another image: A:b:c:1.0.0."])
    }

    @Test func aDiskThatIsALinkIsRefused() throws {
        let place = Place()
        let entry = try place.add("A:b:c:1.0.0")
        try FileManager.default.removeItem(atPath: entry.diskPath)
        try FileManager.default.createSymbolicLink(atPath: entry.diskPath, withDestinationPath: "/etc/passwd")
        #expect(place.catalogue.list().refused.map(\.reason) == ["Its disk.raw is missing."])
    }

    @Test func whatIsUnfinishedIsNotSeenAndSweptOnceItsMakerIsGone() throws {
        let place = Place()
        let stage = try place.catalogue.stage()
        try Data([1]).write(to: URL(fileURLWithPath: stage.diskPath))
        try FileManager.default.createDirectory(atPath: place.path + "/images/.unfinished-dead", withIntermediateDirectories: true)
        #expect(place.catalogue.list().images.isEmpty && place.catalogue.list().refused.isEmpty)
        try place.add("A:b:c:1.0.0")
        // The one whose maker lives stays; the dead one is gone.
        #expect(FileManager.default.fileExists(atPath: stage.diskPath))
        #expect(!place.contents().contains(".unfinished-dead"))
        stage.abandon()
        #expect(place.contents() == ["A"])
    }

    @Test func deletingLeavesNothingOfIt() throws {
        let place = Place()
        try place.add("A:b:c:1.0.0")
        try place.add("A:b:c:2.0.0")
        try place.catalogue.delete(ImageName("A:b:c:1.0.0"))
        #expect(place.names() == ["A:b:c:2.0.0"])
        try place.catalogue.delete(ImageName("A:b:c:2.0.0"))
        #expect(place.contents() == [])
        #expect(throws: CatalogueError.notFound("A:b:c:2.0.0")) { try place.catalogue.delete(ImageName("A:b:c:2.0.0")) }
    }

    @Test("Names that lead elsewhere or are no names", arguments: [
        "..:b:c:1.0.0", "A/..:b:c:1.0.0", "A:b:c", ":b:c:1.0.0", "A:b:c:1.0", "A:b:c:01.0.0", "A:b:c:1.0.-1", "A:b:c:1.0.2147483648", "A:b:c:+1.0.0",
        "A:.b:c:1.0.0", "A:b\u{0}:c:1.0.0", "Ä:b:c:1.0.0", "A:b:c:latest", "A:b:c:1.0.0:d",
    ])
    func badNames(name: String) {
        #expect { try ImageName(name) } throws: { error in
            if case CatalogueError.badName = error { true } else { false }
        }
    }

    @Test func aRecordIsReadAsItIsWritten() throws {
        let record = try Self.record("A:b:c:1.2.3", byteCount: 1 << 40)
        #expect(try ImageRecord(json: JSON.encode(record.json)) == record)
    }

    @Test("Records that are not", arguments: [
        ("sizeBytes", JSONValue.int(0)), ("sizeBytes", .int(-5)), ("sizeBytes", .double(1e300)), ("sizeBytes", .string("5")), ("sha256", .string("abc")),
        ("sha256", .string(String(repeating: "G", count: 64))), ("osType", .string("linux")), ("hyperVGeneration", .string("V3")), ("version", .string("latest")),
        ("publisher", .string("..")), ("created", .null), ("builtFrom", .null),
    ])
    func badRecords(member: String, value: JSONValue) throws {
        var members = try #require(try Self.record("A:b:c:1.2.3", byteCount: 512).json.object)
        members[member] = value
        let bytes = try JSON.encode(JSONValue.object(members))
        #expect(throws: CatalogueError.self) { try ImageRecord(json: bytes) }
    }

    @Test func aDigestIsThatOfTheWholeFile() throws {
        let path = "\(NSTemporaryDirectory())/coffer-digest-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        // More than one piece, and a hole.
        try Data(repeating: 0, count: 3 << 20).write(to: URL(fileURLWithPath: path))
        let digest = try DiskDigest(ofFile: path)
        #expect(digest.byteCount == 3 << 20)
        // sha256sum of as many zero bytes.
        #expect(digest.sha256 == "bbd05cf6097ac9b1f89ea29d2542c1b7b67ee46848393895f5a9e43fa1f621e5")
    }
}
