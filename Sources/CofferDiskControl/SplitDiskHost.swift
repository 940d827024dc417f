package import CofferModel

/// A disk host of two parts, storage service and host of virtual machines, as one that the control plane speaks to: each command goes to
/// the part that it concerns, or to both.
///
/// A disk that is open for a machine is open at the storage service and attached at the host. It counts as open if both say so, otherwise
/// as closed, so that whoever opens what should be open puts it in order after either part was started again.
package struct SplitDiskHost: Sendable {
    private let storage: Part
    private let host: Part

    /// Has one part do a command; throws ``DiskFailure``.
    package typealias Part = @Sendable (DiskCommand) async throws -> DiskReply

    package init(storage: DiskHostClient, host: DiskHostClient) {
        self.init(storage: { try await storage.perform($0) }, host: { try await host.perform($0) })
    }

    init(storage: @escaping Part, host: @escaping Part) {
        self.storage = storage
        self.host = host
    }

    /// As ``DiskHostClient/perform(_:)``.
    package func perform(_ command: DiskCommand) async throws -> DiskReply {
        switch command {
        case .hello: return try await greet(command)
        case .open(let disk, let keys, let isReadOnly, let use): return .disk(try await open(disk, keys, isReadOnly, use))
        case .close(let disk): return try await close(disk)
        case .suspend(let disk, _), .pause(let disk, _): return .disk(try await stop(disk, command))
        case .resume(let disk, let keys): return .disk(try await resume(disk, keys))
        case .resize(let disk, _):
            let reply = try await storage(command)
            _ = try await atHostIfAttached(command, disk)
            return try await merged(reply)
        case .statistics(let disk):
            if let reply = try await atHostIfAttached(command, disk) { return reply }
            return try await storage(command)
        case .limit(let disk, _):
            guard try await atHostIfAttached(command, disk) != nil else { return try await storage(command) }
            return try await merged(storage(.inspect(disk: disk)))
        case .copy, .holes, .changes:
            // What machines wrote until now is a part of it, flushed or not.
            _ = try await host(.sync)
            return try await merged(storage(command))
        case .list: return try await list()
        case .listen: return try await storage(command)
        case .atHost, .attach: return try await host(command)
        case .sync, .quitIfIdle:
            _ = try await host(command)
            return try await storage(command)
        case .create, .rewrap, .reencrypt, .continueReencryption, .steerReencryption, .delete, .inspect: return try await merged(storage(command))
        }
    }

    private func greet(_ command: DiskCommand) async throws -> DiskReply {
        guard case .greeting(let storage) = try await storage(command), case .greeting(let host) = try await host(command) else {
            throw DiskFailure.unexpected
        }
        return .greeting(DiskHostGreeting(
            version: min(storage.version, host.version), processID: storage.processID, recipientKey: storage.recipientKey,
            hostRecipientKey: host.hostRecipientKey, role: .both))
    }

    /// A disk for a machine is opened at the storage service, then attached at the host; the keys go to the one that encrypts.
    private func open(_ disk: DiskID, _ keys: [SealedKey], _ isReadOnly: Bool, _ use: DiskUse?) async throws -> DiskStatus {
        guard case .machine(_, let encryptsAtHost)? = use else {
            return try await status(storage(.open(disk: disk, keys: keys, isReadOnly: isReadOnly, use: use)))
        }
        let storageKeys = encryptsAtHost ? [] : keys
        var opened = try await status(storage(.open(disk: disk, keys: storageKeys, isReadOnly: isReadOnly, use: use)))
        if opened.state == .suspended { opened = try await status(storage(.resume(disk: disk, keys: storageKeys))) }
        do {
            let attached = try await status(host(.attach(storage: opened, keys: encryptsAtHost ? keys : [], isReadOnly: isReadOnly)))
            return opened.merged(with: attached)
        } catch {
            // No key stays in memory for nobody.
            if (try? await host(.inspect(disk: disk))) == nil { _ = try? await storage(.close(disk: disk)) }
            throw error
        }
    }

    /// The host brings what it has to the storage service and lets go, then that closes the disk, whatever became of the rest.
    private func close(_ disk: DiskID) async throws -> DiskReply {
        let stored = try? await status(storage(.inspect(disk: disk)))
        var isLost = false
        if let stored, stored.state == .suspended, case .machine(_, let encryptsAtHost)? = stored.use {
            // A host must not wait for a storage that waits for keys: it needs none for what the host encrypted, and takes nothing else.
            _ = try await storage(encryptsAtHost ? .resume(disk: disk, keys: []) : .suspend(disk: disk, reason: stored.reason ?? ""))
            isLost = !encryptsAtHost
        }
        let left = await result { try await atHostIfAttached(.close(disk: disk), disk) }
        let closed = try await storage(.close(disk: disk))
        // What was not flushed before the key was lost is lost with it.
        if !isLost { _ = try left.get() }
        return closed
    }

    private func result<R>(_ body: () async throws -> R) async -> Result<R, any Error> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }

    /// The host stops first: the storage service waits for no I/O of its then. A host that is not there keeps no key from being wiped.
    private func stop(_ disk: DiskID, _ command: DiskCommand) async throws -> DiskStatus {
        let stopped = await result { try await atHostIfAttached(command, disk) }
        let stored = try await status(storage(command))
        return stored.merged(with: try stopped.get().map(status))
    }

    private func resume(_ disk: DiskID, _ keys: [SealedKey]) async throws -> DiskStatus {
        let before = try await status(storage(.inspect(disk: disk)))
        guard case .machine(_, let encryptsAtHost)? = before.use else {
            return try await status(storage(.resume(disk: disk, keys: keys)))
        }
        let stored = try await status(storage(.resume(disk: disk, keys: encryptsAtHost ? [] : keys)))
        let command = DiskCommand.resume(disk: disk, keys: encryptsAtHost ? keys : [])
        return stored.merged(with: try await atHostIfAttached(command, disk).map(status))
    }

    private func list() async throws -> DiskReply {
        guard case .disks(let stored, let refused) = try await storage(.list), case .disks(let attached, _) = try await host(.list) else {
            throw DiskFailure.unexpected
        }
        let byID = Dictionary(attached.map { ($0.disk, $0) }, uniquingKeysWith: { first, _ in first })
        return .disks(stored.map { $0.merged(with: byID[$0.disk]) }, refused: refused)
    }

    /// The answer of the storage service about a disk, with what the host says of it.
    private func merged(_ reply: DiskReply) async throws -> DiskReply {
        guard case .disk(let stored) = reply, case .machine? = stored.use else { return reply }
        return .disk(stored.merged(with: try await atHostIfAttached(.inspect(disk: stored.disk), stored.disk).map(status)))
    }

    /// - Returns: nil if the host does not have the disk attached.
    private func atHostIfAttached(_ command: DiskCommand, _ disk: DiskID) async throws -> DiskReply? {
        do {
            return try await host(command)
        } catch let failure as DiskFailure where failure.code == .notFound {
            return nil
        }
    }

    private func status(_ reply: DiskReply) throws -> DiskStatus {
        guard case .disk(let status) = reply else { throw DiskFailure.unexpected }
        return status
    }
}

extension DiskStatus {
    /// What both parts together say of a disk. One for a machine that only the storage service has open is as good as closed.
    fileprivate func merged(with attached: DiskStatus?) -> DiskStatus {
        guard case .machine? = use, state == .open || state == .suspended else { return self }
        guard let attached else { return with(.closed, export: nil, reason: nil, clientCount: 0, limits: nil, hasSilentFrontEnd: nil) }
        return with(
            attached.state == .suspended ? .suspended : state, export: attached.export, reason: attached.reason ?? reason,
            clientCount: attached.clientCount, limits: attached.limits, hasSilentFrontEnd: attached.hasSilentFrontEnd)
    }

    private func with(
        _ state: State, export: DiskExport?, reason: String?, clientCount: Int, limits: DiskLimits?, hasSilentFrontEnd: Bool?
    ) -> DiskStatus {
        DiskStatus(
            disk: disk, state: state, byteCount: byteCount, allocatedByteCount: allocatedByteCount, generation: generation, layers: layers,
            export: export, reason: reason, clientCount: clientCount, copiedByteCount: copiedByteCount, limits: limits, reencryption: reencryption,
            use: use, hasSilentFrontEnd: hasSilentFrontEnd)
    }
}

extension DiskFailure {
    fileprivate static let unexpected = DiskFailure(.system, "coffer-diskd gave the answer of another command")
}
