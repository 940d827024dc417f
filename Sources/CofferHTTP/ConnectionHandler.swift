import CofferModel
import CofferPlatform
import NIOCore
import NIOHTTP1

/// One connection: gathers a request, has it answered, and writes the answer. The handlers before it give it one request
/// at a time.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let adapter: RequestAdapter
    private let executor: LoopExecutor
    private let address: String
    private var ids = RequestIDs()
    /// What has arrived of a request; nil between requests and while the rest of a refused one passes by.
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()

    init(adapter: RequestAdapter, channel: any Channel) {
        self.adapter = adapter
        executor = LoopExecutor(channel.eventLoop)
        address = channel.remoteAddress?.ipAddress ?? ""
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body.clear()
            let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
            if length > RequestAdapter.largestBody { answer(context, isTooLarge: true) }
        case .body(let part):
            guard head != nil else { return }
            guard body.readableBytes + part.readableBytes <= RequestAdapter.largestBody else { return answer(context, isTooLarge: true) }
            if body.readableBytes == 0 { body = part } else { body.writeImmutableBuffer(part) }
        case .end:
            answer(context, isTooLarge: false)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func answer(_ context: ChannelHandlerContext, isTooLarge: Bool) {
        guard let head else { return }
        self.head = nil
        let received = HTTPCall(
            head: head, body: Array(body.readableBytesView), address: address, isTooLarge: isTooLarge, id: ids.next())
        body = ByteBuffer()
        let loop = context.eventLoop
        let place = NIOLoopBound((handler: self, context: context), eventLoop: loop)
        Task(executorPreference: executor) { [adapter] in
            let response = await adapter.answer(received)
            if loop.inEventLoop {
                place.value.handler.write(response, place.value.context)
            } else {
                loop.execute { place.value.handler.write(response, place.value.context) }
            }
        }
    }

    private func write(_ response: HTTPAnswer, _ context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.head(response.head)), promise: nil)
        if !response.body.isEmpty {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: response.body)))), promise: nil)
        }
        let end = wrapOutboundOut(.end(nil))
        guard response.closes else { return context.writeAndFlush(end, promise: nil) }
        let channel = context.channel
        context.writeAndFlush(end).whenComplete { _ in channel.close(promise: nil) }
    }
}

/// A request as the connection gathered it.
struct HTTPCall: Sendable {
    let head: HTTPRequestHead
    let body: [UInt8]
    let address: String
    /// Its body was not taken.
    let isTooLarge: Bool
    /// Of this request alone.
    let id: String
}

/// A response ready to be written.
struct HTTPAnswer: Sendable {
    let head: HTTPResponseHead
    let body: [UInt8]
    /// Whether the connection ends with it.
    let closes: Bool
}
