import CofferCore
package import CofferPlatform
import Glibc
import NIOCore
import NIOPosix
import Synchronization

/// Serves ports of load balancers in this process.
package final class TCPBalancer: PortServer {
    private struct Listener {
        let channel: any Channel
        let choice: TargetChoice
        let remark: String?
    }

    private struct Key: Hashable {
        let address: String
        let port: UInt16
    }

    private let listeners = Mutex<[Key: Listener]>([:])

    private static let backlog: Int32 = 256
    /// How long a target may take to answer.
    private static let connectLimit = TimeAmount.seconds(10)

    package init() {}

    package func serve(_ ports: [ServedPort]) async -> [String] {
        let wanted = Dictionary(ports.map { (Key(address: $0.address, port: $0.port), $0) }, uniquingKeysWith: { first, _ in first })
        let gone = listeners.withLock { listeners in
            let gone = listeners.filter { wanted[$0.key] == nil }
            for key in gone.keys { listeners[key] = nil }
            return gone.values.map(\.channel)
        }
        for channel in gone { try? await channel.close() }
        var remarks: [String] = []
        for (key, port) in wanted.sorted(by: { ($0.key.address, $0.key.port) < ($1.key.address, $1.key.port) }) {
            if let known = listeners.withLock({ $0[key] }), known.channel.isActive {
                known.choice.set(port)
                if let remark = known.remark { remarks.append(remark) }
                continue
            }
            do {
                let listener = try await listen(key, TargetChoice(port))
                listeners.withLock { $0[key] = listener }
                if let remark = listener.remark { remarks.append(remark) }
            } catch {
                let reason = (error as? IOError).map { unsafe String(cString: strerror($0.errnoCode)) } ?? "\(error)"
                remarks.append("\(key.address):\(key.port)/tcp cannot be opened: \(reason)")
            }
        }
        return remarks
    }

    private func listen(_ key: Key, _ choice: TargetChoice) async throws -> Listener {
        do {
            return Listener(channel: try await bind(key.address, Int(key.port), choice), choice: choice, remark: nil)
        } catch let error as IOError where error.errnoCode == EACCES && key.port < 1024 {
            let port = Int(key.port + HostEndpoint.rootPortShift)
            return Listener(
                channel: try await bind(key.address, port, choice), choice: choice,
                remark: "\(key.address):\(key.port)/tcp is kept for root, and answers at port \(port) instead")
        }
    }

    private func bind(_ address: String, _ port: Int, _ choice: TargetChoice) async throws -> any Channel {
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(ChannelOptions.backlog, value: Self.backlog)
            .serverChannelOption(ChannelOptions.socket(SocketOptionLevel(SOL_SOCKET), SO_REUSEADDR), value: 1)
            .childChannelOption(ChannelOptions.autoRead, value: false)
            .childChannelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .childChannelOption(ChannelOptions.socket(SocketOptionLevel(IPPROTO_TCP), TCP_NODELAY), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(ConnectionStart(choice)) }
            }
            .bind(host: address, port: port).get()
    }

    /// The connection's socket is made as this is called, in the network that the endpoint is in.
    private static func connect(_ bootstrap: ClientBootstrap, to endpoint: HostEndpoint, on loop: any EventLoop) -> EventLoopFuture<any Channel> {
        do {
            let address = try SocketAddress(ipAddress: endpoint.address, port: Int(endpoint.port))
            return try endpoint.network?.within { bootstrap.connect(to: address) } ?? bootstrap.connect(to: address)
        } catch {
            return loop.makeFailedFuture(error)
        }
    }

    /// Connects a client to its target.
    fileprivate static func carry(_ client: any Channel, _ relay: PortRelay, _ choice: TargetChoice) {
        let address = client.remoteAddress
        guard let target = choice.target(for: address?.ipAddress ?? "", port: address?.port ?? 0) else { return client.closeWithReset() }
        let resets = choice.manner.resetsIdle
        let ours = NIOLoopBound(relay, eventLoop: client.eventLoop)
        let bootstrap = ClientBootstrap(group: client.eventLoop)
            .connectTimeout(connectLimit)
            .channelOption(ChannelOptions.autoRead, value: false)
            .channelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .channelOption(ChannelOptions.socket(SocketOptionLevel(IPPROTO_TCP), TCP_NODELAY), value: 1)
            .channelInitializer { server in
                server.eventLoop.makeCompletedFuture { try server.pipeline.syncOperations.addHandler(PortRelay(resetsIdle: resets)) }
            }
        connect(bootstrap, to: target.endpoint, on: client.eventLoop)
            .whenComplete { result in
                do {
                    let server = try result.get()
                    let theirs = try server.pipeline.syncOperations.handler(type: PortRelay.self)
                    guard client.isActive else { return server.close(promise: nil) }
                    ours.value.begin(client, to: server)
                    theirs.begin(server, to: client)
                } catch {
                    client.closeWithReset()
                }
            }
    }
}

/// Waits until a client's connection is there.
private final class ConnectionStart: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let choice: TargetChoice

    init(_ choice: TargetChoice) {
        self.choice = choice
    }

    func channelActive(context: ChannelHandlerContext) {
        do {
            let operations = context.pipeline.syncOperations
            let manner = choice.manner
            let relay = PortRelay(resetsIdle: manner.resetsIdle)
            try operations.addHandler(IdleStateHandler(allTimeout: .seconds(manner.idleLimit.components.seconds)))
            try operations.addHandler(relay)
            TCPBalancer.carry(context.channel, relay, choice)
        } catch {
            context.close(promise: nil)
        }
    }
}
