import CofferModel
import CofferPlatform
import Synchronization

/// A disk host that keeps headers, generations and states as `coffer-diskd` does, and refuses what it refuses.
final class DiskHostDouble: DiskHost {
    struct Disk: Sendable {
        var byteCount: UInt64
        var generation: UInt64
        var layers: [DiskLayer]
        /// The layers' data keys, which the real host knows check values of.
        var dataKeys: [[UInt8]]
        var state: DiskStatus.State = .closed
        var reason: String?
        var limits = DiskLimits.none
        var reencryption: Reencryption?
        var hasSilentFrontEnd: Bool?
    }

    struct Reencryption: Sendable {
        var layers: [DiskLayer]
        let dataKeys: [[UInt8]]
        var state = DiskReencryptionStatus.State.running
        var bytesPerSecond: UInt64
    }

    private struct Contents: Sendable {
        var disks: [DiskID: Disk] = [:]
        /// Those of ``DiskCommand/atHost(_:)``.
        var ownDisks: [DiskID: Disk] = [:]
        var processes: Int32 = 1
        var isDown = false
        var commands: [DiskCommand] = []
        /// Called with each command before it is done; what it throws is the answer.
        var interrupt: (@Sendable (DiskCommand) throws -> Void)?
        /// A generation that the next rewrap finds changed by somebody else.
        var surprises = 0
        /// Whether copies take until ``finishCopies()``, and re-encryptions until ``finishReencryptions()``.
        var isSlow = false
    }

    private let contents = Mutex(Contents())

    var disks: [DiskID: Disk] { contents.withLock { $0.disks } }
    var ownDisks: [DiskID: Disk] { contents.withLock { $0.ownDisks } }
    var commands: [DiskCommand] { contents.withLock { $0.commands } }

    func change(_ disk: DiskID, _ body: (inout Disk) -> Void) {
        contents.withLock { contents in
            guard var found = contents.disks[disk] else { return }
            body(&found)
            contents.disks[disk] = found
        }
    }

    func interrupt(_ body: (@Sendable (DiskCommand) throws -> Void)?) {
        contents.withLock { $0.interrupt = body }
    }

    func setDown(_ isDown: Bool) {
        contents.withLock { $0.isDown = isDown }
    }

    /// Ends the process and starts another, which has another key and no open disks.
    func restart() {
        contents.withLock { contents in
            contents.processes += 1
            contents.disks = contents.disks.filter { $0.value.state != .copying && $0.value.state != .failed }
            for id in contents.disks.keys {
                contents.disks[id]?.state = .closed
                contents.disks[id]?.reason = nil
                contents.disks[id]?.limits = .none
                if contents.disks[id]?.reencryption?.state == .running { contents.disks[id]?.reencryption?.state = .waiting }
            }
            for id in contents.ownDisks.keys { contents.ownDisks[id]?.state = .closed }
        }
    }

    /// Ends all re-encryptions that are at work.
    func finishReencryptions() {
        contents.withLock { contents in
            contents.isSlow = false
            for id in contents.disks.keys { Self.finish(id, &contents) }
        }
    }

    private static func finish(_ id: DiskID, _ host: inout Contents) {
        guard !host.isSlow, let job = host.disks[id]?.reencryption, job.state == .running else { return }
        host.disks[id]?.layers = job.layers
        host.disks[id]?.dataKeys = job.dataKeys
        host.disks[id]?.generation += 1
        host.disks[id]?.reencryption = nil
    }

    /// Makes copies take until ``finishCopies()``, and re-encryptions until ``finishReencryptions()``.
    func beSlow() {
        contents.withLock { $0.isSlow = true }
    }

    /// Ends all copies: well, or for `reason`.
    func finishCopies(failing reason: String? = nil) {
        contents.withLock { contents in
            contents.isSlow = false
            for id in contents.disks.keys where contents.disks[id]?.state == .copying {
                contents.disks[id]?.state = reason == nil ? .closed : .failed
                contents.disks[id]?.reason = reason
            }
        }
    }

    /// Makes the next `count` re-wraps find that somebody else changed the header first.
    func surprise(_ count: Int) {
        contents.withLock { $0.surprises = count }
    }

    func perform(_ command: DiskCommand) async throws -> DiskReply {
        let interrupt = try contents.withLock { contents in
            if contents.isDown { throw DiskFailure(.system, "coffer-diskd at /run/diskd.sock cannot be reached: Connection refused") }
            contents.commands.append(command)
            return contents.interrupt
        }
        try interrupt?(command)
        return try contents.withLock { try Self.reply(to: command, &$0) }
    }

    private static func reply(to command: DiskCommand, _ host: inout Contents) throws -> DiskReply {
        switch command {
        case .hello:
            return .greeting(DiskHostGreeting(version: DiskControlVersion.current, processID: host.processes, recipientKey: key(host), hostRecipientKey: key(host)))
        case .create(let id, let byteCount, let layers, let sealed):
            let keys = try sealed.enumerated().map { try unseal($1, id, $0, host) }
            guard layers.count == keys.count, byteCount % 4096 == 0 else { throw DiskFailure(.badCommand, "bad disk") }
            if let found = host.disks[id] {
                guard found.layers == layers, found.byteCount == byteCount else { throw DiskFailure(.exists, "another disk has the id") }
            } else {
                host.disks[id] = Disk(byteCount: byteCount, generation: 1, layers: layers, dataKeys: keys)
            }
            return try status(id, host)
        case .open(let id, let sealed, _, _):
            var disk = try find(id, host)
            if disk.state == .closed {
                try prove(sealed, disk, id, host)
                disk.state = .open
                if disk.reencryption?.state == .waiting { disk.reencryption?.state = .running }
                host.disks[id] = disk
                finish(id, &host)
            }
            return try status(id, host)
        case .close(let id):
            var disk = try find(id, host)
            (disk.state, disk.reason, disk.limits) = (.closed, nil, .none)
            if disk.reencryption?.state == .running { disk.reencryption?.state = .waiting }
            host.disks[id] = disk
            return try status(id, host)
        case .rewrap(let id, let layer, let new, let sealed, let from):
            var disk = try find(id, host)
            if host.surprises > 0 {
                host.surprises -= 1
                disk.generation += 1
                host.disks[id] = disk
            }
            let target = disk.reencryption
            let known = layer < 2 ? disk.dataKeys : target?.dataKeys ?? []
            guard known.indices.contains(layer % 2), try unseal(sealed, id, layer, host) == known[layer % 2] else {
                throw DiskFailure(.wrongKey, "the key is not this layer's")
            }
            if disk.generation == from + 1, (layer < 2 ? disk.layers : target?.layers ?? [])[layer % 2] == new { return try status(id, host) }
            guard disk.generation == from else { throw DiskFailure(.generationChanged, "the header has another generation") }
            if layer < 2 { disk.layers[layer] = new } else { disk.reencryption?.layers[layer % 2] = new }
            disk.generation += 1
            host.disks[id] = disk
            return try status(id, host)
        case .resize(let id, let byteCount):
            var disk = try find(id, host)
            guard byteCount >= disk.byteCount else { throw DiskFailure(.badCommand, "a disk can be made larger only") }
            if byteCount > disk.byteCount { (disk.byteCount, disk.generation) = (byteCount, disk.generation + 1) }
            host.disks[id] = disk
            return try status(id, host)
        case .copy(let id, let source, let layers, let sealed):
            let keys = try sealed.enumerated().map { try unseal($1, id, $0, host) }
            let from = try find(source, host)
            guard keys == from.dataKeys else { throw DiskFailure(.wrongKey, "a data key is not the source's") }
            if let found = host.disks[id], found.state != .failed {
                guard found.layers == layers else { throw DiskFailure(.exists, "another disk has the id") }
            } else {
                host.disks[id] = Disk(
                    byteCount: from.byteCount, generation: 1, layers: layers, dataKeys: keys, state: host.isSlow ? .copying : .closed)
            }
            return try status(id, host)
        case .suspend(let id, let reason), .pause(let id, let reason):
            var disk = try find(id, host)
            if disk.state != .closed { (disk.state, disk.reason) = (.suspended, reason) }
            host.disks[id] = disk
            return try status(id, host)
        case .resume(let id, let sealed):
            var disk = try find(id, host)
            guard disk.state != .closed else { throw DiskFailure(.badCommand, "the disk is not open") }
            try prove(sealed, disk, id, host)
            (disk.state, disk.reason) = (.open, nil)
            host.disks[id] = disk
            return try status(id, host)
        case .reencrypt(let id, let layers, let sealed, let bytesPerSecond):
            let disk = try find(id, host)
            let numbers = Array(disk.layers.indices) + layers.indices.map { $0 + 2 }
            guard numbers.count == sealed.count else { throw DiskFailure(.badCommand, "a disk needs one data key per layer") }
            let keys = try zip(sealed, numbers).map { try unseal($0, id, $1, host) }
            guard Array(keys.prefix(disk.layers.count)) == disk.dataKeys else { throw DiskFailure(.wrongKey, "a data key is not this disk's") }
            guard disk.reencryption == nil else { throw DiskFailure(.busy, "the disk is being re-encrypted already") }
            host.disks[id]?.reencryption = Reencryption(
                layers: layers, dataKeys: Array(keys.suffix(layers.count)), bytesPerSecond: bytesPerSecond)
            host.disks[id]?.generation += 1
            finish(id, &host)
            return try status(id, host)
        case .continueReencryption(let id, let sealed):
            let disk = try find(id, host)
            guard let job = disk.reencryption else { return try status(id, host) }
            try prove(sealed, disk, id, host)
            if job.state != .paused { host.disks[id]?.reencryption?.state = .running }
            finish(id, &host)
            return try status(id, host)
        case .steerReencryption(let id, let isPaused, let bytesPerSecond):
            guard let job = try find(id, host).reencryption else { throw DiskFailure(.badCommand, "the disk is not being re-encrypted") }
            if let bytesPerSecond { host.disks[id]?.reencryption?.bytesPerSecond = bytesPerSecond }
            if let isPaused { host.disks[id]?.reencryption?.state = isPaused ? .paused : job.state == .paused ? .waiting : job.state }
            return try status(id, host)
        case .delete(let id):
            guard host.disks[id].map({ $0.state != .open && $0.state != .suspended }) ?? true else { throw DiskFailure(.busy, "the disk is open") }
            host.disks[id] = nil
            return .done
        case .inspect(let id): return try status(id, host)
        case .list: return .disks(try host.disks.keys.map { try statusValue($0, host) }, refused: [])
        case .holes(let id): return .holes([ByteRange(offset: 0, length: try find(id, host).byteCount)])
        case .changes(let id, _): return .changes([ByteRange(offset: 0, length: try find(id, host).byteCount)])
        case .statistics(let id):
            return .statistics(DiskStatistics(
                operations: [OperationStatistics(kind: .read, count: 3, byteCount: 12288, errorCount: 1, nanoseconds: 9000, histogram: [1, 1, 1, 0])],
                limits: try find(id, host).limits, delayedCount: 2, delayedNanoseconds: 5000))
        case .limit(let id, let limits):
            guard try find(id, host).state != .closed else { throw DiskFailure(.badCommand, "the disk is not open") }
            host.disks[id]?.limits = limits
            return try status(id, host)
        case .atHost(let command):
            swap(&host.disks, &host.ownDisks)
            defer { swap(&host.disks, &host.ownDisks) }
            return try reply(to: command, &host)
        case .attach: throw DiskFailure(.badCommand, "this host is the storage too")
        case .listen, .sync, .quitIfIdle: return .done
        }
    }

    private static func key(_ host: Contents) -> [UInt8] {
        [UInt8](repeating: 0xD0, count: 31) + [UInt8(truncatingIfNeeded: host.processes)]
    }

    private static func find(_ id: DiskID, _ host: Contents) throws -> Disk {
        guard let disk = host.disks[id] else { throw DiskFailure(.notFound, "there is no disk \(id.text)") }
        return disk
    }

    private static func unseal(_ sealed: SealedKey, _ id: DiskID, _ layer: Int, _ host: Contents) throws -> [UInt8] {
        let prefix = key(host) + SealedKey.binding(disk: id, layer: layer)
        guard sealed.box.starts(with: prefix), sealed.box.count == prefix.count + 64 else {
            throw DiskFailure(.wrongKey, "the sealed key for layer \(layer) was not made for this process and this disk")
        }
        return Array(sealed.box.dropFirst(prefix.count))
    }

    private static func prove(_ sealed: [SealedKey], _ disk: Disk, _ id: DiskID, _ host: Contents) throws {
        let numbers = Array(disk.layers.indices) + (disk.reencryption?.layers ?? []).indices.map { $0 + 2 }
        let keys = try zip(sealed, numbers).map { try unseal($0, id, $1, host) }
        guard sealed.count == numbers.count, keys == disk.dataKeys + (disk.reencryption?.dataKeys ?? []) else {
            throw DiskFailure(.wrongKey, "a data key is not this disk's")
        }
    }

    private static func status(_ id: DiskID, _ host: Contents) throws -> DiskReply { .disk(try statusValue(id, host)) }

    private static func statusValue(_ id: DiskID, _ host: Contents) throws -> DiskStatus {
        let disk = try find(id, host)
        return DiskStatus(
            disk: id, state: disk.state, byteCount: disk.byteCount, allocatedByteCount: 0, generation: disk.generation,
            layers: disk.layers, export: disk.state != .open && disk.state != .suspended ? nil : DiskExport(socketPath: "/data dir/run/nbd.sock", name: id.text),
            reason: disk.reason, clientCount: 0, copiedByteCount: disk.state == .copying ? disk.byteCount / 4 : nil,
            limits: disk.limits == .none ? nil : disk.limits,
            reencryption: disk.reencryption.map {
                DiskReencryptionStatus(
                    state: $0.state, layers: $0.layers, doneByteCount: disk.byteCount / 4, bytesPerSecond: $0.bytesPerSecond, reason: nil)
            }, hasSilentFrontEnd: disk.hasSilentFrontEnd)
    }
}
