import CofferBlock
import CofferModel
import CofferNBDWire

/// One connection after its handshake: takes requests and answers them, on the thread that calls ``run()``.
///
/// Nothing is allocated per request and nothing changes threads. A request is done when its turn comes; answers are sent together
/// when there is no further request at hand, or when enough have come together to keep the client busy meanwhile.
final class Transmission<Stream: ByteStream> {
    private let stream: Stream
    private let channel: DiskChannel
    private let rules: RequestRules
    private let input: ReceiveBuffer
    private let replies: ReplyBuffer
    /// Whether the client was told of an error of the request that is being served.
    private var hasFailed = false

    /// Reads and writes are done in pieces of this many bytes; the client works on one while the next is made.
    private let pieceByteCount: Int
    /// Answers are sent when they exceed this many bytes.
    private static var sendByteCount: Int { 96 << 10 }
    /// Ranges of zeros are made in pieces of this many bytes.
    private static var zeroesByteCount: UInt64 { 16 << 20 }
    /// Room for requests, beside the payload of one piece.
    private static var inputByteCount: Int { 384 << 10 }
    /// Room for answers, beside those that wait and the data of one piece.
    private static var replyByteCount: Int { 16 << 10 }

    init(_ stream: Stream, _ channel: DiskChannel, _ rules: RequestRules, leftover: [UInt8]) {
        self.stream = stream
        self.channel = channel
        self.rules = rules
        pieceByteCount = channel.pieceByteCount
        input = ReceiveBuffer(capacity: Self.inputByteCount + pieceByteCount, holding: leftover)
        replies = ReplyBuffer(capacity: Self.replyByteCount + Self.sendByteCount + pieceByteCount)
    }

    /// Serves the client until it leaves, breaks the protocol or is cut off.
    func run() {
        while true {
            if input.count < NBDRequest.byteCount {
                guard replies.send(to: stream), input.fill(NBDRequest.byteCount, from: stream) else { return }
            }
            guard let request = unsafe NBDRequest(UnsafeRawBufferPointer(input.first(NBDRequest.byteCount))) else { return }
            input.drop(NBDRequest.byteCount)
            guard serve(request) else { return }
        }
    }

    /// Whether the connection goes on.
    private func serve(_ request: NBDRequest) -> Bool {
        do {
            switch try rules.command(of: request) {
            case .read: return metered(.read, request) { read(request) }
            case .write: return metered(.write, request) { write(request) }
            case .blockStatus: return status(request)
            case .disconnect:
                _ = replies.send(to: stream)
                return false
            case .flush: return metered(.flush, request) { finish(request) { () throws(BlockError) in try channel.flush() } }
            case .cache: return finish(request) { () throws(BlockError) in
                try channel.prefetch(at: request.offset, count: UInt64(request.length))
            }
            case .trim: return metered(.clear, request) { finish(request) { () throws(BlockError) in
                try channel.trim(at: request.offset, count: UInt64(request.length))
                if request.isDurable { try channel.flush() }
            } }
            case .writeZeroes: return metered(.clear, request) { finish(request) { () throws(BlockError) in
                try writeZeroes(request)
                if request.isDurable { try channel.flush() }
            } }
            }
        } catch {
            if request.type == NBDCommand.write.rawValue, !skip(Int(request.length)) { return false }
            return answer(request, error)
        }
    }

    /// Waits for the disk's limits and counts what the request does. Answers that are collected go out before a wait that a limit makes.
    private func metered(_ kind: OperationStatistics.Kind, _ request: NBDRequest, _ body: () -> Bool) -> Bool {
        // What is only cleared moves no bytes.
        let byteCount = kind == .clear ? 0 : UInt64(request.length)
        guard let start = channel.meter.begin(byteCount, beforeWaiting: { replies.send(to: stream) }) else { return false }
        hasFailed = false
        let goesOn = body()
        channel.meter.end(kind, UInt64(request.length), since: start, failed: hasFailed)
        return goesOn
    }

    // MARK: Reading

    private func read(_ request: NBDRequest) -> Bool {
        let isWhole = !rules.isStructured || request.flags & NBDCommandFlag.dontFragment != 0
        return isWhole ? readWhole(request) : readChunks(request)
    }

    /// Answers in chunks, each of which can tell of an error or a hole.
    private func readChunks(_ request: NBDRequest) -> Bool {
        let prefix = ReplyBuffer.chunkByteCount + 8
        var done = 0
        while done < Int(request.length) {
            let count = piece(request, done)
            guard makeRoom(prefix + count) else { return false }
            let offset = request.offset + UInt64(done)
            done += count
            let isLast = done == Int(request.length)
            do {
                if try unsafe channel.read(replies.space(after: prefix, count), at: offset) {
                    replies.putChunk(.offsetHole, request.cookie, isLast: isLast, byteCount: 12)
                    replies.put(offset)
                    replies.put(UInt32(count))
                } else {
                    replies.putChunk(.offsetData, request.cookie, isLast: isLast, byteCount: 8 + count)
                    replies.put(offset)
                    replies.advance(count)
                }
            } catch {
                hasFailed = true
                replies.putErrorChunk(request.cookie, NBDError(error))
                return true
            }
        }
        return true
    }

    /// Answers with one header and all of the data. An error after the header can only be told by hanging up.
    private func readWhole(_ request: NBDRequest) -> Bool {
        let prefix = rules.isStructured ? ReplyBuffer.chunkByteCount + 8 : ReplyBuffer.simpleByteCount
        var done = 0
        while done < Int(request.length) {
            let count = piece(request, done)
            let skip = done == 0 ? prefix : 0
            guard makeRoom(skip + count) else { return false }
            do {
                _ = try unsafe channel.read(replies.space(after: skip, count), at: request.offset + UInt64(done))
            } catch {
                hasFailed = true
                return done == 0 ? answer(request, NBDError(error)) : false
            }
            if done == 0, rules.isStructured {
                replies.putChunk(.offsetData, request.cookie, isLast: true, byteCount: 8 + Int(request.length))
                replies.put(request.offset)
            } else if done == 0 {
                replies.putSimpleReply(request.cookie)
            }
            replies.advance(count)
            done += count
        }
        return true
    }

    private func status(_ request: NBDRequest) -> Bool {
        let limit = request.flags & NBDCommandFlag.requestOne != 0 ? 1 : NBDLimit.extentCount
        guard makeRoom(ReplyBuffer.chunkByteCount + 4 + limit * 8) else { return false }
        let start = replies.count
        replies.putChunk(.blockStatus, request.cookie, isLast: true, byteCount: 0)
        replies.put(NBDAllocationContext.id)
        var count = 0
        do {
            try channel.extents(at: request.offset, count: UInt64(request.length)) { extent in
                replies.put(UInt32(truncatingIfNeeded: extent.length))
                replies.put(extent.isHole ? NBDAllocationContext.hole : 0)
                count += 1
                return count < limit
            }
        } catch {
            replies.truncate(to: start)
            return answer(request, NBDError(error))
        }
        replies.put(UInt32(4 + count * 8), at: start + 16)
        return true
    }

    // MARK: Writing

    private func write(_ request: NBDRequest) -> Bool {
        var failure: NBDError?
        var done = 0
        let isOnePiece = piece(request, 0) == Int(request.length)
        while done < Int(request.length) {
            let count = piece(request, done)
            guard fill(count) else { return false }
            let payload = unsafe input.first(count)
            input.drop(count)
            if failure == nil {
                do {
                    try unsafe channel.write(payload, at: request.offset + UInt64(done), isDurable: request.isDurable && isOnePiece)
                } catch {
                    failure = NBDError(error)
                }
            }
            done += count
        }
        if failure == nil, request.isDurable, !isOnePiece {
            do { try channel.flush() } catch { failure = NBDError(error) }
        }
        return answer(request, failure)
    }

    /// Makes a range zeros in pieces, so that suspending the disk need not wait for the whole.
    private func writeZeroes(_ request: NBDRequest) throws(BlockError) {
        let keepsSpace = request.flags & NBDCommandFlag.noHole != 0
        var offset = request.offset
        let end = offset + UInt64(request.length)
        while offset < end {
            let next = min(end, (offset / Self.zeroesByteCount + 1) * Self.zeroesByteCount)
            try channel.writeZeroes(at: offset, count: next - offset, keepsSpace: keepsSpace)
            offset = next
        }
    }

    /// Takes the payload of a write that is refused.
    private func skip(_ length: Int) -> Bool {
        var left = length
        while left > 0 {
            if input.count == 0, !fill(1) { return false }
            let count = min(left, input.count)
            input.drop(count)
            left -= count
        }
        return true
    }

    // MARK: Shared

    private func finish(_ request: NBDRequest, _ work: () throws(BlockError) -> Void) -> Bool {
        do {
            try work()
            return answer(request, nil)
        } catch {
            return answer(request, NBDError(error))
        }
    }

    /// The answer without data. Reads and block statuses of structured clients are answered in chunks even when they fail.
    private func answer(_ request: NBDRequest, _ error: NBDError?) -> Bool {
        guard makeRoom(64) else { return false }
        if error != nil { hasFailed = true }
        let isChunked = rules.isStructured && (request.type == NBDCommand.read.rawValue || request.type == NBDCommand.blockStatus.rawValue)
        if isChunked, let error {
            replies.putErrorChunk(request.cookie, error)
        } else {
            replies.putSimpleReply(request.cookie, error)
        }
        return true
    }

    /// Sends what is collected if it is much, or if `length` more bytes would not fit.
    private func makeRoom(_ length: Int) -> Bool {
        guard replies.count > Self.sendByteCount || replies.room < length else { return true }
        return replies.send(to: stream)
    }

    /// Receives payload. Answers go out first, for the client may wait for them before it sends more.
    private func fill(_ count: Int) -> Bool {
        if input.count >= count { return true }
        return replies.send(to: stream) && input.fill(count, from: stream)
    }

    /// The length of the piece that starts `done` bytes into a request; all pieces but the first start at a sector.
    private func piece(_ request: NBDRequest, _ done: Int) -> Int {
        let skip = Int((request.offset + UInt64(done)) % UInt64(4096))
        return min(Int(request.length) - done, pieceByteCount - skip)
    }
}

extension NBDRequest {
    /// Whether the answer may come only when the effect is on stable storage.
    var isDurable: Bool { flags & NBDCommandFlag.fua != 0 }
}

extension NBDError {
    /// What a client is told of a disk's error.
    init(_ error: BlockError) {
        switch error {
        case .suspended, .writesLost, .badKey, .refused, .system: self = .inputOutput
        case .closed: self = .shuttingDown
        case .outOfRange: self = .invalid
        case .readOnly: self = .notPermitted
        case .noSpace: self = .noSpace
        }
    }
}
