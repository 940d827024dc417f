import CofferCore
import CofferCrypto
@testable import CofferDiskControl
import CofferModel
import CofferTesting
import Foundation
import Testing

/// Re-encryption in the whole program, driven as the control plane drives it.
struct ReencryptionHostTests {
    private let disk = DiskID.test(0x11)
    private static let size = 16 << 20

    private func code(_ body: () async throws -> Void) async -> DiskFailure.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? DiskFailure)?.code
        }
    }

    private func path(_ host: DiskHostProcess, _ file: String) -> String { "\(host.data)/disks/\(disk.text)/\(file)" }

    /// Keys as the host takes them for a disk that is being re-encrypted.
    private func seal(_ host: DiskHostProcess, _ present: [TestKey], _ target: [TestKey]) async throws -> [SealedKey] {
        var sealed = try await host.seal(present, for: disk)
        for (index, key) in target.enumerated() { sealed.append(try await host.seal(key, for: disk, layer: 2 + index)) }
        return sealed
    }

    private func begin(_ host: DiskHostProcess, from: [TestKey], to: [TestKey], rate: UInt64 = 0) async throws -> DiskStatus {
        try await host.status(.reencrypt(
            disk: disk, to: to.map { _ in .test(9) }, keys: seal(host, from, to), bytesPerSecond: rate))
    }

    /// Asks until the disk is under its new keys alone.
    private func ended(_ host: DiskHostProcess) async throws -> DiskStatus {
        while true {
            let status = try await host.status(.inspect(disk: disk))
            guard let job = status.reencryption else { return status }
            if job.state == .failed { throw DiskFailure(.system, job.reason ?? "") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// A disk with ciphertext in its first half.
    private func make(_ host: DiskHostProcess, _ keys: [TestKey]) async throws -> Data {
        _ = try await host.create(disk, byteCount: UInt64(Self.size), keys: keys)
        let bytes = Data((0..<Self.size / 2).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 1) })
        let file = try #require(FileHandle(forWritingAtPath: path(host, "data")))
        try file.write(contentsOf: bytes)
        try file.close()
        return try plaintext(host, keys)
    }

    /// What the data file holds under `keys`, decrypted here.
    private func plaintext(_ host: DiskHostProcess, _ keys: [TestKey]) throws -> Data {
        var bytes = [UInt8](try Data(contentsOf: URL(filePath: path(host, "data"))).prefix(Self.size / 2))
        for key in keys.reversed() {
            let cipher = try XTSCipher(key: key.secret())
            unsafe bytes.withUnsafeMutableBytes { unsafe cipher.decrypt($0, first: 0) }
        }
        return Data(bytes)
    }

    @Test(arguments: [[], [TestKey.first], [.first, .second]], [[TestKey.third], [.third, .fourth]])
    func aClosedDiskGetsNewKeysAndLayers(from: [TestKey], to: [TestKey]) async throws {
        let host = try await DiskHostProcess()
        let before = try await make(host, from)
        let begun = try await begin(host, from: from, to: to)
        #expect(begun.state == .closed)
        let after = try await ended(host)
        #expect(after.state == .closed)
        #expect(after.layers == to.map { _ in .test(9) })
        #expect(after.generation == 3)
        #expect(try plaintext(host, to) == before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: path(host, "")).sorted() == ["data", "header"])
        #expect(try await begin(host, from: from, to: to) == after, "repeating it is no error")
        #expect(await code { _ = try await host.open(disk, keys: from) } != nil)
        #expect(try await host.open(disk, keys: to).state == .open)
        #expect(await code { _ = try await host.client.perform(.quitIfIdle) } == .busy)
    }

    @Test func itIsPausedSlowedAndGoesOn() async throws {
        let host = try await DiskHostProcess()
        let before = try await make(host, [.first])
        _ = try await begin(host, from: [.first], to: [.third, .second], rate: 1)
        #expect(await code { _ = try await host.client.perform(.quitIfIdle) } == .busy)
        let paused = try await host.status(.steerReencryption(disk: disk, isPaused: true, bytesPerSecond: nil))
        #expect(paused.reencryption?.state == .paused)
        #expect(paused.reencryption?.bytesPerSecond == 1)
        #expect(try await host.client.perform(.quitIfIdle) == .done)
        host.process.end()
        try await host.restart()
        let still = try await host.status(.continueReencryption(disk: disk, keys: seal(host, [.first], [.third, .second])))
        #expect(still.reencryption?.state == .paused)
        let waiting = try await host.status(.steerReencryption(disk: disk, isPaused: false, bytesPerSecond: 0))
        #expect(waiting.reencryption?.state == .waiting)
        #expect(waiting.reencryption?.doneByteCount == paused.reencryption?.doneByteCount)
        _ = try await host.status(.continueReencryption(disk: disk, keys: seal(host, [.first], [.third, .second])))
        _ = try await ended(host)
        #expect(try plaintext(host, [.third, .second]) == before)
    }

    @Test func aKilledHostGoesOnWhenTheDiskIsOpened() async throws {
        let host = try await DiskHostProcess()
        let before = try await make(host, [.first])
        _ = try await begin(host, from: [.first], to: [.third], rate: 1)
        for _ in 0..<4 {
            try await Task.sleep(for: .milliseconds(300))
            host.killed()
            try await host.restart()
            let left = try await host.status(.inspect(disk: disk))
            #expect(left.reencryption?.state == .waiting)
            #expect(await code { _ = try await host.open(disk, keys: [.first]) } == .badCommand)
            let wrong = try await seal(host, [.first], [.second])
            #expect(await code { _ = try await host.status(.open(disk: disk, keys: wrong, isReadOnly: false)) } == .wrongKey)
            let open = try await host.status(.open(disk: disk, keys: seal(host, [.first], [.third]), isReadOnly: false))
            #expect(open.state == .open)
        }
        _ = try await host.status(.steerReencryption(disk: disk, isPaused: nil, bytesPerSecond: 0))
        #expect(try await ended(host).state == .open)
        #expect(try plaintext(host, [.third]) == before)
    }

    @Test func keysOfBothSetsAreRewrappedMeanwhile() async throws {
        let host = try await DiskHostProcess()
        _ = try await make(host, [.first])
        let begun = try await begin(host, from: [.first], to: [.third], rate: 1)
        let old = try await host.seal(.first, for: disk, layer: 0)
        let first = try await host.status(.rewrap(disk: disk, layer: 0, to: .test(2), key: old, from: begun.generation))
        #expect(first.layers == [.test(2)])
        let new = try await host.seal(.third, for: disk, layer: 2)
        let second = try await host.status(.rewrap(disk: disk, layer: 2, to: .test(3), key: new, from: first.generation))
        #expect(second.reencryption?.layers == [.test(3)])
        let crossed = try await host.seal(.first, for: disk, layer: 2)
        #expect(await code { _ = try await host.status(.rewrap(disk: disk, layer: 2, to: .test(4), key: crossed, from: second.generation)) } == .wrongKey)
        _ = try await host.status(.steerReencryption(disk: disk, isPaused: nil, bytesPerSecond: 0))
        #expect(try await ended(host).layers == [.test(3)])
    }

    @Test func whatDoesNotGoTogetherIsRefused() async throws {
        let host = try await DiskHostProcess()
        _ = try await make(host, [.first])
        #expect(await code { _ = try await begin(host, from: [.first], to: [.first]) } == .badCommand)
        #expect(await code { _ = try await begin(host, from: [.second], to: [.third]) } == .wrongKey)
        #expect(await code { _ = try await host.status(.steerReencryption(disk: disk, isPaused: true, bytesPerSecond: nil)) } == .badCommand)
        _ = try await begin(host, from: [.first], to: [.third], rate: 1)
        #expect(await code { _ = try await begin(host, from: [.first], to: [.second]) } == .busy)
        #expect(await code { _ = try await host.client.perform(.delete(disk: disk)) } == .busy)
        let copied = DiskID.test(0x22)
        let keys = try await host.seal([.first], for: copied)
        #expect(await code { _ = try await host.status(.copy(disk: copied, source: disk, layers: [.test(1)], keys: keys)) } == .busy)
        let grown = try await host.status(.resize(disk: disk, byteCount: UInt64(2 * Self.size)))
        #expect(grown.reencryption != nil)
        let closed = try await host.status(.close(disk: disk))
        #expect(closed.reencryption?.state == .waiting)
        #expect(try await host.client.perform(.delete(disk: disk)) == .done)
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(host.data)/disks") == [])
    }

    @Test func aSuspendedDiskStopsAndGoesOn() async throws {
        let host = try await DiskHostProcess()
        let before = try await make(host, [.first])
        _ = try await host.open(disk, keys: [.first])
        _ = try await begin(host, from: [.first], to: [.third], rate: 1)
        let suspended = try await host.status(.suspend(disk: disk, reason: "test"))
        #expect(suspended.reencryption?.state == .waiting)
        #expect(await code { _ = try await host.status(.resume(disk: disk, keys: host.seal([.first], for: disk))) } == .badCommand)
        _ = try await host.status(.resume(disk: disk, keys: seal(host, [.first], [.third])))
        _ = try await host.status(.steerReencryption(disk: disk, isPaused: nil, bytesPerSecond: 0))
        #expect(try await ended(host).state == .open)
        #expect(try plaintext(host, [.third]) == before)
    }

    @Test func withoutItsJournalADiskIsRefusedAndNothingIsGuessed() async throws {
        let host = try await DiskHostProcess()
        _ = try await make(host, [.first])
        _ = try await begin(host, from: [.first], to: [.third], rate: 1)
        host.killed()
        try FileManager.default.removeItem(atPath: path(host, "journal"))
        try await host.restart()
        let keys = try await seal(host, [.first], [.third])
        #expect(await code { _ = try await host.status(.open(disk: disk, keys: keys, isReadOnly: false)) } != nil)
        try Data(count: 2 << 20).write(to: URL(filePath: path(host, "journal")))
        #expect(await code { _ = try await host.status(.open(disk: disk, keys: keys, isReadOnly: false)) } == .corruptHeader)
    }
}
