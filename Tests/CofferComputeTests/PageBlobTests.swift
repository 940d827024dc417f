import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Foundation
import Testing

@testable import CofferCompute

@Suite("Page blobs")
struct PageBlobTests {
    let world = World()

    private func request(_ method: APIRequest.Method, comp: String? = nil, _ headers: [String: String] = [:], query: [(String, String)] = []) -> APIRequest {
        APIRequest(
            method: method, host: "", path: [], query: (comp.map { [("comp", $0)] } ?? []) + query, headers: headers, body: [], address: "", requestID: "",
            received: world.clock.now())
    }

    @Test("Ranges are as their header says, and may end past the blob")
    func ranges() throws {
        func range(_ text: String) throws -> PageBlobCall { try PageBlobCall(request(.get, ["range": text]), byteCount: 1024) }
        #expect(try range("bytes=0-0") == .download(ByteRange(offset: 0, length: 1)))
        #expect(try range("Bytes=512-") == .download(ByteRange(offset: 512, length: 512)))
        #expect(try range("bytes=1000-9999") == .download(ByteRange(offset: 1000, length: 9000)))
        let both = ["range": "bytes=0-9", "x-ms-range": "bytes=10-19"]
        #expect(try PageBlobCall(request(.get, both), byteCount: 1024) == .download(ByteRange(offset: 10, length: 10)))
        #expect(try PageBlobCall(request(.get), byteCount: 1024) == .download(nil))
        for wrong in ["bytes=1024-", "bytes=1-0", "bytes=-5", "bytes=a-b", "items=0-1", "bytes=0-1,4-5", "bytes=", "bytes=0-18446744073709551615", "bytes=99999999999999999999-"] {
            #expect(throws: APIError.self, "\(wrong)") { try range(wrong) }
        }
    }

    @Test("What is not served or not checked is refused", arguments: [
        (APIRequest.Method.get, "metadata", [:], "UnsupportedQueryParameter"), (.put, "properties", [:], "UnsupportedQueryParameter"),
        (.put, "lease", [:], "UnsupportedQueryParameter"), (.delete, nil, [:], "UnsupportedHttpVerb"), (.post, nil, [:], "UnsupportedHttpVerb"),
        (.get, nil, ["x-ms-range-get-content-md5": "true"], "UnsupportedHeader"), (.put, "page", ["content-md5": "AA=="], "UnsupportedHeader"),
        (.get, nil, ["x-ms-lease-id": "1"], "UnsupportedHeader"), (.put, "page", ["x-ms-range": "bytes=0-511", "x-ms-page-write": "x"], "MissingRequiredHeader"),
    ] as [(APIRequest.Method, String?, [String: String], String)])
    func notServed(method: APIRequest.Method, comp: String?, headers: [String: String], code: String) {
        do {
            _ = try PageBlobCall(request(method, comp: comp, headers), byteCount: 1024)
            Issue.record("it is served")
        } catch {
            #expect((error as? APIError)?.code == code)
        }
    }

    @Test("Lists of ranges are joined, cut and turned round")
    func lists() {
        func list(_ pairs: [(UInt64, UInt64)]) -> [ByteRange] { pairs.map { ByteRange(offset: $0.0, length: $0.1 - $0.0) } }
        #expect(list([(0, 4), (4, 8), (10, 12), (12, 12)]).joined(gap: 0) == list([(0, 8), (10, 12)]))
        #expect(list([(0, 4), (6, 8), (20, 30)]).joined(gap: 2) == list([(0, 8), (20, 30)]))
        let many = (0..<1000).map { ByteRange(offset: UInt64($0) * 8192, length: 4096) } + list([(1 << 40, 1 << 41)])
        #expect(many.joined(toAtMost: 10) == list([(0, 999 * 8192 + 4096), (1 << 40, 1 << 41)]))
        #expect(list([(0, 10), (20, 30)]).intersection(list([(5, 22), (24, 25), (29, 90)])) == list([(5, 10), (20, 22), (24, 25), (29, 30)]))
        #expect(list([(0, 10)]).intersection([]) == [])
        #expect(list([(5, 10), (12, 20)]).gaps(in: ByteRange(offset: 0, length: 15)) == list([(0, 5), (10, 12)]))
        #expect([ByteRange]().gaps(in: ByteRange(offset: 3, length: 4)) == list([(3, 7)]))
    }

    @Test("Page ranges tell what holds something, and the footer")
    func pageList() async throws {
        let services = world.start()
        try await world.makeUpload(services)
        let url = try await world.grantAccess(services, "disks/disk1", "Write")
        for page in [0, 1, 5000] {
            let headers = ["x-ms-page-write": "update", "x-ms-range": "bytes=\(page * 512)-\(page * 512 + 511)"]
            #expect(try await world.open(services, .put, url + "&comp=page", headers: headers, body: [UInt8](repeating: 1, count: 512)).status == 201)
        }
        let answer = try await world.open(services, .get, url + "&comp=pagelist")
        #expect(answer.headers["x-ms-blob-content-length"] == "\((32 << 20) + 512)")
        #expect(String(decoding: answer.body, as: UTF8.self) == "<?xml version=\"1.0\" encoding=\"utf-8\"?><PageList>"
            + "<PageRange><Start>0</Start><End>4095</End></PageRange><PageRange><Start>2560000</Start><End>2564095</End></PageRange>"
            + "<PageRange><Start>33554432</Start><End>33554943</End></PageRange></PageList>")
        let part = try await world.open(services, .get, url + "&comp=pagelist", headers: ["range": "bytes=512-1023"])
        #expect(String(decoding: part.body, as: UTF8.self).contains("<PageList><PageRange><Start>512</Start><End>1023</End></PageRange></PageList>"))
        let alone = try await world.open(services, .get, url + "&comp=pagelist", headers: ["x-ms-previous-snapshot-url": url])
        #expect(alone.code == "InvalidHeaderValue")
    }

    @Test("Conditions on the ETag hold, and HEAD tells the size")
    func conditions() async throws {
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        let url = try await world.grantAccess(services)
        let head = try await world.open(services, .head, url)
        #expect(head.headers["x-ms-blob-type"] == "PageBlob" && head.headers["last-modified"] == "Thu, 01 Jan 2026 00:00:00 GMT")
        let etag = try #require(head.headers["etag"])
        #expect(try await world.open(services, .get, url, headers: ["if-match": etag, "range": "bytes=0-1"]).headers["content-range"] == "bytes 0-1/8589935104")
        #expect(try await world.open(services, .get, url, headers: ["if-match": "\"0x1\""]).code == "ConditionNotMet")
        #expect(try await world.open(services, .put, url + "&comp=page", headers: ["x-ms-page-write": "clear", "x-ms-range": "bytes=0-511"]).code == "AuthorizationPermissionMismatch")
    }

    @Test("qemu-img takes the size of a disk from its footer", arguments: [20 << 20, 8 << 30, (8 << 30) + (1 << 20), 3 << 40] as [Int64])
    func footerIsUnderstood(size: Int64) throws {
        let id = try #require(DiskID("00000000-0000-4000-8000-000000000001"))
        let footer = VHDFooter.bytes(size: UInt64(size), disk: id, created: world.clock.now())
        #expect(VHDFooter.objection(to: footer, size: UInt64(size)) == nil)
        #expect(VHDFooter.objection(to: Array(footer.dropLast()), size: UInt64(size)) != nil)
        #expect(VHDFooter.objection(to: footer, size: UInt64(size) - 512)?.contains("another") == false)
        guard size <= 2 << 40 else { return }
        let path = "\(NSTemporaryDirectory())/footer-\(UUID().uuidString).vhd"
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.seek(toOffset: UInt64(size))
        try file.write(contentsOf: footer)
        try file.close()
        let output = try ToolProcess.run(["qemu-img", "info", "-f", "vpc", "--output=json", path], errors: .dropped).output
        #expect(try JSON.decode(JSONValue.self, from: output)["virtual-size"] == .int(size))
    }

    @Test("The geometry is what qemu-img writes for the same size", arguments: [20, 100, 504, 600, 1024, 4000, 8192, 130_000])
    func geometry(mebibytes: Int) throws {
        let path = "\(NSTemporaryDirectory())/geometry-\(UUID().uuidString).vhd"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let create = ["qemu-img", "create", "-q", "-f", "vpc", "-o", "subformat=fixed", path, "\(mebibytes)M"]
        try #require(try ToolProcess.run(create).status == 0)
        let file = try #require(FileHandle(forReadingAtPath: path))
        let length = try file.seekToEnd()
        try file.seek(toOffset: length - 512)
        let theirs = [UInt8](try #require(try file.readToEnd()))
        let id = try #require(DiskID("00000000-0000-4000-8000-000000000001"))
        let ours = VHDFooter.bytes(size: length - 512, disk: id, created: world.clock.now())
        #expect(Array(ours[56..<60]) == Array(theirs[56..<60]))
        #expect(VHDFooter.objection(to: theirs, size: length - 512) == nil)
    }
}
