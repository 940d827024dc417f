import CofferBlock
import CofferCore
import CofferCrypto
import CofferDiskFormat
import CofferModel
import CofferNBD
import CofferVhost
import Glibc
import Synchronization

/// What this host does with disks: one method per command of the control protocol.
///
/// Commands for different disks run side by side; those for one disk, one after the other.
final class DiskService: Sendable {
    let store: any DiskStore
    let server: NBDServer
    /// Where disks are offered to virtual machines; nil of a storage service, whose hosts do that.
    let vhost: VhostServer?
    let log: Log
    let recipient: RecipientKey
    /// For the disks that are this host's own; nil of that one itself.
    let own: DiskService?
    let engine: XTSEngine
    let role: DiskHostRole
    let copies = CopyRoster()
    let reencryptions = ReencryptionRoster()
    let units = Mutex<[DiskID: DiskUnit]>([:])
    /// What open disks were opened for.
    let uses = Mutex<[DiskID: DiskUse]>([:])
    /// Where disks are served over TCP and TLS by command.
    let listening = Mutex<Listening?>(nil)
    let isEnding = Atomic<Bool>(false)

    /// - Parameters:
    ///   - own: For the disks of ``DiskCommand/atHost(_:)``; it shares the servers and the key.
    ///   - engine: What runs the disks' ciphers.
    ///   - role: Of this process.
    init(
        store: any DiskStore, own: DiskService? = nil, server: NBDServer, vhost: VhostServer?, recipient: RecipientKey, engine: XTSEngine,
        role: DiskHostRole, log: Log
    ) {
        self.store = store
        self.server = server
        self.vhost = vhost
        self.recipient = recipient
        self.own = own
        self.engine = engine
        self.role = role
        self.log = log
    }

    /// Does a command and answers it; never fails otherwise than by a reply.
    func perform(_ command: DiskCommand) -> DiskReply {
        do {
            return try reply(to: command)
        } catch {
            log.write("failed", [("command", command.name), ("code", error.code.rawValue), ("message", error.message)])
            return .failure(error)
        }
    }

    func reply(to command: DiskCommand) throws(DiskFailure) -> DiskReply {
        switch command {
        case .hello:
            let key = recipient.key.publicKey
            return .greeting(DiskHostGreeting(
                version: DiskControlVersion.current, processID: getpid(), recipientKey: key, hostRecipientKey: key, role: role, store: store.pool?.description))
        case .create(let disk, let byteCount, let layers, let keys): return .disk(try create(disk, byteCount, layers, keys))
        case .open(let disk, let keys, let isReadOnly, let use): return .disk(try open(disk, keys, isReadOnly: isReadOnly, for: use ?? .client))
        case .close(let disk): return .disk(try close(disk))
        case .rewrap(let disk, let layer, let new, let key, let generation):
            return .disk(try rewrap(disk, layer, to: new, key, from: generation))
        case .suspend(let disk, let reason): return .disk(try suspend(disk, reason: reason, isWaiting: false))
        case .pause(let disk, let reason): return .disk(try suspend(disk, reason: reason, isWaiting: true))
        case .resume(let disk, let keys): return .disk(try resume(disk, keys))
        case .resize(let disk, let byteCount): return .disk(try resize(disk, to: byteCount))
        case .copy(let disk, let source, let layers, let keys): return .disk(try copy(disk, of: source, layers, keys))
        case .reencrypt(let disk, let layers, let keys, let bytesPerSecond):
            return .disk(try reencrypt(disk, to: layers, keys, bytesPerSecond: bytesPerSecond))
        case .continueReencryption(let disk, let keys): return .disk(try continueReencryption(disk, keys))
        case .steerReencryption(let disk, let isPaused, let bytesPerSecond):
            return .disk(try steerReencryption(disk, isPaused: isPaused, bytesPerSecond: bytesPerSecond))
        case .delete(let disk):
            try delete(disk)
            return .done
        case .inspect(let disk): return .disk(try withUnit(disk) { (open) throws(DiskFailure) in try inspectNow(disk, open) })
        case .list: return try list()
        case .holes(let disk): return .holes(try holes(disk))
        case .changes(let disk, let base): return .changes(try changes(disk, since: base))
        case .statistics(let disk): return .statistics(try statistics(disk))
        case .limit(let disk, let limits): return .disk(try limit(disk, to: limits))
        case .atHost(let command):
            guard let own, command != .quitIfIdle else { throw DiskFailure(.badCommand, "atHost takes a command about disks") }
            return try own.reply(to: command)
        case .attach: throw DiskFailure(.badCommand, "this process has the disks themselves: attach is for hosts")
        case .listen(let listener):
            try listen(on: listener)
            return .done
        case .sync:
            try sync()
            try own?.sync()
            return .done
        case .quitIfIdle:
            try quitIfIdle()
            return .done
        }
    }

    /// Ends every export and closes every disk, for good.
    func closeAll() {
        beginEnd()
        own?.beginEnd()
        server.stop()
        closeDisks()
        own?.closeDisks()
        store.end()
    }

    /// Lets nothing begin any more, and nobody wait.
    func beginEnd() {
        isEnding.store(true, ordering: .sequentiallyConsistent)
        copies.cancelAll()
        for unit in units.withLock({ $0 }).values {
            unit.open.withLock { open in
                open?.releaseWaiting()
                open?.meter.limiter.set(.none)
            }
        }
    }

    func closeDisks() {
        for (disk, unit) in units.withLock({ $0 }) {
            unit.open.withLock { open in
                guard let closing = open.take() else { return }
                reencryptions.end(disk)
                vhost?.remove(disk.text)
                do { try closing.close() } catch { log.write("close-failed", [("disk", disk.text), ("message", "\(error)")]) }
            }
        }
    }

    private func quitIfIdle() throws(DiskFailure) {
        do throws(DiskFailure) {
            try own?.refuseToBegin()
            try refuseToBegin()
        } catch {
            for service in [self, own] { service?.isEnding.store(false, ordering: .sequentiallyConsistent) }
            throw error
        }
        Shutdown.request()
    }

    /// Lets nothing begin any more.
    ///
    /// - Throws: ``DiskFailure`` if something is at work.
    func refuseToBegin() throws(DiskFailure) {
        isEnding.store(true, ordering: .sequentiallyConsistent)
        if units.withLock({ $0 }).values.contains(where: { $0.open.withLock { $0 != nil } }) { throw DiskFailure(.busy, "disks are open") }
        if copies.isBusy { throw DiskFailure(.busy, "disks are being copied") }
    }

    /// Runs `body` while no other command is at work on `disk`.
    func withUnit<R>(_ disk: DiskID, _ body: (inout EncryptedDisk?) throws(DiskFailure) -> R) throws(DiskFailure) -> R {
        let unit = units.withLock { units in
            if let unit = units[disk] { return unit }
            let unit = DiskUnit()
            units[disk] = unit
            return unit
        }
        return try unit.open.withLock { (open) throws(DiskFailure) in try body(&open) }
    }

    func header(_ disk: DiskID) throws(DiskFailure) -> DiskHeader {
        do { return try store.header(of: disk) } catch { throw DiskFailure(error, path: store.headerPlace(of: disk)) }
    }

    func format<R>(_ disk: DiskID, _ body: () throws(DiskFormatError) -> R) throws(DiskFailure) -> R {
        do { return try body() } catch { throw DiskFailure(error, path: store.headerPlace(of: disk)) }
    }
}
