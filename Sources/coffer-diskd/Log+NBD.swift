import CofferNBD

extension Log {
    /// Writes what happened on the NBD socket.
    func write(_ event: NBDServer.Event) {
        switch event {
        case .connected(let export): write("nbd-connected", [("disk", export)])
        case .disconnected(let export): write("nbd-disconnected", [("disk", export)])
        case .refused(let export, let reason): write("nbd-refused", [("export", String(export.prefix(64))), ("reason", reason)])
        case .turnedAway(let reason): write("nbd-turned-away", [("reason", reason)])
        case .full: write("nbd-full")
        }
    }
}
