import CofferVhost

extension Log {
    /// Writes what happened on the sockets of virtual machines.
    func write(_ event: VhostServer.Event) {
        switch event {
        case .connected(let disk): write("vhost-connected", [("disk", disk)])
        case .disconnected(let disk): write("vhost-disconnected", [("disk", disk)])
        case .broken(let disk, let reason): write("vhost-broken", [("disk", disk), ("reason", reason)])
        }
    }
}
