import CofferCore
import CofferModel
import CofferPlatform

/// The disk host's commands as calls that return what each command is answered with.
struct HostedDisks: Sendable {
    let host: any DiskHost
    /// Whether the commands are about disks that are the host's own, and not the storage service's.
    var areHosts = false

    /// The same for the host's own disks.
    var own: HostedDisks { HostedDisks(host: host, areHosts: true) }

    /// Runs `body` with the key that data keys are sealed to, and once more if the host was replaced in between.
    ///
    /// - Parameter use: What the disk is or will be open for: with encryption at host the keys are for the machine's host, and not for the
    ///   storage service.
    /// - Throws: ``DiskFailure``, and what `body` throws.
    func withRecipientKey<R>(for use: DiskUse? = nil, _ body: ([UInt8]) async throws -> R) async throws -> R {
        let isHost = areHosts || use?.encryptsAtHost == true
        let key = try await recipientKey(ofHost: isHost)
        do {
            return try await body(key)
        } catch let failure as DiskFailure where failure.code == .wrongKey {
            let newKey = try await recipientKey(ofHost: isHost)
            guard newKey != key else { throw failure }
            return try await body(newKey)
        }
    }

    func create(_ disk: DiskID, byteCount: UInt64, keys: [WrappedDataKey]) async throws {
        _ = try await status(.create(disk: disk, byteCount: byteCount, layers: keys.map(\.layer), keys: keys.map(\.sealed)))
    }

    /// Has a disk made of another. It may not be complete when this returns.
    func copy(_ disk: DiskID, of source: DiskID, keys: [WrappedDataKey]) async throws {
        _ = try await status(.copy(disk: disk, source: source, layers: keys.map(\.layer), keys: keys.map(\.sealed)))
    }

    /// Begins a re-encryption. It is not done when this returns.
    func reencrypt(_ disk: DiskID, to keys: [WrappedDataKey], present: [SealedKey], bytesPerSecond: UInt64) async throws {
        _ = try await status(.reencrypt(
            disk: disk, to: keys.map(\.layer), keys: present + keys.map(\.sealed), bytesPerSecond: bytesPerSecond))
    }

    func continueReencryption(_ disk: DiskID, keys: [SealedKey]) async throws {
        _ = try await status(.continueReencryption(disk: disk, keys: keys))
    }

    func steerReencryption(_ disk: DiskID, isPaused: Bool?, bytesPerSecond: UInt64?) async throws -> DiskStatus {
        try await status(.steerReencryption(disk: disk, isPaused: isPaused, bytesPerSecond: bytesPerSecond))
    }

    func resize(_ disk: DiskID, to byteCount: UInt64) async throws {
        _ = try await status(.resize(disk: disk, byteCount: byteCount))
    }

    func open(_ disk: DiskID, keys: [SealedKey], isReadOnly: Bool = false, use: DiskUse? = nil) async throws -> DiskStatus {
        try await status(.open(disk: disk, keys: keys, isReadOnly: isReadOnly, use: use ?? .client))
    }

    func resume(_ disk: DiskID, keys: [SealedKey]) async throws -> DiskStatus {
        try await status(.resume(disk: disk, keys: keys))
    }

    @discardableResult
    func close(_ disk: DiskID) async throws -> DiskStatus { try await status(.close(disk: disk)) }

    func pause(_ disk: DiskID, reason: String) async throws { _ = try await status(.pause(disk: disk, reason: reason)) }

    func suspend(_ disk: DiskID, reason: String) async throws { _ = try await status(.suspend(disk: disk, reason: reason)) }

    func rewrap(_ disk: DiskID, layer: Int, to key: WrappedDataKey, from generation: UInt64) async throws {
        _ = try await status(.rewrap(disk: disk, layer: layer, to: key.layer, key: key.sealed, from: generation))
    }

    /// - Returns: nil if the host has no such disk.
    func find(_ disk: DiskID) async throws -> DiskStatus? {
        do {
            return try await inspect(disk)
        } catch let failure as DiskFailure where failure.code == .notFound {
            return nil
        }
    }

    func inspect(_ disk: DiskID) async throws -> DiskStatus { try await status(.inspect(disk: disk)) }

    func delete(_ disk: DiskID) async throws {
        guard case .done = try await perform(.delete(disk: disk)) else { throw DiskFailure.unexpectedAnswer }
    }

    func holes(_ disk: DiskID) async throws -> [ByteRange] {
        guard case .holes(let ranges) = try await perform(.holes(disk: disk)) else { throw DiskFailure.unexpectedAnswer }
        return ranges
    }

    func changes(_ disk: DiskID, since base: DiskID) async throws -> [ByteRange] {
        guard case .changes(let ranges) = try await perform(.changes(disk: disk, base: base)) else { throw DiskFailure.unexpectedAnswer }
        return ranges
    }

    func statistics(_ disk: DiskID) async throws -> DiskStatistics {
        guard case .statistics(let statistics) = try await perform(.statistics(disk: disk)) else { throw DiskFailure.unexpectedAnswer }
        return statistics
    }

    func limit(_ disk: DiskID, to limits: DiskLimits) async throws -> DiskStatus { try await status(.limit(disk: disk, to: limits)) }

    func list() async throws -> (disks: [DiskStatus], refused: [RefusedDisk]) {
        guard case .disks(let disks, let refused) = try await perform(.list) else { throw DiskFailure.unexpectedAnswer }
        return (disks, refused)
    }

    private func recipientKey(ofHost isHost: Bool) async throws -> [UInt8] {
        guard case .greeting(let greeting) = try await answer(to: .hello(version: DiskControlVersion.current)) else {
            throw DiskFailure.unexpectedAnswer
        }
        guard greeting.version == DiskControlVersion.current else {
            throw DiskFailure(.system, "coffer-diskd speaks version \(greeting.version) of the control protocol, not \(DiskControlVersion.current)")
        }
        return isHost ? greeting.hostRecipientKey : greeting.recipientKey
    }

    private func status(_ command: DiskCommand) async throws -> DiskStatus {
        guard case .disk(let status) = try await perform(command) else { throw DiskFailure.unexpectedAnswer }
        return status
    }

    private func perform(_ command: DiskCommand) async throws -> DiskReply { try await answer(to: areHosts ? .atHost(command) : command) }

    private func answer(to command: DiskCommand) async throws -> DiskReply {
        let reply = try await host.perform(command)
        if case .failure(let failure) = reply { throw failure }
        return reply
    }
}

extension DiskUse {
    /// Whether the machine's host has the data keys.
    var encryptsAtHost: Bool { if case .machine(_, true) = self { true } else { false } }
}

extension DiskFailure {
    fileprivate static let unexpectedAnswer = DiskFailure(.system, "coffer-diskd gave an answer of another kind than was asked for")
}
