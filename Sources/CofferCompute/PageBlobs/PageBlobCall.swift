import CofferModel
import CofferPlatform

/// What a request asks of a page blob: the part of Azure's blob service that moves disks.
enum PageBlobCall: Equatable, Sendable {
    /// HEAD: how large it is.
    case properties
    /// nil for all of it.
    case download(ByteRange?)
    /// The ranges that hold something; with an earlier snapshot's URL, those in which it differs from that.
    case pages(ByteRange?, since: String?)
    /// Makes all of it zeros.
    case create
    case update(ByteRange)
    case clear(ByteRange)

    var changes: Bool {
        switch self {
        case .properties, .download, .pages: false
        case .create, .update, .clear: true
        }
    }

    /// - Parameter byteCount: The blob's size.
    /// - Throws: ``APIError``, in the words of the blob service, for what is not served or makes no sense.
    init(_ request: APIRequest, byteCount: UInt64) throws {
        try Self.refuseWhatIsNotChecked(request)
        let range = try (request.headers["x-ms-range"] ?? request.headers["range"]).map { try Self.range($0, byteCount) }
        switch (request.method, request.parameter("comp")?.lowercased()) {
        case (.head, nil): self = .properties
        case (.get, nil): self = .download(range)
        case (.get, "pagelist"): self = .pages(range, since: request.headers["x-ms-previous-snapshot-url"])
        case (.put, nil):
            guard request.headers["x-ms-blob-type"]?.lowercased() == "pageblob" else { throw APIError.blobTypeNotValid }
            guard request.headers["x-ms-blob-content-length"].flatMap({ UInt64($0) }) == byteCount else { throw APIError.blobLengthFixed(byteCount) }
            guard request.headers["if-none-match"] != "*" else { throw APIError.blobAlreadyExists }
            self = .create
        case (.put, "page"): self = try Self.write(request, range, byteCount)
        case (.get, _), (.put, _), (.head, _): throw APIError.blobOperationNotServed
        default: throw APIError.blobVerbNotServed(request.method.rawValue)
        }
    }

    private static func write(_ request: APIRequest, _ range: ByteRange?, _ byteCount: UInt64) throws -> PageBlobCall {
        guard let range else { throw APIError.blobHeaderMissing("x-ms-range") }
        let page = PageBlob.pageByteCount
        guard range.offset % page == 0, range.length % page == 0, range.end <= byteCount else { throw APIError.pageRangeNotValid }
        switch request.headers["x-ms-page-write"]?.lowercased() {
        case "update":
            guard range.length <= PageBlob.longestPiece else { throw APIError.pageRangeTooLong }
            guard range.length == request.body.count else { throw APIError.pageLengthNotValid }
            return .update(range)
        case "clear":
            guard request.body.isEmpty else { throw APIError.pageLengthNotValid }
            return .clear(range)
        default: throw APIError.blobHeaderMissing("x-ms-page-write")
        }
    }

    /// A range as a header has it, `bytes=0-511` or `bytes=512-`. The end of one that is read may lie past the blob's.
    private static func range(_ text: String, _ byteCount: UInt64) throws -> ByteRange {
        let prefix = "bytes="
        guard text.lowercased().hasPrefix(prefix) else { throw APIError.blobRangeNotValid }
        let parts = text.dropFirst(prefix.count).split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let start = UInt64(parts[0]) else { throw APIError.blobRangeNotValid }
        guard start < byteCount else { throw APIError.blobRangeOutside(byteCount) }
        if parts[1].isEmpty { return ByteRange(offset: start, length: byteCount - start) }
        guard let last = UInt64(parts[1]), last >= start, last < .max else { throw APIError.blobRangeNotValid }
        return ByteRange(offset: start, length: last - start + 1)
    }

    /// A checksum that nobody compares would be a promise that is not kept.
    private static func refuseWhatIsNotChecked(_ request: APIRequest) throws {
        let checksums = ["content-md5", "x-ms-content-crc64", "x-ms-structured-body", "x-ms-range-get-content-md5", "x-ms-range-get-content-crc64"]
        if let header = checksums.first(where: { request.headers[$0] != nil && request.headers[$0]?.lowercased() != "false" }) {
            throw APIError.blobHeaderNotServed(header, "TLS protects what is sent; leave content validation off.")
        }
        let others = ["x-ms-lease-id", "if-modified-since", "if-unmodified-since", "x-ms-encryption-key", "x-ms-copy-source"]
        if let header = others.first(where: { request.headers[$0] != nil }) { throw APIError.blobHeaderNotServed(header, "Leave it out.") }
        if request.parameter("snapshot") != nil || request.parameter("versionid") != nil { throw APIError.blobOperationNotServed }
    }
}
