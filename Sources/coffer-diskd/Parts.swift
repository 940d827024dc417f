import CofferBlock
import CofferDiskFormat
import CofferDiskLink
import CofferModel
import CofferNBD
import CofferNBDWire
import CofferVhost

/// What a process of a role is made of.
struct Parts: Sendable {
    let perform: @Sendable (DiskCommand) -> DiskReply
    /// Ends every export and closes every disk, for good.
    let closeAll: @Sendable () -> Void

    /// Recovers the disks that the role has, and serves from now on.
    ///
    /// - Throws: ``Exit`` if they cannot be read, or a socket cannot be made.
    init(_ settings: Settings, _ log: Log) throws(Exit) {
        let (recipient, engine) = (RecipientKey(), settings.engine)
        let server: NBDServer
        var vhost: VhostServer?
        do throws(BlockError) {
            server = try NBDServer(path: settings.nbdPath) { event in log.write(event) }
            if settings.role != .storage { vhost = try VhostServer(directory: settings.vhostDirectory) { event in log.write(event) } }
        } catch {
            throw Exit(73, "\(settings.nbdPath): \(DiskFailure(error, path: settings.nbdPath).message)")
        }
        func service(_ store: any DiskStore, own: DiskService? = nil) throws(Exit) -> DiskService {
            try DiskService(
                store: Self.recover(store, log), own: own, server: server, vhost: vhost, recipient: recipient, engine: engine, role: settings.role,
                log: log)
        }
        func temporary() throws(Exit) -> DiskService { try service(FileStore(DiskShelf(path: settings.temporaryPath))) }
        switch settings.role {
        case .both:
            let disks = try service(settings.openStore(), own: temporary())
            (perform, closeAll) = ({ disks.perform($0) }, { disks.closeAll() })
        case .storage:
            let disks = try service(settings.openStore())
            (perform, closeAll) = ({ disks.perform($0) }, { disks.closeAll() })
        case .host:
            try Settings.make(settings.cachePath)
            do throws(NBDFailure) { try settings.storage?.check() } catch { throw Exit(78, "--storage: \(DiskFailure(error).message)") }
            let byteCount = settings.cacheByteCount
            let host = HostService(
                own: try temporary(), cacheDirectory: settings.cachePath,
                cacheLimits: HostCache.Limits(byteCount: byteCount, dirtyByteCount: byteCount / 4), link: settings.storage)
            host.dropCaches()
            (perform, closeAll) = ({ host.perform($0) }, { host.closeAll() })
        }
        server.start()
        if let secure = settings.secureListener {
            let listener = try secure.open(server)
            log.write("nbds-ready", [("address", SocketAddress(host: secure.address.host, port: listener.port).description)])
        }
    }

    private static func recover(_ store: any DiskStore, _ log: Log) throws(Exit) -> any DiskStore {
        do {
            for refused in try store.recover().refused { log.write("disk-refused", [("path", refused.path), ("reason", refused.reason)]) }
        } catch {
            throw Exit(74, error.sentence)
        }
        return store
    }
}
