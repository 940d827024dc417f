import CofferCore
import CofferCrypto
@testable import CofferDiskControl
import CofferModel
import CofferTesting
import Foundation
import Testing

/// The whole program, driven as the control plane drives it.
struct DiskHostTests {
    private let disk = DiskID.test(0x11)

    private func code(_ body: () async throws -> Void) async -> DiskFailure.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? DiskFailure)?.code
        }
    }

    @Test func aDiskLivesFromCreateToDelete() async throws {
        let host = try await DiskHostProcess()
        let made = try await host.create(disk, keys: [.first, .second])
        #expect(made.state == .closed)
        #expect(made.generation == 1)
        #expect(made.byteCount == 1 << 20)
        #expect(try await host.create(disk, keys: [.first, .second]) == made, "making it again is no error")
        let open = try await host.open(disk, keys: [.first, .second])
        #expect(open.state == .open)
        #expect(open.export == DiskExport(
            socketPath: "\(host.data)/run/nbd.sock", name: disk.text, vhostPath: "\(host.data)/run/vhost/\(disk.text).sock"))
        #expect(try await host.open(disk, keys: [.first, .second]) == open)
        #expect(await code { _ = try await host.client.perform(.delete(disk: disk)) } == .busy)
        #expect(await code { _ = try await host.client.perform(.quitIfIdle) } == .busy)
        #expect(try await host.client.perform(.list) == .disks([open], refused: []))
        #expect(try await host.client.perform(.holes(disk: disk)) == .holes([ByteRange(offset: 0, length: 1 << 20)]))
        #expect(try await host.client.perform(.sync) == .done)
        #expect(try await host.status(.close(disk: disk)) == made)
        #expect(try await host.client.perform(.delete(disk: disk)) == .done)
        #expect(try await host.client.perform(.delete(disk: disk)) == .done)
        #expect(await code { _ = try await host.status(.inspect(disk: disk)) } == .notFound)
        #expect(try await host.client.perform(.quitIfIdle) == .done)
        #expect(host.process.end() == 0)
    }

    @Test func aDiskWithoutKeysIsNotEncrypted() async throws {
        let host = try await DiskHostProcess()
        #expect(try await host.create(disk, keys: []).layers == [])
        #expect(try await host.create(disk, keys: []).generation == 1, "making it again is no error")
        #expect(await code { _ = try await host.open(disk, keys: [.first]) } == .badCommand)
        let open = try await host.open(disk, keys: [])
        #expect(open.state == .open)
        let export = try #require(open.export)
        let uri = "nbd+unix:///\(export.name)?socket=\(export.socketPath)"
        #expect(try ToolProcess.run(["qemu-io", "-f", "raw", "-c", "write -P 0x5a 5000 9000", uri]).status == 0)
        _ = try await host.status(.close(disk: disk))
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(host.data)/disks/\(disk.text)/data"))
        #expect(data[5000..<14_000] == Data(repeating: 0x5a, count: 9000))
        #expect(data[..<5000].allSatisfy { $0 == 0 })
    }

    @Test func theHostHasDisksOfItsOwn() async throws {
        let host = try await DiskHostProcess()
        let made = try await host.status(.atHost(.create(disk: disk, byteCount: 8192, layers: [.test(1)], keys: host.seal([.first], for: disk))))
        #expect(try await host.client.perform(.list) == .disks([], refused: []))
        #expect(try await host.client.perform(.atHost(.list)) == .disks([made], refused: []))
        #expect(await code { _ = try await host.status(.inspect(disk: disk)) } == .notFound)
        let open = try await host.status(.atHost(.open(disk: disk, keys: host.seal([.first], for: disk), isReadOnly: false)))
        #expect(open.export?.vhostPath == "\(host.data)/run/vhost/\(disk.text).sock")
        #expect(await code { _ = try await host.client.perform(.quitIfIdle) } == .busy)
        #expect(await code { _ = try await host.client.perform(.atHost(.atHost(.list))) } == .badCommand)
        #expect(await code { _ = try await host.client.perform(.atHost(.quitIfIdle)) } == .badCommand)
        #expect(FileManager.default.fileExists(atPath: "\(host.data)/temporary/\(disk.text)/header"))
        _ = try await host.status(.atHost(.close(disk: disk)))
        #expect(try await host.client.perform(.atHost(.delete(disk: disk))) == .done)
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(host.data)/temporary") == [])
        #expect(try await host.client.perform(.quitIfIdle) == .done)
        host.process.end()
    }

    @Test func wrongKeysAreRefusedEverywhere() async throws {
        let host = try await DiskHostProcess()
        _ = try await host.create(disk, keys: [.first, .second])
        #expect(await code { _ = try await host.open(disk, keys: [.first, .third]) } == .wrongKey)
        #expect(await code { _ = try await host.open(disk, keys: [.second, .first]) } == .wrongKey)
        #expect(await code { _ = try await host.open(disk, keys: [.first]) } == .wrongKey)
        let elsewhere = try await host.seal([.first, .second], for: .test(0x22))
        #expect(await code { _ = try await host.client.perform(.open(disk: disk, keys: elsewhere, isReadOnly: false)) } == .wrongKey)
        #expect(await code { _ = try await host.client.perform(.open(disk: disk, keys: [], isReadOnly: false)) } == .wrongKey)
        #expect(await code { _ = try await host.create(.test(0x33), keys: [.first, .first]) } == .badCommand)
        let wrong = try await host.seal(.third, for: disk, layer: 0)
        #expect(await code { _ = try await host.status(.rewrap(disk: disk, layer: 0, to: .test(2), key: wrong, from: 1)) } == .wrongKey)
        let misplaced = try await host.seal(.first, for: disk, layer: 5)
        #expect(await code { _ = try await host.status(.rewrap(disk: disk, layer: 5, to: .test(2), key: misplaced, from: 1)) } == .wrongKey)
        #expect(try await host.status(.inspect(disk: disk)).generation == 1)
    }

    @Test func aKeySealedToAnEarlierProcessIsRefused() async throws {
        let host = try await DiskHostProcess()
        _ = try await host.create(disk, keys: [.first])
        let old = try await host.seal([.first], for: disk)
        let oldKey = try await host.greeting().recipientKey
        #expect(host.terminated() == 0)
        try await host.restart()
        #expect(try await host.greeting().recipientKey != oldKey)
        #expect(await code { _ = try await host.client.perform(.open(disk: disk, keys: old, isReadOnly: false)) } == .wrongKey)
        #expect(try await host.open(disk, keys: [.first]).state == .open)
    }

    @Test func sizesAndLayersThatNoDiskHasAreRefused() async throws {
        let host = try await DiskHostProcess()
        #expect(await code { _ = try await host.create(disk, byteCount: 5000, keys: [.first]) } == .badCommand)
        #expect(await code { _ = try await host.create(disk, byteCount: 0, keys: [.first]) } == .badCommand)
        #expect(await code { _ = try await host.create(disk, keys: [.first, .second, .third]) } == .badCommand)
        let keys = try await host.seal([.first], for: disk)
        let long = DiskLayer(keyID: "k", algorithm: "A256KW", wrappedKey: [UInt8](repeating: 1, count: 1025))
        #expect(await code { _ = try await host.status(.create(disk: disk, byteCount: 4096, layers: [long], keys: keys)) } == .badCommand)
        _ = try await host.create(disk, keys: [.first])
        #expect(await code { _ = try await host.create(disk, byteCount: 8192, keys: [.first]) } == .exists)
        #expect(await code { _ = try await host.create(disk, keys: [.second]) } == .exists)
    }

    @Test func rewrappingChecksTheGenerationAndMayBeRepeated() async throws {
        let host = try await DiskHostProcess()
        _ = try await host.create(disk, keys: [.first])
        let key = try await host.seal(.first, for: disk, layer: 0)
        let new = try await host.status(.rewrap(disk: disk, layer: 0, to: .test(2), key: key, from: 1))
        #expect(new.generation == 2)
        #expect(new.layers == [.test(2)])
        #expect(try await host.status(.rewrap(disk: disk, layer: 0, to: .test(2), key: key, from: 1)) == new)
        #expect(await code { _ = try await host.status(.rewrap(disk: disk, layer: 0, to: .test(3), key: key, from: 1)) } == .generationChanged)
        #expect(try await host.open(disk, keys: [.first]).generation == 2)
        let third = try await host.status(.rewrap(disk: disk, layer: 0, to: .test(3), key: key, from: 2))
        #expect(third.state == .open)
        #expect(third.generation == 3)
    }

    @Test func suspendingAndResumingAreTold() async throws {
        let host = try await DiskHostProcess()
        _ = try await host.create(disk, keys: [.first])
        #expect(try await host.status(.suspend(disk: disk, reason: "x")).state == .closed)
        _ = try await host.open(disk, keys: [.first])
        let suspended = try await host.status(.suspend(disk: disk, reason: "the key is disabled"))
        #expect(suspended.state == .suspended)
        #expect(suspended.reason == "the key is disabled")
        #expect(suspended.export != nil)
        let wrong = try await host.seal([.second], for: disk)
        #expect(await code { _ = try await host.status(.resume(disk: disk, keys: wrong)) } == .wrongKey)
        // The wrapped key can be replaced meanwhile.
        let key = try await host.seal(.first, for: disk, layer: 0)
        #expect(try await host.status(.rewrap(disk: disk, layer: 0, to: .test(2), key: key, from: 1)).state == .suspended)
        let keys = try await host.seal([.first], for: disk)
        #expect(try await host.status(.resume(disk: disk, keys: keys)).state == .open)
        _ = try await host.status(.close(disk: disk))
        #expect(await code { _ = try await host.status(.resume(disk: disk, keys: keys)) } == .badCommand)
    }

    @Test func limitsHoldWhileADiskIsOpenAndStatisticsStartWithIt() async throws {
        let host = try await DiskHostProcess()
        _ = try await host.create(disk, keys: [.first])
        let limits = DiskLimits(operationsPerSecond: 500, bytesPerSecond: nil)
        #expect(await code { _ = try await host.status(.limit(disk: disk, to: limits)) } == .badCommand)
        #expect(await code { _ = try await host.client.perform(.statistics(disk: disk)) } == .badCommand)
        let open = try await host.open(disk, keys: [.first])
        #expect(open.limits == nil)
        #expect(try await host.status(.limit(disk: disk, to: limits)).limits == limits)
        #expect(await code { _ = try await host.status(.limit(disk: disk, to: DiskLimits(operationsPerSecond: nil, bytesPerSecond: 0))) } == .badCommand)
        let kinds = OperationStatistics.Kind.allCases
        let none = kinds.map {
            OperationStatistics(
                kind: $0, count: 0, byteCount: 0, errorCount: 0, nanoseconds: 0, histogram: [UInt64](repeating: 0, count: OperationStatistics.bucketCount))
        }
        #expect(try await host.client.perform(.statistics(disk: disk))
            == .statistics(DiskStatistics(operations: none, limits: limits, delayedCount: 0, delayedNanoseconds: 0)))
        #expect(try await host.status(.limit(disk: disk, to: .none)).limits == nil)
        _ = try await host.status(.limit(disk: disk, to: limits))
        _ = try await host.status(.close(disk: disk))
        #expect(try await host.open(disk, keys: [.first]).limits == nil)
    }

    @Test func aCorruptHeaderIsToldByPathAndTheOthersGoOn() async throws {
        let host = try await DiskHostProcess()
        _ = try await host.create(disk, keys: [.first])
        let good = try await host.create(.test(0x22), keys: [.first])
        let path = "\(host.data)/disks/\(disk.text)/header"
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[60] ^= 1
        try bytes.write(to: URL(fileURLWithPath: path))
        host.killed()
        try await host.restart()
        guard case .disks(let disks, let refused) = try await host.client.perform(.list) else { Issue.record("no list"); return }
        #expect(disks == [good])
        #expect(refused.map(\.path) == [path])
        let failure = await #expect(throws: DiskFailure.self) { _ = try await host.open(disk, keys: [.first]) }
        #expect(failure?.code == .corruptHeader)
        #expect(failure?.message.contains(path) == true)
        #expect(try await host.open(.test(0x22), keys: [.first]).state == .open)
    }

    @Test func aSecondHostOfOneDirectoryIsRefused() async throws {
        let host = try await DiskHostProcess()
        let second = try ToolProcess.run([DiskHostProcess.program, "--data", host.data])
        #expect(second.status == 75)
        #expect(second.text.contains("another coffer-diskd serves \(host.data)"))
        #expect(try await host.greeting().processID == host.process.id)
    }

    @Test func killingTheHostWhileItRewrapsLeavesOneGeneration() async throws {
        let host = try await DiskHostProcess()
        _ = try await host.create(disk, keys: [.first, .second])
        var generation: UInt64 = 1
        for round in 0..<12 {
            let key = try await host.seal(.second, for: disk, layer: 1)
            let reached = generation
            let client = host.client
            // Rewraps until the host is gone, and tells the last generation that was acknowledged.
            let work = Task { [disk] in
                var last = reached
                while let reply = try? await client.perform(.rewrap(disk: disk, layer: 1, to: .test(Int(last % 200) + 2), key: key, from: last)) {
                    guard case .disk(let status) = reply else { break }
                    last = status.generation
                }
                return last
            }
            // Not to synchronise anything: it chooses the moment of death.
            try await Task.sleep(for: .milliseconds(3 + round * 7 % 20))
            host.killed()
            let acknowledged = await work.value
            try await host.restart()
            let found = try await host.open(disk, keys: [.first, .second])
            #expect(found.generation == acknowledged || found.generation == acknowledged + 1)
            generation = found.generation
        }
        #expect(generation > 1)
    }

    @Test func nothingSecretIsInTheFiles() async throws {
        let host = try await DiskHostProcess()
        _ = try await host.create(disk, keys: [.first, .second])
        _ = try await host.open(disk, keys: [.first, .second])
        let key = (0..<64).map { UInt8(truncatingIfNeeded: $0 * 3 + 3) }
        let files = try #require(FileManager.default.enumerator(atPath: host.data))
        for case let name as String in files {
            guard let data = FileManager.default.contents(atPath: "\(host.data)/\(name)") else { continue }
            #expect(data.range(of: Data(key[..<16])) == nil, "\(name)")
        }
    }
}
