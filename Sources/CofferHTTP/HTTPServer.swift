package import CofferCore
package import CofferPlatform
package import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import ServiceLifecycle

/// The one HTTPS server of `coffer serve`: HTTP/1.1 over TLS 1.2 or newer. Knows the framework, so that nothing else must.
package struct HTTPServer: Service {
    private let listen: Listen
    private let handler: any APIHandler
    private let clock: any WallClock
    private let logger: Logger
    private let onReady: @Sendable (Int) async -> Void
    /// Ends with the process: what was begun for a client that has left may still run on it.
    private let group: MultiThreadedEventLoopGroup

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
        // Private-key operations and commits need the other half of the processors, and two loops on two processors spend a sixth more
        // on each request than one does (docs/design/0030-cost-of-a-request.md).
        group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, System.coreCount / 2))
    }

    /// Serves until graceful shutdown, which lets requests in flight finish.
    package func run() async throws {
        let connections = OpenConnections()
        let channel = try await bootstrap(connections).bind(host: listen.host, port: listen.port).get()
        await onReady(channel.localAddress?.port ?? listen.port)
        try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await channel.closeFuture.get()
            } onGracefulShutdown: {
                channel.close(promise: nil)
            }
        } onCancel: {
            channel.close(promise: nil)
        }
        await connections.finish()
    }

    private func bootstrap(_ connections: OpenConnections) throws -> ServerBootstrap {
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: listen.certificates.map { .certificate($0) }, privateKey: .privateKey(listen.privateKey)
        )
        tls.minimumTLSVersion = .tlsv12
        let context = try NIOSSLContext(configuration: tls)
        let adapter = RequestAdapter(handler: handler, clock: clock, logger: logger)
        return ServerBootstrap(group: group)
            .serverChannelOption(ChannelOptions.backlog, value: 256)
            .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(NIOSSLServerHandler(context: context))
                    // ConnectionHandler takes one request at a time and refuses what is no HTTP; RequestAdapter writes the answers.
                    try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
                    try pipeline.addHandler(ConnectionHandler(adapter: adapter, channel: channel))
                    connections.add(channel)
                }
            }
    }
}
