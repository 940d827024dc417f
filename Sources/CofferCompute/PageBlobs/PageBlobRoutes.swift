import CofferCore
import CofferModel
import CofferPlatform

/// What is done with a disk's contents under an access. Decodes, reads or writes through the disk's export, encodes.
struct PageBlobRoutes: Sendable {
    let hosted: HostedDisks
    let contents: any DiskContents
    let clock: any WallClock

    /// - Parameters:
    ///   - isOpen: Whether there still is the access.
    ///   - previous: Finds the disk that the URL of another access opens.
    /// - Throws: ``APIError``.
    func answer(
        _ call: PageBlobCall, _ request: APIRequest, on disk: DiskRecord, under access: DiskAccess, isOpen: () async throws -> Bool,
        previous: (String) async throws -> DiskRecord?
    ) async throws -> APIResponse {
        let etag = "\"0x\(access.id.prefix(16).uppercased())\""
        if let wanted = request.headers["if-match"], wanted != "*", wanted != etag { throw APIError.blobConditionNotMet }
        let headers = headers(of: disk, etag, request)
        do {
            let blob = PageBlob(try await open(disk), of: disk)
            // Ending an access ends the connections to its disk. One that was made just afterwards would reach what the disk is used for next.
            guard try await isOpen() else { throw APIError.blobAuthenticationFailed }
            switch call {
            case .properties:
                return APIResponse(status: 200, headers: headers, content: content(of: blob, blob.whole, access))
            case .download(let asked):
                let range = asked?.clipped(to: blob.whole)
                var headers = headers
                if let range { headers["content-range"] = "bytes \(range.offset)-\(range.end - 1)/\(blob.byteCount)" }
                // What is short is read first, so that a failure is an answer and not the end of the connection.
                if let range, range.length <= PageBlob.longestPiece {
                    return APIResponse(status: 206, headers: headers, body: try await blob.read(range))
                }
                return APIResponse(status: range == nil ? 200 : 206, headers: headers, content: content(of: blob, range ?? blob.whole, access))
            case .pages(let asked, let url):
                let range = asked?.clipped(to: blob.whole) ?? blob.whole
                let list = try await list(range, of: blob, disk, since: url, previous)
                var headers = headers
                headers["x-ms-blob-content-length"] = String(blob.byteCount)
                headers["content-type"] = "application/xml"
                return APIResponse(status: 200, headers: headers, body: list)
            case .create: try await blob.clear(blob.whole)
            case .update(let range): try await blob.write(request.body, at: range.offset)
            case .clear(let range): try await blob.clear(range)
            }
            return APIResponse(status: 201, headers: headers.merging(["x-ms-request-server-encrypted": "true"]) { $1 })
        } catch let failure as DiskFailure {
            throw APIError.blobHost(failure)
        }
    }

    private func open(_ disk: DiskRecord) async throws -> any DiskContent {
        let status = try await hosted.inspect(disk.disk)
        guard status.state == .open, let export = status.export, status.byteCount == disk.byteCount else { throw APIError.blobNotReady }
        return try await contents.open(export)
    }

    /// A range as it is sent. What is under way when the access expires is broken off.
    private func content(of blob: PageBlob, _ range: ByteRange, _ access: DiskAccess) -> ResponseContent {
        ResponseContent(byteCount: range.length) { [clock] offset, count in
            guard clock.now() < access.expires else { throw APIError.blobAuthenticationFailed }
            return try await blob.read(ByteRange(offset: range.offset + offset, length: UInt64(count)))
        }
    }

    private func list(
        _ range: ByteRange, of blob: PageBlob, _ disk: DiskRecord, since url: String?, _ previous: (String) async throws -> DiskRecord?
    ) async throws -> [UInt8] {
        let pages = try await blob.pages(range)
        guard let url else { return Self.document(pages, cleared: []) }
        guard let base = try await previous(url), disk.snapshot != nil, base.snapshot != nil, let source = disk.origin?.sourceDisk,
            source == base.origin?.sourceDisk
        else { throw APIError.previousSnapshotNotValid }
        // The footer has the snapshot's own name.
        let footer = ByteRange(offset: disk.byteCount, length: UInt64(VHDFooter.byteCount)).clipped(to: range)
        let changed = try await hosted.changes(disk.disk, since: base.disk).map { $0.clipped(to: range) }.filter { $0.length > 0 } + [footer]
        return Self.document(changed.intersection(pages), cleared: changed.intersection(pages.gaps(in: range)))
    }

    private static func document(_ pages: [ByteRange], cleared: [ByteRange]) -> [UInt8] {
        func element(_ name: String, _ range: ByteRange) -> String {
            "<\(name)><Start>\(range.offset)</Start><End>\(range.end - 1)</End></\(name)>"
        }
        let all = pages.map { ($0.offset, element("PageRange", $0)) } + cleared.map { ($0.offset, element("ClearRange", $0)) }
        return XMLText.document("<PageList>\(all.sorted { $0.0 < $1.0 }.map(\.1).joined())</PageList>")
    }

    private func headers(of disk: DiskRecord, _ etag: String, _ request: APIRequest) -> [String: String] {
        [
            "etag": etag, "last-modified": HTTPDate.text(disk.created), "accept-ranges": "bytes", "content-type": "application/octet-stream",
            "x-ms-blob-type": "PageBlob", "x-ms-blob-sequence-number": "0", "x-ms-server-encrypted": "true", "x-ms-lease-state": "available",
            "x-ms-lease-status": "unlocked", "x-ms-version": request.headers["x-ms-version"].map { String($0.prefix(40)) } ?? "2018-03-28",
        ]
    }
}

extension PageBlob {
    fileprivate var whole: ByteRange { ByteRange(offset: 0, length: byteCount) }
}
