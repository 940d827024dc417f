import NIOCore
import Synchronization

/// The connections that are open, so that shutdown can let each finish what it is about.
final class OpenConnections: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isFinishing = false
    }

    private let state = Mutex(State())

    func add(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        let isFinishing = state.withLock { state in
            state.channels[id] = channel
            return state.isFinishing
        }
        channel.closeFuture.whenComplete { [self] _ in state.withLock { $0.channels[id] = nil } }
        if isFinishing { Self.finish(channel) }
    }

    /// Closes idle connections at once, the others after the answer that they wait for, and returns when all are closed.
    func finish() async {
        state.withLock { $0.isFinishing = true }
        while let channels = Optional(state.withLock { Array($0.channels.values) }), !channels.isEmpty {
            for channel in channels { Self.finish(channel) }
            for channel in channels { try? await channel.closeFuture.get() }
        }
    }

    private static func finish(_ channel: any Channel) {
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }
}
