import Glibc
import NIOCore

/// One of the two halves of a connection that is carried on: what comes in here goes out at the partner. Both are on one event loop.
///
/// No more is asked for here than the partner has taken, so that a slow receiver slows the sender. What comes unasked, as it does with the
/// end of a connection, or before there is a partner, is kept.
final class PortRelay: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let resetsIdle: Bool
    private var partner: (any Channel)?
    private var held: [ByteBuffer] = []
    /// Whether the other side has said that it sends no more.
    private var isEnded = false
    private var lastWrite: EventLoopFuture<Void>?

    /// - Parameter resetsIdle: What is done with a connection without traffic.
    init(resetsIdle: Bool) {
        self.resetsIdle = resetsIdle
    }

    /// Begins to carry.
    func begin(_ channel: any Channel, to partner: any Channel) {
        self.partner = partner
        for bytes in held { lastWrite = partner.writeAndFlush(bytes) }
        held = []
        isEnded ? endPartner() : channel.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        if let partner { lastWrite = partner.writeAndFlush(bytes) } else { held.append(bytes) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard partner != nil else { return }
        let channel = context.channel
        afterWriting(channel) { hasSucceeded in
            if hasSucceeded { channel.read() } else { channel.close(promise: nil) }
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let end = event as? ChannelEvent, end == .inputClosed {
            isEnded = true
            endPartner()
        } else if event is IdleStateHandler.IdleStateEvent {
            // The end of this half ends the other.
            if resetsIdle { for channel in [partner, context.channel] { channel?.resetWhenClosed() } }
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        guard let partner else { return }
        afterWriting(partner) { _ in partner.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.channel.closeWithReset()
    }

    private func endPartner() {
        guard let partner else { return }
        afterWriting(partner) { _ in partner.close(mode: .output, promise: nil) }
    }

    /// Waits until the partner has taken all that was read; an end that came too early would cut it off.
    private func afterWriting(_ channel: any Channel, _ body: @escaping @Sendable (Bool) -> Void) {
        (lastWrite ?? channel.eventLoop.makeSucceededVoidFuture()).whenComplete { result in
            if case .success = result { body(true) } else { body(false) }
        }
    }
}

extension Channel {
    /// Closes it so that the other side sees an error and not an end. On its event loop.
    func closeWithReset() {
        resetWhenClosed()
        close(promise: nil)
    }

    func resetWhenClosed() {
        _ = (self as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
    }
}
