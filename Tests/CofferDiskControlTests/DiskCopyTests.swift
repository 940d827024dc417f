import CofferCore
@testable import CofferDiskControl
import CofferModel
import Foundation
import Testing

/// Growing disks and making disks of others, in the whole program.
struct DiskCopyTests {
    private let source = DiskID.test(0x11)
    private let target = DiskID.test(0x22)

    private func code(_ body: () async throws -> Void) async -> DiskFailure.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? DiskFailure)?.code
        }
    }

    private func path(_ host: DiskHostProcess, _ disk: DiskID, _ file: String = "data") -> String { "\(host.data)/disks/\(disk.text)/\(file)" }

    /// Writes bytes as a guest's ciphertext would lie there.
    private func fill(_ host: DiskHostProcess, _ disk: DiskID, at offset: UInt64, count: Int, with byte: UInt8) throws {
        let file = try #require(FileHandle(forWritingAtPath: path(host, disk)))
        try file.seek(toOffset: offset)
        try file.write(contentsOf: Data(repeating: byte, count: count))
        try file.close()
    }

    private func copy(_ host: DiskHostProcess, _ keys: [TestKey] = [.first, .second], layers: [DiskLayer]? = nil) async throws -> DiskStatus {
        let layers = layers ?? keys.map { _ in .test(1) }
        return try await host.status(.copy(disk: target, source: source, layers: layers, keys: host.seal(keys, for: target)))
    }

    /// Asks until a copy has ended.
    private func ended(_ host: DiskHostProcess, _ disk: DiskID) async throws -> DiskStatus {
        while true {
            let status = try await host.status(.inspect(disk: disk))
            if status.state != .copying { return status }
            await Task.yield()
        }
    }

    @Test func aDiskGrowsClosedAndOpen() async throws {
        let host = try await DiskHostProcess()
        _ = try await host.create(source, keys: [.first])
        let grown = try await host.status(.resize(disk: source, byteCount: 2 << 20))
        #expect(grown.byteCount == 2 << 20)
        #expect(grown.generation == 2)
        #expect(try await host.status(.resize(disk: source, byteCount: 2 << 20)) == grown, "repeating it is no error")
        _ = try await host.open(source, keys: [.first])
        #expect(try await host.status(.resize(disk: source, byteCount: 3 << 20)).byteCount == 3 << 20)
        #expect(await code { _ = try await host.status(.resize(disk: source, byteCount: 1 << 20)) } == .badCommand)
        #expect(await code { _ = try await host.status(.resize(disk: source, byteCount: (3 << 20) + 512)) } == .badCommand)
        #expect(await code { _ = try await host.status(.resize(disk: target, byteCount: 3 << 20)) } == .notFound)
        host.killed()
        try await host.restart()
        #expect(try await host.status(.inspect(disk: source)).byteCount == 3 << 20)
        #expect(try FileManager.default.attributesOfItem(atPath: path(host, source))[.size] as? Int == 3 << 20)
    }

    @Test func aCopyHasTheSourcesDataAndKeysAndNoMoreSpace() async throws {
        let host = try await DiskHostProcess()
        _ = try await host.create(source, byteCount: 64 << 20, keys: [.first, .second])
        try fill(host, source, at: 8 << 20, count: 1 << 20, with: 0xA5)
        try fill(host, source, at: (64 << 20) - 4096, count: 4096, with: 0x5A)
        let made = try await copy(host)
        #expect(made.state == .closed)
        #expect(made.generation == 1)
        #expect(made.allocatedByteCount <= 2 << 20)
        #expect(FileManager.default.contentsEqual(atPath: path(host, source), andPath: path(host, target)))
        #expect(try await copy(host) == made, "repeating it is no error")
        #expect(await code { _ = try await copy(host, layers: [.test(2), .test(1)]) } == .exists)
        #expect(try await host.open(target, keys: [.first, .second]).state == .open)
        #expect(await code { _ = try await host.open(source, keys: [.first, .third]) } == .wrongKey)
        #expect(try await host.client.perform(.delete(disk: source)) == .done)
        #expect(try await host.client.perform(.changes(disk: target, base: target)) == .changes([]))
    }

    @Test func aCopyNeedsTheSourcesKeys() async throws {
        let host = try await DiskHostProcess()
        _ = try await host.create(source, keys: [.first, .second])
        #expect(await code { _ = try await copy(host, [.first, .third]) } == .wrongKey)
        #expect(await code { _ = try await copy(host, [.first]) } == .wrongKey)
        let misdirected = try await host.seal([.first, .second], for: source)
        let command = DiskCommand.copy(disk: target, source: source, layers: [.test(1), .test(1)], keys: misdirected)
        #expect(await code { _ = try await host.status(command) } == .wrongKey)
        #expect(await code { _ = try await host.status(.inspect(disk: target)) } == .notFound)
        let itself = DiskCommand.copy(disk: source, source: source, layers: [.test(1), .test(1)], keys: misdirected)
        #expect(await code { _ = try await host.status(itself) } == .badCommand)
        #expect(await code { _ = try await host.status(.copy(disk: target, source: .test(0x33), layers: [.test(1)], keys: host.seal([.first], for: target))) } == .notFound)
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(host.data)/disks") == [source.text])
    }

    @Test func changesAreFoundWithoutKeys() async throws {
        let host = try await DiskHostProcess()
        _ = try await host.create(source, byteCount: 16 << 20, keys: [.first, .second])
        try fill(host, source, at: 1 << 20, count: 8192, with: 1)
        _ = try await copy(host)
        try fill(host, source, at: (1 << 20) + 4096, count: 4096, with: 2)
        try fill(host, source, at: 9 << 20, count: 12288, with: 3)
        #expect(try await host.client.perform(.changes(disk: source, base: target)) == .changes([
            ByteRange(offset: (1 << 20) + 4096, length: 4096), ByteRange(offset: 9 << 20, length: 12288),
        ]))
    }

    @Test func aKillDuringACopyLeavesNothingOfIt() async throws {
        let host = try await DiskHostProcess()
        _ = try await host.create(source, byteCount: 1 << 30, keys: [.first])
        for offset in stride(from: UInt64(0), to: 1 << 30, by: 8 << 20) { try fill(host, source, at: offset, count: 4 << 20, with: 7) }
        let command = DiskCommand.copy(disk: target, source: source, layers: [.test(1)], keys: try await host.seal([.first], for: target))
        let client = host.client
        let pending = Task { try? await client.perform(command) }
        let half = "\(host.data)/disks/.new-\(target.text)"
        while !FileManager.default.fileExists(atPath: half), !FileManager.default.fileExists(atPath: path(host, target)) { await Task.yield() }
        host.killed()
        _ = await pending.value
        try await host.restart()
        #expect(!FileManager.default.fileExists(atPath: half))
        let found = await code { _ = try await host.status(.inspect(disk: target)) }
        #expect(found == .notFound || found == nil, "it is there in full or not at all")
        if found == nil { #expect(FileManager.default.contentsEqual(atPath: path(host, source), andPath: path(host, target))) }
        #expect(try await host.open(source, keys: [.first]).state == .open)
    }

    @Test func suspendingTheSourceEndsItsCopies() async throws {
        let host = try await DiskHostProcess()
        _ = try await host.create(source, byteCount: 1 << 30, keys: [.first])
        for offset in stride(from: UInt64(0), to: 1 << 30, by: 8 << 20) { try fill(host, source, at: offset, count: 8 << 20, with: 7) }
        _ = try await host.open(source, keys: [.first])
        let command = DiskCommand.copy(disk: target, source: source, layers: [.test(1)], keys: try await host.seal([.first], for: target))
        let client = host.client
        async let begun = client.perform(command)
        while !FileManager.default.fileExists(atPath: "\(host.data)/disks/.new-\(target.text)"), !FileManager.default.fileExists(atPath: path(host, target)) {
            await Task.yield()
        }
        #expect(try await host.status(.suspend(disk: source, reason: "the key is disabled")).state == .suspended)
        _ = try await begun
        // The copy may have been quicker.
        let ended = try await ended(host, target)
        #expect(ended.state == .failed && ended.reason?.contains("ended before") == true || ended.state == .closed)
        #expect(try await host.client.perform(.delete(disk: target)) == .done)
        #expect(await code { _ = try await host.status(.inspect(disk: target)) } == .notFound)
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(host.data)/disks") == [source.text])
    }

    @Test func aRewrapDuringACopyIsNotLost() async throws {
        let host = try await DiskHostProcess()
        _ = try await host.create(source, byteCount: 1 << 30, keys: [.first])
        for offset in stride(from: UInt64(0), to: 1 << 30, by: 4 << 20) { try fill(host, source, at: offset, count: 4 << 20, with: 7) }
        _ = try await copy(host, [.first])
        let key = try await host.seal(.first, for: target, layer: 0)
        let rewrapped = try await host.status(.rewrap(disk: target, layer: 0, to: .test(2), key: key, from: 1))
        #expect(rewrapped.layers == [.test(2)])
        let done = try await ended(host, target)
        #expect(done.state == .closed)
        #expect(done.layers == [.test(2)])
        #expect(done.generation == 2)
        #expect(try await host.open(target, keys: [.first]).state == .open)
    }
}
