import CLinux
package import CofferCore
package import CofferPlatform
import Foundation
import Glibc
package import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// HTTP/1.1 at Unix sockets, without TLS: what is behind each is one virtual machine.
package final class GuestListeners: GuestListener {
    private let clock: any WallClock
    private let logger: Logger
    private let channels = Mutex<[String: any Channel]>([:])

    /// Connections that wait to be taken, of one machine.
    private static let backlog: Int32 = 64

    package init(clock: any WallClock, logger: Logger) {
        self.clock = clock
        self.logger = logger
    }

    package func open(at path: String, _ handler: any APIHandler) async throws {
        guard channels.withLock({ $0[path] == nil }) else { return }
        // A path may be longer than a socket's name can be.
        let descriptor = unsafe coffer_unix_listen(path, Self.backlog)
        guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        let adapter = RequestAdapter(handler: handler, clock: clock, logger: logger)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
                    try pipeline.addHandler(ConnectionHandler(adapter: adapter, channel: channel))
                }
            }
            .withBoundSocket(descriptor).get()
        let extra = channels.withLock { channels -> (any Channel)? in
            guard channels[path] == nil else { return channel }
            channels[path] = channel
            return nil
        }
        try await extra?.close()
    }

    package func close(at path: String) async {
        guard let channel = channels.withLock({ $0.removeValue(forKey: path) }) else { return }
        try? await channel.close()
        _ = unsafe unlink(path)
    }
}
