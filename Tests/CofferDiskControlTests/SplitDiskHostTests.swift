import CofferCrypto
@testable import CofferDiskControl
import CofferModel
import CofferNBDWire
import Foundation
import Testing

/// A storage service and a host, each a process of its own, and what makes them one.
private final class Split {
    let storage: DiskHostProcess
    let host: DiskHostProcess
    let both: SplitDiskHost

    init() async throws {
        storage = try await DiskHostProcess(role: "storage")
        host = try await DiskHostProcess(data: storage.data, role: "host")
        both = SplitDiskHost(storage: storage.client, host: host.client)
    }

    func status(_ command: DiskCommand) async throws -> DiskStatus {
        guard case .disk(let status) = try await both.perform(command) else { throw DiskFailure(.system, "no status") }
        return status
    }

    /// Opens a disk for a machine; its keys are sealed to the process that is to have them.
    func open(_ disk: DiskID, _ keys: [TestKey], cache: DiskCache = .none, encryptsAtHost: Bool = false) async throws -> DiskStatus {
        let sealed = try await (encryptsAtHost ? host : storage).seal(keys, for: disk)
        return try await status(.open(disk: disk, keys: sealed, isReadOnly: false, use: .machine(cache: cache, encryptsAtHost: encryptsAtHost)))
    }

    func session(_ status: DiskStatus) throws -> NBDSession {
        let export = try #require(status.export)
        return try NBDSession(SocketWire(path: export.socketPath, timeout: 90_000), export: export.name)
    }

    func file(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: "\(storage.data)/\(path)")) }
}

extension NBDSession {
    fileprivate func write(_ text: String, at offset: UInt64, isDurable: Bool = false) throws {
        let bytes = Array(text.utf8)
        try unsafe bytes.withUnsafeBytes { bytes in try unsafe write(bytes, at: offset, isDurable: isDurable) }
    }

    fileprivate func text(_ count: Int, at offset: UInt64) throws -> String {
        var bytes = [UInt8](repeating: 0, count: count)
        try unsafe bytes.withUnsafeMutableBytes { bytes in try unsafe read(into: bytes, at: offset) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

@Suite("Storage service and host apart")
struct SplitDiskHostTests {
    private static let disk: DiskID = {
        guard let id = DiskID("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0") else { preconditionFailure("a test's disk id is wrong") }
        return id
    }()
    private static let canary = "a canary that no other text has"

    private func code(_ body: () async throws -> Void) async -> DiskFailure.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? DiskFailure)?.code
        }
    }

    @Test("The cache has plaintext unless the host encrypts; the storage never has; the data file is the same", arguments: [false, true], [1, 2])
    func forms(encryptsAtHost: Bool, layers: Int) async throws {
        let split = try await Split()
        let keys = Array([TestKey.first, .second].prefix(layers))
        _ = try await split.storage.create(Self.disk, keys: keys)
        let opened = try await split.open(Self.disk, keys, cache: .readWrite, encryptsAtHost: encryptsAtHost)
        #expect(opened.state == .open && opened.export?.socketPath.hasSuffix("hostnbd.sock") == true)
        let session = try split.session(opened)
        try session.write(Self.canary, at: 8192)
        #expect(try session.text(Self.canary.utf8.count, at: 8192) == Self.canary)
        let canary = Data(Self.canary.utf8)
        #expect(try (split.file("cache/\(Self.disk.text)").range(of: canary) != nil) == !encryptsAtHost)
        try session.flush()
        #expect(try split.file("disks/\(Self.disk.text)/data").range(of: canary) == nil)
        #expect(try split.file("disks/\(Self.disk.text)/data").contains { $0 != 0 })
        session.end()
        #expect(try await split.status(.close(disk: Self.disk)).state == .closed)
        #expect(!FileManager.default.fileExists(atPath: "\(split.storage.data)/cache/\(Self.disk.text)"))
        let client = try await split.status(.open(disk: Self.disk, keys: split.storage.seal(keys, for: Self.disk), isReadOnly: true, use: .client))
        #expect(try split.session(client).text(Self.canary.utf8.count, at: 8192) == Self.canary)
    }

    @Test("Keys that are not the disk's, or not for this process, attach nothing and leave nothing open")
    func wrongKeys() async throws {
        let split = try await Split()
        _ = try await split.storage.create(Self.disk, keys: [.first])
        #expect(await code { _ = try await split.open(Self.disk, [.second], encryptsAtHost: true) } == .wrongKey)
        #expect(try await split.storage.status(.inspect(disk: Self.disk)).state == .closed)
        let sealed = try await split.storage.seal([.first], for: Self.disk)
        let use = DiskUse.machine(cache: .none, encryptsAtHost: true)
        #expect(await code { _ = try await split.status(.open(disk: Self.disk, keys: sealed, isReadOnly: false, use: use)) } == .wrongKey)
        #expect(try await split.status(.inspect(disk: Self.disk)).state == .closed)
    }

    @Test("A disk that is suspended serves nothing at either part, and goes on with its keys", arguments: [false, true])
    func suspension(encryptsAtHost: Bool) async throws {
        let split = try await Split()
        _ = try await split.storage.create(Self.disk, keys: [.first])
        let opened = try await split.open(Self.disk, [.first], cache: .readOnly, encryptsAtHost: encryptsAtHost)
        let session = try split.session(opened)
        try session.write("kept", at: 0, isDurable: true)
        #expect(try session.text(4, at: 0) == "kept")
        let suspended = try await split.status(.suspend(disk: Self.disk, reason: "the key is disabled"))
        #expect(suspended.state == .suspended && suspended.reason == "the key is disabled")
        // Not even from the cache.
        #expect(throws: NBDFailure.command(5)) { try session.text(4, at: 0) }
        #expect(try await split.storage.status(.inspect(disk: Self.disk)).state == .suspended)
        let keys = try await (encryptsAtHost ? split.host : split.storage).seal([.first], for: Self.disk)
        #expect(try await split.status(.resume(disk: Self.disk, keys: keys)).state == .open)
        #expect(try session.text(4, at: 0) == "kept")
    }

    @Test("Either part may be killed: the disk counts as closed, opening it again puts it in order, what was flushed is there", arguments: [false, true])
    func kills(encryptsAtHost: Bool) async throws {
        let split = try await Split()
        _ = try await split.storage.create(Self.disk, keys: [.first])
        let opened = try await split.open(Self.disk, [.first], cache: .readWrite, encryptsAtHost: encryptsAtHost)
        var session = try split.session(opened)
        try session.write("flushed", at: 0)
        try session.flush()
        split.storage.killed()
        // A whole sector needs nothing of the storage.
        try session.write(String(repeating: "waiting.", count: 512), at: 4096)
        try await split.storage.restart()
        #expect(try await split.status(.inspect(disk: Self.disk)).state == .closed)
        #expect(try await split.open(Self.disk, [.first], cache: .readWrite, encryptsAtHost: encryptsAtHost).state == .open)
        #expect(try await split.status(.inspect(disk: Self.disk)).state == .open)
        try session.flush()
        split.host.killed()
        try await split.host.restart()
        #expect(try await split.status(.inspect(disk: Self.disk)).state == .closed)
        session = try split.session(try await split.open(Self.disk, [.first], cache: .readWrite, encryptsAtHost: encryptsAtHost))
        #expect(try session.text(7, at: 0) == "flushed")
        #expect(try session.text(8, at: 4096) == "waiting.")
    }

    @Test("What a host encrypts is not re-encrypted meanwhile; another use of it is refused")
    func exclusions() async throws {
        let split = try await Split()
        _ = try await split.storage.create(Self.disk, keys: [.first])
        _ = try await split.open(Self.disk, [.first], encryptsAtHost: true)
        let sealed = try await split.storage.seal([.first], for: Self.disk)
        var target = sealed
        target.append(try await split.storage.seal(.third, for: Self.disk, layer: 2))
        let reencrypt = DiskCommand.reencrypt(disk: Self.disk, to: [.test(2)], keys: target, bytesPerSecond: 0)
        #expect(await code { _ = try await split.status(reencrypt) } == .busy)
        #expect(await code { _ = try await split.status(.open(disk: Self.disk, keys: sealed, isReadOnly: false)) } == .busy)
        #expect(await code { _ = try await split.open(Self.disk, [.first]) } == .busy)
        #expect(await code { _ = try await split.both.perform(.delete(disk: Self.disk)) } == .busy)
        // The key's wrap may change all the same.
        let rewrapped = try await split.status(.rewrap(disk: Self.disk, layer: 0, to: .test(9), key: sealed[0], from: 1))
        #expect(rewrapped.generation == 2 && rewrapped.state == .open)
        _ = try await split.status(.close(disk: Self.disk))
        _ = try await split.both.perform(.delete(disk: Self.disk))
    }

    @Test("The host has disks of its own, and is idle without disks")
    func ownDisks() async throws {
        let split = try await Split()
        let created = try await split.status(.atHost(.create(disk: Self.disk, byteCount: 1 << 20, layers: [], keys: [])))
        #expect(created.layers.isEmpty)
        let opened = try await split.status(.atHost(.open(disk: Self.disk, keys: [], isReadOnly: false)))
        let session = try split.session(opened)
        try session.write(Self.canary, at: 0, isDurable: true)
        #expect(try split.file("temporary/\(Self.disk.text)/data").starts(with: Data(Self.canary.utf8)))
        guard case .disks(let none, _) = try await split.both.perform(.list) else { throw DiskFailure(.system, "no list") }
        #expect(none.isEmpty)
        #expect(await code { _ = try await split.both.perform(.quitIfIdle) } == .busy)
        _ = try await split.status(.atHost(.close(disk: Self.disk)))
        _ = try await split.both.perform(.atHost(.delete(disk: Self.disk)))
        _ = try await split.both.perform(.quitIfIdle)
    }
}
