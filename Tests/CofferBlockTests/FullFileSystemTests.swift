@testable import CofferBlock
import Foundation
import Testing

/// A file system of 4 MB, which only root can mount.
final class SmallFileSystem {
    let path: String

    init?() {
        path = NSTemporaryDirectory() + "coffer-small-\(UUID().uuidString)"
        guard unsafe mkdir(path, 0o700) == 0 else { return nil }
        guard unsafe mount("tmpfs", path, "tmpfs", 0, "size=4m") == 0 else {
            unsafe rmdir(path)
            return nil
        }
    }

    deinit {
        unsafe umount2(path, Int32(MNT_DETACH))
        unsafe rmdir(path)
    }

    static let isAvailable = SmallFileSystem() != nil
}

struct FullFileSystemTests {
    @Test(.enabled(if: SmallFileSystem.isAvailable, "needs root, to mount a small file system"), arguments: [1, 2])
    func aFullFileSystemRefusesWritesAndLosesNothing(layers: Int) throws {
        let small = try #require(SmallFileSystem())
        let test = try TestDisk(byteCount: 16 << 20, layers: layers, under: small.path)
        let disk = try test.open()
        let channel = try disk.makeChannel()
        var written: [UInt64] = []
        var offset: UInt64 = 0
        #expect(throws: BlockError.noSpace) {
            while true {
                try channel.write([UInt8](repeating: UInt8(truncatingIfNeeded: offset >> 16) | 1, count: 65_536), at: offset)
                written.append(offset)
                offset += 65_536
            }
        }
        try channel.flush()
        #expect(written.count > 30)
        for offset in written {
            #expect(try channel.read(65_536, at: offset).allSatisfy { $0 == UInt8(truncatingIfNeeded: offset >> 16) | 1 })
        }
        // What is there can be written again, and space that is given back can be used.
        try channel.write([UInt8](repeating: 0x77, count: 65_536), at: 0)
        #expect(throws: BlockError.noSpace) { try channel.write([1], at: 12 << 20) }
        try channel.trim(at: 65_536, count: 65_536)
        try channel.write([1], at: 12 << 20)
        #expect(try channel.read(1, at: 12 << 20) == [1])
        channel.end()
        try disk.close()
        let again = try test.open().makeChannel()
        #expect(try again.read(65_536, at: 0).allSatisfy { $0 == 0x77 })
        #expect(try again.read(65_536, at: 131_072).allSatisfy { $0 == 3 })
    }
}
