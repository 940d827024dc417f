package import CofferCore
package import CofferPlatform
import CofferModel
import Hummingbird
import HummingbirdTLS
package import Logging
import ServiceLifecycle
import NIOCore

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
        let certificateChain: String
        let privateKey: String

        /// - Parameters:
        ///   - port: 0 lets the system choose.
        ///   - certificateChain: PEM, the server's certificate first.
        ///   - privateKey: PEM, unencrypted. It is handed to the TLS library and not kept here after ``HTTPServer/run()``.
        package init(host: String, port: Int, certificateChain: String, privateKey: String) {
            self.host = host
            self.port = port
            self.certificateChain = certificateChain
            self.privateKey = privateKey
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
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(listen.certificateChain.utf8))
        let key = try NIOSSLPrivateKey(bytes: Array(listen.privateKey.utf8), format: .pem)
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key)
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
