@testable import CofferDiskFormat
import CofferModel
import Foundation
import Testing

struct DiskShelfTests {
    private let scratch = Scratch()
    private var shelf: DiskShelf { DiskShelf(path: "\(scratch.path)/disks") }
    private let files = FileManager.default

    @Test func aDiskIsMadeReadRewrappedAndDeleted() throws {
        let empty = try shelf.recover()
        #expect(empty == ShelfContents(headers: [], refused: []))
        let header = try Samples.header(layers: 2)
        try shelf.create(header)
        #expect(try shelf.header(of: Samples.disk) == header)
        let new = try header.rewrapped(layer: 1, to: Samples.layer(2))
        try shelf.replaceHeader(with: new)
        #expect(try shelf.contents() == ShelfContents(headers: [new], refused: []))
        try shelf.delete(Samples.disk)
        #expect(try files.contentsOfDirectory(atPath: shelf.path) == [])
        #expect(throws: DiskFormatError.notFound) { try shelf.header(of: Samples.disk) }
        #expect(throws: DiskFormatError.notFound) { try shelf.delete(Samples.disk) }
    }

    @Test func aDiskIsMadeOnce() throws {
        _ = try shelf.recover()
        try shelf.create(Samples.header(layers: 1))
        #expect(throws: DiskFormatError.exists) { try shelf.create(Samples.header(layers: 2)) }
        #expect(try shelf.header(of: Samples.disk).layers.count == 1)
    }

    @Test func filesAndDirectoriesAreTheOwnersAlone() throws {
        _ = try shelf.recover()
        try shelf.create(Samples.header(layers: 1))
        for path in [shelf.headerPath(of: Samples.disk), shelf.dataPath(of: Samples.disk), shelf.path, shelf.directory(of: Samples.disk)] {
            let mode = try files.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect((mode ?? 0o777) & 0o077 == 0, "\(path)")
        }
    }

    @Test func aCorruptHeaderIsRefusedByPathAndTheOthersGoOn() throws {
        _ = try shelf.recover()
        let other = Samples.id("00000000-0000-0000-0000-000000000001")
        try shelf.create(Samples.header(layers: 1))
        try shelf.create(Samples.header(layers: 1, disk: other))
        let path = shelf.headerPath(of: Samples.disk)
        try Data("COFFERDK and then nonsense".utf8).write(to: URL(fileURLWithPath: path))
        let found = try shelf.recover()
        #expect(found.headers.map(\.disk) == [other])
        #expect(found.refused.map(\.path) == [path])
        #expect(files.fileExists(atPath: shelf.dataPath(of: Samples.disk)), "a disk that cannot be read is never touched")
    }

    @Test func aHeaderOfAnotherDiskIsRefused() throws {
        _ = try shelf.recover()
        let other = Samples.id("00000000-0000-0000-0000-000000000001")
        try shelf.create(Samples.header(layers: 1))
        try files.copyItem(atPath: shelf.directory(of: Samples.disk), toPath: shelf.directory(of: other))
        #expect(throws: DiskFormatError.otherDisk) { try shelf.header(of: other) }
    }

    @Test func aDiskWhoseDataIsNotThereInFullIsRefused() throws {
        _ = try shelf.recover()
        try shelf.create(Samples.header(layers: 1))
        try Data(count: 4096).write(to: URL(fileURLWithPath: shelf.dataPath(of: Samples.disk)))
        #expect(throws: DiskFormatError.dataMissing) { try shelf.header(of: Samples.disk) }
    }

    @Test func strangeNamesAreRefusedAndLeftAlone() throws {
        _ = try shelf.recover()
        try files.createDirectory(atPath: "\(shelf.path)/notes", withIntermediateDirectories: false)
        try files.createDirectory(atPath: "\(shelf.path)/0F1E2D3C-4B5A-6978-8796-A5B4C3D2E1F0", withIntermediateDirectories: false)
        let found = try shelf.recover()
        #expect(found.headers.isEmpty)
        #expect(found.refused.count == 2)
        #expect(files.fileExists(atPath: "\(shelf.path)/notes"))
    }

    @Test func leftoversAreClearedAway() throws {
        _ = try shelf.recover()
        try shelf.create(Samples.header(layers: 1))
        for name in [".new-00000000-0000-0000-0000-000000000001", ".deleted-00000000-0000-0000-0000-000000000002"] {
            try files.copyItem(atPath: shelf.directory(of: Samples.disk), toPath: "\(shelf.path)/\(name)")
        }
        try files.copyItem(atPath: shelf.headerPath(of: Samples.disk), toPath: shelf.headerPath(of: Samples.disk) + ".new")
        let found = try shelf.recover()
        #expect(found.headers.count == 1)
        #expect(try files.contentsOfDirectory(atPath: shelf.path) == [Samples.disk.text])
        #expect(try files.contentsOfDirectory(atPath: shelf.directory(of: Samples.disk)).sorted() == ["data", "header"])
    }
}
