import CofferBlock
import CofferCore
import CofferCrypto
import CofferDiskFormat
import CofferModel
import CofferNBD
import Glibc
import Synchronization

/// What this host does with disks: one method per command of the control protocol.
///
/// Commands for different disks run side by side; those for one disk, one after the other.
final class DiskService: Sendable {
    let shelf: DiskShelf
    let server: NBDServer
    let log: Log
    private let sessionKey: HPKEPrivateKey
    private let units = Mutex<[DiskID: DiskUnit]>([:])
    private let isEnding = Atomic<Bool>(false)

    init(shelf: DiskShelf, server: NBDServer, sessionKey: consuming HPKEPrivateKey, log: Log) {
        self.shelf = shelf
        self.server = server
        self.sessionKey = sessionKey
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

    private func reply(to command: DiskCommand) throws(DiskFailure) -> DiskReply {
        switch command {
        case .hello:
            return .greeting(DiskHostGreeting(
                version: DiskControlVersion.current, processID: getpid(), recipientKey: sessionKey.publicKey))
        case .create(let disk, let byteCount, let layers, let keys): return .disk(try create(disk, byteCount, layers, keys))
        case .open(let disk, let keys, let isReadOnly): return .disk(try open(disk, keys, isReadOnly: isReadOnly))
        case .close(let disk): return .disk(try close(disk))
        case .rewrap(let disk, let layer, let new, let key, let generation):
            return .disk(try rewrap(disk, layer, to: new, key, from: generation))
        case .suspend(let disk, let reason): return .disk(try suspend(disk, reason: reason))
        case .resume(let disk, let keys): return .disk(try resume(disk, keys))
        case .delete(let disk):
            try delete(disk)
            return .done
        case .inspect(let disk): return .disk(try withUnit(disk) { (open) throws(DiskFailure) in try status(header(disk), open) })
        case .list: return try list()
        case .holes(let disk): return .holes(try holes(disk))
        case .sync:
            try sync()
            return .done
        case .quitIfIdle:
            try quitIfIdle()
            return .done
        }
    }

    /// Ends every export and closes every disk, for good.
    func closeAll() {
        isEnding.store(true, ordering: .sequentiallyConsistent)
        server.stop()
        for (disk, unit) in units.withLock({ $0 }) {
            unit.open.withLock { open in
                guard let closing = open.take() else { return }
                do { try closing.close() } catch { log.write("close-failed", [("disk", disk.text), ("message", "\(error)")]) }
            }
        }
    }

    // MARK: Commands

    private func create(
        _ disk: DiskID, _ byteCount: UInt64, _ layers: [DiskLayer], _ sealed: [SealedKey]
    ) throws(DiskFailure) -> DiskStatus {
        let keys = try unseal(sealed, for: disk)
        guard layers.count == keys.count else { throw DiskFailure(.badCommand, "a disk needs one data key per layer") }
        try checkFit(keys)
        return try withUnit(disk) { (open) throws(DiskFailure) in
            try format(disk) { () throws(DiskFormatError) in
                var full: [HeaderLayer] = []
                for (layer, check) in zip(layers, keys.checks(for: disk)) { full.append(try HeaderLayer(layer, check: check)) }
                let wanted = try DiskHeader(disk: disk, byteCount: byteCount, generation: 1, layers: full)
                do throws(DiskFormatError) {
                    try shelf.create(wanted)
                } catch .exists {
                    let found = try shelf.header(of: disk)
                    guard found.byteCount == byteCount, found.layers == full else { throw .exists }
                    try shelf.settle(disk)
                }
            }
            log.write("created", [("disk", disk.text)])
            return try status(header(disk), open)
        }
    }

    private func open(_ disk: DiskID, _ sealed: [SealedKey], isReadOnly: Bool) throws(DiskFailure) -> DiskStatus {
        try withUnit(disk) { (open) throws(DiskFailure) in
            let header = try header(disk)
            if let open {
                guard open.isReadOnly == isReadOnly else { throw DiskFailure(.busy, "the disk is open \(open.isReadOnly ? "for reading only" : "for writing")") }
                return try status(header, open)
            }
            guard !isEnding.load(ordering: .sequentiallyConsistent) else { throw DiskFailure(.busy, "coffer-diskd is ending") }
            let keys = try unseal(sealed, for: disk)
            try format(disk) { () throws(DiskFormatError) in try header.prove(keys) }
            let opened: EncryptedDisk
            do throws(BlockError) {
                opened = try EncryptedDisk(header, dataPath: shelf.dataPath(of: disk), keys: keys, isReadOnly: isReadOnly)
            } catch {
                throw DiskFailure(error, path: shelf.dataPath(of: disk))
            }
            open = opened
            server.add(opened, as: disk.text)
            log.write("opened", [("disk", disk.text)])
            return try status(header, opened)
        }
    }

    private func close(_ disk: DiskID) throws(DiskFailure) -> DiskStatus {
        try withUnit(disk) { (open) throws(DiskFailure) in
            if let closing = open.take() {
                server.remove(disk.text)
                do throws(BlockError) { try closing.close() } catch { throw DiskFailure(error, path: shelf.dataPath(of: disk)) }
                log.write("closed", [("disk", disk.text)])
            }
            return try status(header(disk), nil)
        }
    }

    private func rewrap(
        _ disk: DiskID, _ index: Int, to layer: DiskLayer, _ sealed: SealedKey, from generation: UInt64
    ) throws(DiskFailure) -> DiskStatus {
        let key = try unseal(sealed, for: disk, layer: index)
        return try withUnit(disk) { (open) throws(DiskFailure) in
            let old = try header(disk)
            // Before anything else, so that no caller learns more than that its key is wrong.
            try format(disk) { () throws(DiskFormatError) in try old.prove(key, isLayer: index) }
            if open?.holds(key, asLayer: index) == false { throw DiskFailure(DiskFormatError.wrongKey(layer: index), path: "") }
            if old.generation == generation &+ 1, old.layers[index].layer == layer {
                // A repetition of what was done already.
                try format(disk) { () throws(DiskFormatError) in try shelf.settle(disk) }
                return try status(old, open)
            }
            guard old.generation == generation else {
                throw DiskFailure(.generationChanged, "the header has generation \(old.generation), not \(generation)")
            }
            try format(disk) { () throws(DiskFormatError) in try shelf.replaceHeader(with: old.rewrapped(layer: index, to: layer)) }
            log.write("rewrapped", [("disk", disk.text), ("layer", String(index)), ("key", layer.keyID)])
            return try status(header(disk), open)
        }
    }

    private func suspend(_ disk: DiskID, reason: String) throws(DiskFailure) -> DiskStatus {
        try withUnit(disk) { (open) throws(DiskFailure) in
            if let open {
                open.suspend(reason: reason)
                log.write("suspended", [("disk", disk.text), ("reason", reason)])
            }
            return try status(header(disk), open)
        }
    }

    private func resume(_ disk: DiskID, _ sealed: [SealedKey]) throws(DiskFailure) -> DiskStatus {
        let keys = try unseal(sealed, for: disk)
        var slot: LayerKeys? = consume keys
        return try withUnit(disk) { (open) throws(DiskFailure) in
            guard let open else { throw DiskFailure(.badCommand, "the disk is not open") }
            let header = try header(disk)
            guard let keys = slot.take() else { throw DiskFailure(.badCommand, "there are no keys") }
            try format(disk) { () throws(DiskFormatError) in try header.prove(keys) }
            do throws(BlockError) { try open.resume(with: keys) } catch { throw DiskFailure(error, path: shelf.dataPath(of: disk)) }
            log.write("resumed", [("disk", disk.text)])
            return try status(header, open)
        }
    }

    private func delete(_ disk: DiskID) throws(DiskFailure) {
        try withUnit(disk) { (open) throws(DiskFailure) in
            guard open == nil else { throw DiskFailure(.busy, "the disk is open") }
            try format(disk) { () throws(DiskFormatError) in
                do throws(DiskFormatError) { try shelf.delete(disk) } catch .notFound {}
            }
            log.write("deleted", [("disk", disk.text)])
        }
    }

    private func list() throws(DiskFailure) -> DiskReply {
        let found: ShelfContents
        do { found = try shelf.contents() } catch { throw DiskFailure(error, path: shelf.path) }
        let open = units.withLock { $0 }
        var disks: [DiskStatus] = []
        for header in found.headers { disks.append(try status(header, open[header.disk]?.open.withLock { $0 })) }
        return .disks(disks, refused: found.refused)
    }

    /// Takes as long as reading the file, and no lock meanwhile, so that the disk can be suspended.
    private func holes(_ disk: DiskID) throws(DiskFailure) -> [ByteRange] {
        let path = shelf.dataPath(of: disk)
        let byteCount = try header(disk).byteCount
        do throws(BlockError) {
            return try DiskHoles.ranges(inFileAt: path, byteCount: byteCount)
        } catch {
            throw DiskFailure(error, path: path)
        }
    }

    private func sync() throws(DiskFailure) {
        for (disk, unit) in units.withLock({ $0 }) {
            do { try unit.open.withLock { $0 }?.sync() } catch { throw DiskFailure(error, path: shelf.dataPath(of: disk)) }
        }
    }

    private func quitIfIdle() throws(DiskFailure) {
        isEnding.store(true, ordering: .sequentiallyConsistent)
        if units.withLock({ $0 }).values.contains(where: { $0.open.withLock { $0 != nil } }) {
            isEnding.store(false, ordering: .sequentiallyConsistent)
            throw DiskFailure(.busy, "disks are open")
        }
        Shutdown.request()
    }

    // MARK: Shared

    /// Runs `body` while no other command is at work on `disk`.
    private func withUnit<R>(_ disk: DiskID, _ body: (inout EncryptedDisk?) throws(DiskFailure) -> R) throws(DiskFailure) -> R {
        let unit = units.withLock { units in
            if let unit = units[disk] { return unit }
            let unit = DiskUnit()
            units[disk] = unit
            return unit
        }
        return try unit.open.withLock { (open) throws(DiskFailure) in try body(&open) }
    }

    private func header(_ disk: DiskID) throws(DiskFailure) -> DiskHeader {
        do { return try shelf.header(of: disk) } catch { throw DiskFailure(error, path: shelf.headerPath(of: disk)) }
    }

    private func format<R>(_ disk: DiskID, _ body: () throws(DiskFormatError) -> R) throws(DiskFailure) -> R {
        do { return try body() } catch { throw DiskFailure(error, path: shelf.headerPath(of: disk)) }
    }

    private func status(_ header: DiskHeader, _ open: EncryptedDisk?) throws(DiskFailure) -> DiskStatus {
        let reason = open?.suspensionReason
        let name = header.disk.text
        return DiskStatus(
            disk: header.disk, state: open == nil ? .closed : reason == nil ? .open : .suspended, byteCount: header.byteCount,
            allocatedByteCount: open?.allocatedByteCount ?? DiskHoles.allocatedByteCount(ofFileAt: shelf.dataPath(of: header.disk)),
            generation: header.generation, layers: header.layers.map(\.layer),
            export: open == nil ? nil : DiskExport(socketPath: server.path, name: name), reason: reason,
            clientCount: open == nil ? 0 : server.clientCount(of: name))
    }

    private func unseal(_ sealed: [SealedKey], for disk: DiskID) throws(DiskFailure) -> LayerKeys {
        switch sealed.count {
        case 1: return LayerKeys(inner: try unseal(sealed[0], for: disk, layer: 0))
        case 2:
            let outer = try unseal(sealed[1], for: disk, layer: 1)
            return LayerKeys(inner: try unseal(sealed[0], for: disk, layer: 0), outer: outer)
        default: throw DiskFailure(.badCommand, "a disk has one or two data keys")
        }
    }

    private func unseal(_ sealed: SealedKey, for disk: DiskID, layer: Int) throws(DiskFailure) -> SecretBytes {
        do {
            let key = try sessionKey.open(
                sealed.box, info: SealedKey.purpose, authenticating: SealedKey.binding(disk: disk, layer: layer))
            if key.count == LayerKeys.keyByteCount { return key }
        } catch {}
        throw DiskFailure(.wrongKey, "the sealed key for layer \(layer) was not made for this process and this disk")
    }

    /// Refuses keys that no disk should be made with.
    private func checkFit(_ keys: borrowing LayerKeys) throws(DiskFailure) {
        if keys.withOuter({ keys.inner.constantTimeEquals($0) }) == true {
            throw DiskFailure(.badCommand, "the layers of a disk need different data keys")
        }
        do {
            _ = try XTSCipher(key: keys.inner)
            _ = try keys.withOuter { (key) throws(CryptoError) in try XTSCipher(key: key) }
        } catch {
            throw DiskFailure(.wrongKey, "a data key is none for AES-256-XTS")
        }
    }
}

/// One disk's place in the service: what is open, under the lock that orders commands for the disk.
private final class DiskUnit: Sendable {
    let open = Mutex<EncryptedDisk?>(nil)
}

extension DiskCommand {
    /// The command's name, for the log.
    var name: String {
        switch self {
        case .hello: "hello"
        case .create: "create"
        case .open: "open"
        case .close: "close"
        case .rewrap: "rewrap"
        case .suspend: "suspend"
        case .resume: "resume"
        case .delete: "delete"
        case .inspect: "inspect"
        case .list: "list"
        case .holes: "holes"
        case .sync: "sync"
        case .quitIfIdle: "quitIfIdle"
        }
    }
}
