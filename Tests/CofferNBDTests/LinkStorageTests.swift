import CofferBlock
import CofferDiskFormat
import CofferDiskLink
import CofferModel
import CofferNBD
import Foundation
import Testing

@Suite("A disk that a storage service has")
struct LinkStorageTests {
    private func disk(_ link: LinkStorage, byteCount: UInt64, layers: Int = 0) throws -> EncryptedDisk {
        try EncryptedDisk(link, byteCount: byteCount, keys: layers == 0 ? .init() : TestDisk.keys(layers), isReadOnly: false)
    }

    private func read(_ channel: DiskChannel, _ count: Int, at offset: UInt64) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0xEE, count: count)
        _ = try unsafe bytes.withUnsafeMutableBytes { bytes in try unsafe channel.read(bytes, at: offset) }
        return bytes
    }

    private func write(_ channel: DiskChannel, _ bytes: [UInt8], at offset: UInt64, isDurable: Bool = false) throws {
        var bytes = bytes
        try unsafe bytes.withUnsafeMutableBytes { bytes in try unsafe channel.write(bytes, at: offset, isDurable: isDurable) }
    }

    @Test("It is read and written with its holes, at any alignment")
    func roundTrip() throws {
        let running = try TestServer(byteCount: 8 << 20)
        let link = LinkStorage(to: LinkAddress(socketPath: running.server.path), export: "disk")
        try link.probe(byteCount: 8 << 20)
        #expect(throws: BlockError.outOfRange) { try link.probe(byteCount: 16 << 20) }
        let channel = try disk(link, byteCount: 8 << 20).makeChannel()
        let bytes = (0..<3 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }
        try write(channel, bytes, at: 1536)
        #expect(try read(channel, bytes.count, at: 1536) == bytes)
        try write(channel, [1, 2, 3], at: 7 << 20, isDurable: true)
        try channel.trim(at: 0, count: 1 << 20)
        #expect(try read(channel, 1 << 20, at: 0) == [UInt8](repeating: 0, count: 1 << 20))
        try channel.flush()
        var extents: [DiskExtent] = []
        try channel.extents(at: 0, count: 8 << 20) {
            extents.append($0)
            return true
        }
        #expect(extents.first == DiskExtent(offset: 0, length: 1 << 20, isHole: true))
        #expect(extents.reduce(0) { $0 + $1.length } == 8 << 20)
    }

    @Test("A host with keys writes the bytes that the storage would have written itself", arguments: [1, 2])
    func sameFormat(layers: Int) throws {
        let test = try TestDisk(byteCount: 4 << 20, layers: layers)
        let bytes = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        do {
            // The storage has no keys: it keeps what it is given.
            let stored = try EncryptedDisk(DataFile(path: test.path, isReadOnly: false), byteCount: test.header.byteCount, keys: .init(), isReadOnly: false)
            let server = try NBDServer(path: "\(test.directory)/nbd.sock")
            defer { server.stop() }
            server.add(stored, as: "disk")
            server.start()
            let link = LinkStorage(to: LinkAddress(socketPath: server.path), export: "disk")
            let channel = try disk(link, byteCount: 4 << 20, layers: layers).makeChannel()
            try write(channel, bytes, at: 12345, isDurable: true)
            #expect(try read(channel, bytes.count, at: 12345) == bytes)
        }
        let channel = try test.open().makeChannel()
        #expect(try read(channel, bytes.count, at: 12345) == bytes)
        #expect(try read(channel, 12345, at: 0) == [UInt8](repeating: 0, count: 12345))
    }

    @Test("I/O waits for a storage that comes back, and fails at the end of its patience")
    func storageThatGoes() throws {
        let test = try TestDisk(byteCount: 1 << 20, layers: 1)
        let opened = try test.open()
        let path = "\(test.directory)/nbd.sock"
        func serve() throws -> NBDServer {
            let server = try NBDServer(path: path)
            server.add(opened, as: "disk")
            server.start()
            return server
        }
        let first = try serve()
        let channel = try disk(LinkStorage(to: LinkAddress(socketPath: path), export: "disk"), byteCount: 1 << 20).makeChannel()
        try write(channel, [1, 2, 3], at: 0)
        first.stop()
        let waiting = DispatchGroup()
        let result = Box()
        DispatchQueue.global().async(group: waiting) {
            result.error = Result { try self.write(channel, [4], at: 2) }
        }
        usleep(300_000)
        let second = try serve()
        waiting.wait()
        #expect(throws: Never.self) { try result.error?.get() }
        #expect(try read(channel, 4, at: 0) == [1, 2, 4, 0])
        second.stop()
        let impatient = LinkStorage(to: LinkAddress(socketPath: path), export: "disk", patience: .milliseconds(200))
        #expect(throws: BlockError.system(ETIMEDOUT)) { try impatient.sync() }
        let ending = LinkStorage(to: LinkAddress(socketPath: path), export: "disk")
        ending.releaseWaiting()
        #expect(throws: BlockError.closed) { try ending.sync() }
    }

    @Test("What the storage cannot do is told at once")
    func refusals() throws {
        let running = try TestServer(isReadOnly: true)
        let link = LinkStorage(to: LinkAddress(socketPath: running.server.path), export: "disk")
        let channel = try disk(link, byteCount: 1 << 20).makeChannel()
        #expect(throws: BlockError.readOnly) { try write(channel, [1], at: 0) }
        running.disk.suspend(reason: "the key is disabled")
        #expect(throws: BlockError.system(EIO)) { try read(channel, 1, at: 0) }
    }

    @Test("Addresses are NBD URIs of Unix sockets")
    func addresses() {
        #expect(LinkAddress(uri: "nbd+unix:///?socket=/run/a b.sock") == LinkAddress(socketPath: "/run/a b.sock"))
        for uri in ["", "nbd+unix:///?socket=", "nbd+unix:///?socket=relative", "nbd://host:10809", "nbd+unix:///?socket=/a%20b", "/run/nbd.sock"] {
            #expect(LinkAddress(uri: uri) == nil)
        }
    }
}

/// What a thread leaves for another.
private final class Box: @unchecked Sendable {
    // SAFETY: written before the group is left, read after it was waited for.
    var error: Result<Void, any Error>?
}
