import CofferBlock
import CofferDiskFormat
import CofferDiskLink
import CofferModel
import CofferNBD
import CofferVhost
import Synchronization

/// Disks of the storage service in use here: attached and detached, stopped and revived.
extension HostService {
    func attach(_ storage: DiskStatus, _ sealed: [SealedKey], isReadOnly: Bool) throws(DiskFailure) -> DiskStatus {
        guard case .machine(let cache, let encryptsAtHost)? = storage.use, let export = storage.export else {
            throw DiskFailure(.badCommand, "the storage service does not have the disk open for a virtual machine")
        }
        guard encryptsAtHost == (storage.header != nil) else {
            throw DiskFailure(.badCommand, "a disk that is encrypted at the host comes with its header, and no other does")
        }
        return try withUnit(storage.disk) { (attached) throws(DiskFailure) in
            if let attached {
                guard attached.storage.use == storage.use, attached.disk.isReadOnly == isReadOnly else {
                    throw DiskFailure(.busy, "the disk is attached for another use: close it first")
                }
                if attached.disk.suspensionReason != nil { try revive(attached, sealed) }
                return status(attached)
            }
            guard !own.isEnding.load(ordering: .sequentiallyConsistent) else { throw DiskFailure(.busy, "coffer-diskd is ending") }
            let link = LinkStorage(to: self.link ?? LinkAddress(socketPath: export.socketPath), export: export.name)
            let new = try connect(link, storage, try keys(sealed, for: storage), cache, isReadOnly: isReadOnly)
            offer(new)
            attached = new
            own.log.write("attached", [
                ("disk", storage.disk.text), ("cache", cache.rawValue), ("encrypted", encryptsAtHost ? "here" : "by the storage"),
            ])
            return status(new)
        }
    }

    /// Flushes what the host has of a disk and lets go of it.
    ///
    /// - Throws: ``DiskFailure`` with `notFound` if it is not attached; others if something could not be brought to the storage service.
    func detach(_ disk: DiskID) throws(DiskFailure) -> DiskStatus {
        try withUnit(disk) { (attached) throws(DiskFailure) in
            guard let leaving = attached.take() else { throw Self.notAttached }
            leaving.disk.releaseWaiting()
            leaving.disk.meter.limiter.set(.none)
            own.server.remove(disk.text)
            own.vhost?.remove(disk.text)
            defer { leaving.cache?.end() }
            do throws(BlockError) { try leaving.disk.close() } catch { throw DiskFailure(error, path: Self.place(leaving)) }
            own.log.write("detached", [("disk", disk.text)])
            return leaving.storage
        }
    }

    func suspend(_ disk: DiskID, reason: String, isWaiting: Bool) throws(DiskFailure) -> DiskStatus {
        try withAttached(disk) { (attached) throws(DiskFailure) in
            attached.disk.suspend(reason: reason, isWaiting: isWaiting)
            own.log.write(isWaiting ? "paused" : "suspended", [("disk", disk.text), ("reason", reason)])
            return status(attached)
        }
    }

    func resume(_ disk: DiskID, _ sealed: [SealedKey]) throws(DiskFailure) -> DiskStatus {
        try withAttached(disk) { (attached) throws(DiskFailure) in
            try revive(attached, sealed)
            return status(attached)
        }
    }

    func sync(_ attached: Attachment) throws(DiskFailure) {
        do throws(BlockError) { try attached.disk.sync() } catch { throw DiskFailure(error, path: Self.place(attached)) }
    }

    private func revive(_ attached: Attachment, _ sealed: [SealedKey]) throws(DiskFailure) {
        let keys = try keys(sealed, for: attached.storage)
        do throws(BlockError) { try attached.disk.resume(with: keys) } catch { throw DiskFailure(error, path: Self.place(attached)) }
        own.log.write("resumed", [("disk", attached.storage.disk.text)])
    }

    /// The keys of a disk that is encrypted here, proved by its header; none of others.
    private func keys(_ sealed: [SealedKey], for storage: DiskStatus) throws(DiskFailure) -> LayerKeys {
        guard let bytes = storage.header else { return LayerKeys() }
        let keys = try own.unseal(sealed, for: storage.disk)
        do throws(DiskFormatError) {
            let header = try DiskHeader(bytes: bytes)
            guard header.disk == storage.disk, header.reencryption == nil else { throw .otherDisk }
            try header.prove(keys)
        } catch {
            throw DiskFailure(error, path: "the header that the storage service sent")
        }
        return keys
    }

    private func connect(
        _ link: LinkStorage, _ storage: DiskStatus, _ keys: consuming LayerKeys, _ kind: DiskCache, isReadOnly: Bool
    ) throws(DiskFailure) -> Attachment {
        do throws(BlockError) {
            try link.probe(byteCount: storage.byteCount)
            var cache: HostCache?
            if kind != .none {
                cache = try HostCache(
                    over: link, at: "\(cacheDirectory)/\(storage.disk.text)", writesBack: kind == .readWrite && !isReadOnly, limits: cacheLimits)
            }
            let below: any DiskStorage = if let cache { cache } else { link }
            let disk = try EncryptedDisk(below, byteCount: storage.byteCount, keys: keys, isReadOnly: isReadOnly, engine: own.engine)
            cache?.start()
            return Attachment(disk: disk, link: link, cache: cache, storage: storage)
        } catch {
            throw DiskFailure(error, path: storage.export?.socketPath ?? "")
        }
    }

    private func offer(_ attached: Attachment) {
        let name = attached.storage.disk.text
        own.server.add(attached.disk, as: name)
        // Without it the disk is still served over NBD.
        do throws(BlockError) { try own.vhost?.add(attached.disk, as: name) } catch {
            own.log.write("vhost-refused", [("disk", name), ("reason", DiskFailure(error, path: own.vhost?.directory ?? "").message)])
        }
    }

    private static func place(_ attached: Attachment) -> String { attached.storage.export?.socketPath ?? attached.storage.disk.text }
}
