import CofferBlock
import CofferDiskFormat
import CofferDiskLink
import CofferModel
import CofferNBD
import CofferVhost
import Glibc
import Synchronization

/// What a host does whose disks a storage service has: it serves them to virtual machines, over a link, with caches of its own. Disks
/// that are its own are a ``DiskService``'s.
///
/// Commands for different disks run side by side; those for one disk, one after the other.
final class HostService: Sendable {
    /// For the disks of ``DiskCommand/atHost(_:)``. It has the servers and the key, which are this host's.
    let own: DiskService
    /// Where caches are.
    let cacheDirectory: String
    let cacheLimits: HostCache.Limits
    /// Where the storage service is; nil for where it says that it is.
    let link: LinkAddress?
    private let units = Mutex<[DiskID: AttachmentUnit]>([:])

    init(own: DiskService, cacheDirectory: String, cacheLimits: HostCache.Limits, link: LinkAddress?) {
        self.own = own
        self.cacheDirectory = cacheDirectory
        self.cacheLimits = cacheLimits
        self.link = link
    }

    /// Does a command and answers it; never fails otherwise than by a reply.
    func perform(_ command: DiskCommand) -> DiskReply {
        do {
            return try reply(to: command)
        } catch {
            own.log.write("failed", [("command", command.name), ("code", error.code.rawValue), ("message", error.message)])
            return .failure(error)
        }
    }

    private func reply(to command: DiskCommand) throws(DiskFailure) -> DiskReply {
        switch command {
        case .hello: return try own.reply(to: command)
        case .attach(let storage, let keys, let isReadOnly): return .disk(try attach(storage, keys, isReadOnly: isReadOnly))
        case .close(let disk): return .disk(try detach(disk))
        case .suspend(let disk, let reason): return .disk(try suspend(disk, reason: reason, isWaiting: false))
        case .pause(let disk, let reason): return .disk(try suspend(disk, reason: reason, isWaiting: true))
        case .resume(let disk, let keys): return .disk(try resume(disk, keys))
        case .resize(let disk, let byteCount):
            return .disk(try withAttached(disk) { (attached) throws(DiskFailure) in
                attached.disk.grow(to: byteCount)
                return status(attached)
            })
        case .inspect(let disk): return .disk(try withAttached(disk) { (attached) throws(DiskFailure) in status(attached) })
        case .list: return .disks(all.map { status($0) }, refused: [])
        case .statistics(let disk): return .statistics(try withAttached(disk) { (attached) throws(DiskFailure) in attached.disk.meter.statistics })
        case .limit(let disk, let limits):
            return .disk(try withAttached(disk) { (attached) throws(DiskFailure) in
                try own.hold(disk, attached.disk, to: limits)
                return status(attached)
            })
        case .atHost(let command):
            guard command != .quitIfIdle else { throw DiskFailure(.badCommand, "atHost takes a command about disks") }
            return try own.reply(to: command)
        case .sync:
            // The storage of one that is suspended may wait for its keys, and so would this.
            for attached in all where attached.disk.suspensionReason == nil { try sync(attached) }
            return try own.reply(to: command)
        case .quitIfIdle:
            guard all.isEmpty else { throw DiskFailure(.busy, "disks are attached") }
            return try own.reply(to: command)
        case .create, .open, .rewrap, .copy, .reencrypt, .continueReencryption, .steerReencryption, .delete, .holes, .changes, .listen:
            throw DiskFailure(.badCommand, "this host has no disks but its own: the storage service does that")
        }
    }

    /// Detaches every disk and closes those that are the host's own, for good. What a storage service that is not there was to keep is lost.
    func closeAll() {
        own.beginEnd()
        for attached in all {
            attached.link.releaseWaiting()
            if attached.disk.suspensionReason != nil { attached.link.interrupt() }
            attached.disk.releaseWaiting()
            attached.disk.meter.limiter.set(.none)
        }
        own.server.stop()
        for disk in units.withLock({ Array($0.keys) }) {
            do { _ = try detach(disk) } catch { if error.code != .notFound { own.log.write("close-failed", [("disk", disk.text), ("message", error.message)]) } }
        }
        own.closeDisks()
    }

    /// Takes away what caches an earlier process left: they are worth nothing.
    func dropCaches() {
        let files = SystemFiles()
        for name in (try? files.names(in: cacheDirectory)) ?? [] where DiskID(name) != nil { try? files.perform(.removeFile("\(cacheDirectory)/\(name)")) }
    }

    /// All that is attached.
    private var all: [Attachment] {
        units.withLock { $0 }.sorted { $0.key.text < $1.key.text }.compactMap { $0.value.attached.withLock { $0 } }
    }

    /// Runs `body` while no other command is at work on `disk`.
    func withUnit<R>(_ disk: DiskID, _ body: (inout Attachment?) throws(DiskFailure) -> R) throws(DiskFailure) -> R {
        let unit = units.withLock { units in
            if let unit = units[disk] { return unit }
            let unit = AttachmentUnit()
            units[disk] = unit
            return unit
        }
        return try unit.attached.withLock { (attached) throws(DiskFailure) in try body(&attached) }
    }

    /// - Throws: ``DiskFailure`` with `notFound` if it is not attached.
    func withAttached<R>(_ disk: DiskID, _ body: (Attachment) throws(DiskFailure) -> R) throws(DiskFailure) -> R {
        try withUnit(disk) { (attached) throws(DiskFailure) in
            guard let attached else { throw Self.notAttached }
            return try body(attached)
        }
    }

    static let notAttached = DiskFailure(.notFound, "the disk is not attached to this host")

    func status(_ attached: Attachment) -> DiskStatus {
        let (disk, storage) = (attached.disk, attached.storage)
        let name = storage.disk.text
        let reason = disk.suspensionReason
        let limits = disk.meter.limiter.limits
        return DiskStatus(
            disk: storage.disk, state: reason == nil ? .open : .suspended, byteCount: disk.byteCount, allocatedByteCount: storage.allocatedByteCount,
            generation: storage.generation, layers: storage.layers,
            export: DiskExport(socketPath: own.server.path, name: name, vhostPath: own.vhost?.path(of: name)), reason: reason,
            clientCount: own.server.clientCount(of: name) + (own.vhost?.isInUse(name) == true ? 1 : 0), limits: limits == .none ? nil : limits,
            use: storage.use, hasSilentFrontEnd: own.vhost?.hasSilentFrontEnd(name, for: DiskStatus.silence) == true ? true : nil)
    }
}
