import CofferModel
import CofferPlatform
import NIOCore
import NIOHTTP1
import NIOSSL

/// One connection: gathers a request, has it answered, and writes the answer, one request after the other.
///
/// What a client sends before it has its answer waits here, and no more is read from the socket meanwhile; a client that
/// waits for its answers costs no system call for that.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let adapter: RequestAdapter
    private let executor: LoopExecutor
    private let address: String
    private var knownTLSVersion: String?
    private var ids = RequestIDs()
    /// What has arrived of a request; nil between requests and while the rest of a refused one passes by.
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()
    private var isAnswering = false
    /// What arrived during an answer.
    private var waiting = CircularBuffer<HTTPServerRequestPart>()
    private var holdsRead = false
    /// Whether the connection ends with the answer that is under way.
    private var isLast = false
    /// Whether a long answer is being sent.
    private var isStreaming = false

    init(adapter: RequestAdapter, channel: any Channel) {
        self.adapter = adapter
        executor = adapter.executors.executor(of: channel.eventLoop)
        address = channel.remoteAddress?.ipAddress ?? ""
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if isAnswering, !isRestOfRefused(part) { waiting.append(part) } else { take(part, context) }
    }

    func read(context: ChannelHandlerContext) {
        if waiting.isEmpty { context.read() } else { holdsRead = true }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        // A long answer could keep the server from ending for hours; its client asks again for the rest.
        case is ChannelShouldQuiesceEvent: isStreaming ? context.close(promise: nil) : finish(context)
        case ChannelEvent.inputClosed: finish(context)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is HTTPParserError, !isAnswering else { return context.close(promise: nil) }
        // Nothing behind what is no HTTP can be believed.
        isLast = true
        isAnswering = true
        write(RequestAdapter.malformed, context)
    }

    /// The rest of a request that was refused by its head passes by while the refusal is written.
    private func isRestOfRefused(_ part: HTTPServerRequestPart) -> Bool {
        if case .head = part { false } else { passesBy && waiting.isEmpty }
    }

    private var passesBy = false

    private func take(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        switch part {
        case .head(let head):
            self.head = head
            body.clear()
            let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
            if length > RequestAdapter.largestBody { refuse(context) }
        case .body(let part):
            guard head != nil else { return }
            guard body.readableBytes + part.readableBytes <= RequestAdapter.largestBody else { return refuse(context) }
            if body.readableBytes == 0 { body = part } else { body.writeImmutableBuffer(part) }
        case .end:
            if passesBy { passesBy = false } else { answer(context, isTooLarge: false) }
        }
    }

    /// Agreed in the handshake, which has ended when a request is there.
    private func tlsVersion(_ context: ChannelHandlerContext) -> String? {
        if knownTLSVersion == nil, let version = try? context.pipeline.syncOperations.nioSSL_tlsVersion() {
            knownTLSVersion =
                switch version {
                case .tlsv13: "TLS1_3"
                case .tlsv12: "TLS1_2"
                default: nil
                }
        }
        return knownTLSVersion
    }

    private func refuse(_ context: ChannelHandlerContext) {
        passesBy = true
        answer(context, isTooLarge: true)
    }

    private func answer(_ context: ChannelHandlerContext, isTooLarge: Bool) {
        guard let head else { return }
        self.head = nil
        isAnswering = true
        let call = HTTPCall(
            head: head, body: Array(body.readableBytesView), address: address, tlsVersion: tlsVersion(context), isTooLarge: isTooLarge, id: ids.next())
        body = ByteBuffer()
        let loop = context.eventLoop
        let place = NIOLoopBound((handler: self, context: context), eventLoop: loop)
        Task.immediate(executorPreference: executor) { [adapter] in
            let response = await adapter.answer(call)
            if loop.inEventLoop {
                place.value.handler.write(response, place.value.context, id: call.id)
            } else {
                loop.execute { place.value.handler.write(response, place.value.context, id: call.id) }
            }
        }
    }

    private func write(_ response: HTTPAnswer, _ context: ChannelHandlerContext, id: String = "") {
        if let content = response.content {
            context.write(wrapOutboundOut(response.bytes), promise: nil)
            return stream(content, of: response, context, id: id)
        }
        end(response, context, with: response.bytes)
    }

    /// Sends a long answer piece by piece, the next one when the client has taken the last.
    private func stream(_ content: ResponseContent, of response: HTTPAnswer, _ context: ChannelHandlerContext, id: String) {
        isStreaming = true
        context.flush()
        let loop = context.eventLoop
        let channel = context.channel
        let place = NIOLoopBound((handler: self, context: context), eventLoop: loop)
        Task(executorPreference: executor) { [adapter] in
            switch await content.send(over: channel) {
            case .sent:
                loop.execute {
                    place.value.handler.isStreaming = false
                    place.value.handler.end(response, place.value.context)
                }
            case .failed(let error):
                adapter.reportBroken(error, requestID: id)
                channel.close(promise: nil)
            case .clientLeft: channel.close(promise: nil)
            }
        }
    }

    /// - Parameter bytes: What is left to be sent.
    private func end(_ response: HTTPAnswer, _ context: ChannelHandlerContext, with bytes: ByteBuffer = ByteBuffer()) {
        guard !response.closes, !isLast else {
            let channel = context.channel
            return context.writeAndFlush(wrapOutboundOut(bytes)).whenComplete { _ in channel.close(promise: nil) }
        }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        isAnswering = false
        takeWaiting(context)
    }

    private var isTakingWaiting = false

    private func takeWaiting(_ context: ChannelHandlerContext) {
        // Of a request that was answered at once: who took it goes on, for the stack has an end.
        guard !isTakingWaiting else { return }
        isTakingWaiting = true
        while !isAnswering, let part = waiting.popFirst() { take(part, context) }
        isTakingWaiting = false
        if holdsRead, waiting.isEmpty {
            holdsRead = false
            context.read()
        }
    }

    /// Closes the connection, after the answer that is under way if there is one.
    private func finish(_ context: ChannelHandlerContext) {
        isLast = true
        if !isAnswering { context.close(promise: nil) }
    }
}

/// A request as the connection gathered it.
struct HTTPCall: Sendable {
    let head: HTTPRequestHead
    let body: [UInt8]
    let address: String
    /// Such as `TLS1_3`.
    let tlsVersion: String?
    /// Its body was not taken.
    let isTooLarge: Bool
    /// Of this request alone.
    let id: String
}

/// A response ready to be written.
struct HTTPAnswer: Sendable {
    /// The head, and the body unless it is long: one piece, which is one TLS record if it fits.
    let bytes: ByteBuffer
    /// Sent after `bytes`.
    let content: ResponseContent?
    /// Whether the connection ends with it.
    let closes: Bool
}

extension ResponseContent {
    /// How much is held at once, in bytes.
    private static let pieceByteCount: UInt64 = 1 << 20

    /// How sending ended.
    fileprivate enum Outcome {
        case sent
        case clientLeft
        /// It could not be read any further.
        case failed(any Error)
    }

    /// Sends all of it. Waits for the client to take each piece.
    fileprivate func send(over channel: any Channel) async -> Outcome {
        var offset: UInt64 = 0
        while offset < byteCount {
            let bytes: [UInt8]
            do {
                bytes = try await read(offset, Int(min(Self.pieceByteCount, byteCount - offset)))
                guard !bytes.isEmpty, UInt64(bytes.count) <= byteCount - offset else { throw ContentOutOfStep() }
            } catch {
                return .failed(error)
            }
            do {
                try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
            } catch {
                return .clientLeft
            }
            offset += UInt64(bytes.count)
        }
        return .sent
    }
}

/// A long answer gave no bytes, or more than it had said.
private struct ContentOutOfStep: Error {}
