package import CofferCore
package import CofferPlatform
import CofferModel
import Hummingbird
import HummingbirdTLS
package import Logging
import ServiceLifecycle
import NIOCore
import NIOSSL

/// The one HTTPS server of `coffer serve`. Knows the framework, so that nothing else must.
package struct HTTPServer: Service {
    private let listen: Listen
    private let handler: any APIHandler
    private let clock: any WallClock
    private let logger: Logger
    private let onReady: @Sendable (Int) async -> Void

    /// Where to listen and with which certificate.
    package struct Listen: Sendable {
        let host: String
        let port: Int
        let certificates: [NIOSSLCertificate]
        let privateKey: NIOSSLPrivateKey

        /// - Parameters:
        ///   - certificateChain: PEM, the server's certificate first.
        ///   - privateKey: PEM, unencrypted; the TLS library takes a copy of its own.
        /// - Throws: the TLS library's error if either cannot be read.
        package init(host: String, port: Int, certificateChain: String, privateKey: borrowing SecretBytes) throws {
            self.host = host
            self.port = port
            certificates = try NIOSSLCertificate.fromPEMBytes(Array(certificateChain.utf8))
            var text = privateKey.withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
            defer { _ = SecretBytes(wiping: &text) }
            self.privateKey = try NIOSSLPrivateKey(bytes: text, format: .pem)
        }
    }

    /// - Parameter onReady: Called with the port once connections are accepted.
    package init(
        listen: Listen, handler: any APIHandler, clock: any WallClock, logger: Logger,
        onReady: @escaping @Sendable (Int) async -> Void
    ) {
        self.listen = listen
        self.handler = handler
        self.clock = clock
        self.logger = logger
        self.onReady = onReady
    }

    /// Serves until graceful shutdown, which lets requests in flight finish.
    package func run() async throws {
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: listen.certificates.map { .certificate($0) }, privateKey: .privateKey(listen.privateKey)
        )
        tls.minimumTLSVersion = .tlsv12
        let application = Application(
            responder: RequestAdapter(handler: handler, clock: clock, logger: logger),
            server: try .tls(.http1(), tlsConfiguration: tls),
            configuration: ApplicationConfiguration(address: .hostname(listen.host, port: listen.port), serverName: nil),
            onServerRunning: { [onReady, listen] channel in await onReady(channel.localAddress?.port ?? listen.port) },
            logger: logger
        )
        try await application.run()
    }
}
