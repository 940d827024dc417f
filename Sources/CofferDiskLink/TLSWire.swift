import CLinux
import CofferCrypto
import CofferNBDWire
import Glibc

/// A connection over TCP to a storage service, over which TLS is laid before anything is said of disks. Closed with the object.
final class TLSWire: SecurableWire {
    private let descriptor: Int32
    private let host: String
    private let context: TLSContext
    private var stream: TLSStream?

    /// How long the service may take for each step until TLS is laid over the connection, in milliseconds.
    private static let timeout = 20_000

    /// - Parameter host: A name or an address, which the service's certificate must have.
    /// - Throws: ``NBDFailure/connection(_:)``.
    init(host: String, port: UInt16, _ context: TLSContext) throws(NBDFailure) {
        self.host = host
        self.context = context
        descriptor = try Self.connect(host, port)
        _ = coffer_set_timeout(descriptor, Self.timeout)
        // A machine that is gone says nothing, and I/O must not wait for it for ever.
        guard coffer_tcp_watch(descriptor) == 0 else {
            close(descriptor)
            throw Self.failure("the connection to the storage service at \(host) cannot be watched")
        }
    }

    func secure() throws(NBDFailure) {
        do {
            stream = try TLSStream(context, .client, socket: descriptor, host: host, timeout: Self.timeout)
        } catch {
            throw .connection("TLS with the storage service at \(host): \(error)")
        }
        // A storage that makes I/O wait for its keys answers late.
        _ = coffer_set_timeout(descriptor, 0)
    }

    func send(_ bytes: UnsafeRawBufferPointer) throws(NBDFailure) {
        if let stream {
            guard unsafe stream.send(bytes) else { throw .connection("the storage service at \(host) takes no more") }
            return
        }
        guard unsafe coffer_send_all(descriptor, bytes.baseAddress, bytes.count) == 0 else {
            throw Self.failure("the storage service at \(host) takes no more")
        }
    }

    func receive(into bytes: UnsafeMutableRawBufferPointer) throws(NBDFailure) {
        var done = 0
        while done < bytes.count {
            let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[done...])
            let got: Int
            if let stream {
                got = unsafe stream.receive(into: rest)
            } else {
                got = unsafe recv(descriptor, rest.baseAddress, rest.count, 0)
                if got < 0, errno == EINTR { continue }
            }
            guard got > 0 else { throw .connection("the storage service at \(host) ended the connection") }
            done += got
        }
    }

    func interrupt() { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }

    private static func connect(_ host: String, _ port: UInt16) throws(NBDFailure) -> Int32 {
        var text = [CChar](repeating: 0, count: 1024)
        let status = unsafe text.withUnsafeMutableBufferPointer { unsafe coffer_resolve(host, $0.baseAddress, $0.count) }
        guard status == 0 else { throw .connection("the storage service's machine \(host) cannot be found: \(unsafe String(cString: gai_strerror(status)))") }
        let addresses = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        for address in addresses.split(separator: ",") {
            let found = unsafe coffer_tcp_connect(String(address), port)
            if found >= 0 { return found }
        }
        throw failure("the storage service at \(host), port \(port), cannot be reached")
    }

    private static func failure(_ what: String) -> NBDFailure {
        .connection("\(what): \(unsafe String(cString: strerror(errno)))")
    }

    deinit { close(descriptor) }
}
