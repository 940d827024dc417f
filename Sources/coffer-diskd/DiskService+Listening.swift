import CofferBlock
import CofferCore
import CofferCrypto
import CofferModel
import CofferNBD
import Synchronization

/// Disks over TCP and TLS, as the control plane wants them served.
extension DiskService {
    /// What ``DiskCommand/listen(on:)`` made.
    struct Listening {
        let address: SocketAddress
        let listener: NBDListener
    }

    func listen(on wanted: DiskListener?) throws(DiskFailure) {
        guard let wanted else {
            listening.withLock { $0.take()?.listener.stop() }
            return
        }
        guard let address = SocketAddress(wanted.address) else {
            throw DiskFailure(.badCommand, "\(wanted.address.prefix(100)) is no address with a port, such as 127.0.0.1:10809 or [::1]:10809")
        }
        let context = try context(wanted)
        let revoked = Set(wanted.revoked.compactMap { Hex.decode($0) })
        defer { server.end(certificates: revoked) }
        try listening.withLock { (current) throws(DiskFailure) in
            if let current, current.address == address { return current.listener.use(context, revoked: revoked) }
            let listener: NBDListener
            do throws(BlockError) {
                listener = try server.listen(on: address, context, revoked: revoked)
            } catch {
                throw DiskFailure(error, path: address.description)
            }
            current?.listener.stop()
            current = Listening(address: address, listener: listener)
            log.write("nbds-ready", [("address", address.description)])
        }
    }

    private func context(_ wanted: DiskListener) throws(DiskFailure) -> TLSContext {
        do {
            let key = try recipient.key.open(wanted.sealedKey, info: DiskListener.purpose, authenticating: Array(wanted.address.utf8))
            return try TLSContext(.server, chain: wanted.chain, privateKey: key, authorities: wanted.clientAuthorities)
        } catch {
            throw DiskFailure(.badCommand, "the certificate, its key and the clients' authority do not fit together, or are not for this process")
        }
    }
}
