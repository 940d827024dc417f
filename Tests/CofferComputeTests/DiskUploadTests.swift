import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferCompute

@Suite("Uploads")
struct DiskUploadTests {
    let world = World()
    private let size: UInt64 = 32 << 20

    private func state(_ services: ComputeServices) async throws -> String? {
        try await world.arm(services, .get, "disks/disk1").body["properties"]?["diskState"]?.string
    }

    private func put(_ services: ComputeServices, _ url: String, _ first: UInt64, _ body: [UInt8], count: UInt64? = nil, clears: Bool = false) async throws -> String {
        let last = first + (count ?? UInt64(body.count)) - 1
        let answer = try await world.open(services, .put, url + "&comp=page", headers: [
            "x-ms-page-write": clears ? "clear" : "update", "x-ms-range": "bytes=\(first)-\(last)",
        ], body: body)
        return answer.code ?? String(answer.status)
    }

    @Test("A disk waits for its upload, is written, and is a disk like others when the access is revoked")
    func life() async throws {
        let services = world.start()
        let made = try await world.makeUpload(services)
        #expect(made["properties"]?["creationData"] == ["createOption": "Upload", "uploadSizeBytes": .int(Int64(size) + 512)])
        #expect(made["properties"]?["diskSizeBytes"] == .int(Int64(size)))
        #expect(try await state(services) == "ReadyToUpload")
        #expect(await refusal { try await world.call(services, "attach") }?.message.contains("is being uploaded") == true)
        #expect(await refusal { _ = try await world.grantAccess(services) }?.short == "409 OperationNotAllowed")
        #expect(await refusal { _ = try await world.arm(services, .patch, "disks/disk1", ["properties": ["diskSizeGB": 16]]) }?.short == "409 OperationNotAllowed")
        _ = try await world.arm(services, .post, "disks/disk1/endGetAccess")
        #expect(try await state(services) == "ReadyToUpload")
        let url = try await world.grantAccess(services, "disks/disk1", "Write", seconds: 60)
        #expect(try await state(services) == "ActiveUpload")
        #expect(try await put(services, url, 1024, [UInt8](repeating: 5, count: 512)) == "201")
        #expect(try await world.open(services, .get, url, headers: ["range": "bytes=1023-1024"]).body == [0, 5])
        world.clock.advance(by: .seconds(60))
        #expect(try await state(services) == "ReadyToUpload")
        let again = try await world.grantAccess(services, "disks/disk1", "Write")
        #expect(try await put(services, again, 1024, [], count: 512, clears: true) == "201")
        _ = try await world.arm(services, .post, "disks/disk1/endGetAccess")
        #expect(try await state(services) == "Unattached")
        #expect(try await put(services, again, 0, [UInt8](repeating: 5, count: 512)) == "AuthenticationFailed")
        #expect(await refusal { _ = try await world.grantAccess(services, "disks/disk1", "Write") }?.short == "409 OperationNotAllowed")
        try await world.call(services, "attach")
    }

    @Test("An upload whose access has expired is complete when it is revoked")
    func revokedLate() async throws {
        let services = world.start()
        try await world.makeUpload(services)
        _ = try await world.grantAccess(services, "disks/disk1", "Write", seconds: 1)
        world.clock.advance(by: .seconds(1))
        try await services.adopt()
        #expect(try await world.hosted()?.state == .closed)
        _ = try await world.arm(services, .post, "disks/disk1/endGetAccess")
        #expect(try await state(services) == "Unattached")
    }

    @Test("Sizes that no VHD has are refused", arguments: [nil, 0, -1, 1 << 20, (32 << 20), (32 << 20) + 511, .max] as [Int64?])
    func sizes(count: Int64?) async throws {
        let body: JSONValue = ["location": "uksouth", "properties": ["creationData": ["createOption": "Upload", "uploadSizeBytes": count.map { .int($0) } ?? .null]]]
        #expect(await refusal { _ = try await world.arm(world.start(), .put, "disks/disk1", body) }?.short == "400 InvalidParameter")
    }

    @Test("Pages are whole, within the disk, and at most 4 MiB at a time")
    func pages() async throws {
        let services = world.start()
        try await world.makeUpload(services)
        let url = try await world.grantAccess(services, "disks/disk1", "Write")
        let page = [UInt8](repeating: 1, count: 512)
        #expect(try await put(services, url, 1, page) == "InvalidPageRange")
        #expect(try await put(services, url, 0, [1], count: 1) == "InvalidPageRange")
        #expect(try await put(services, url, size + 512, page) == "InvalidRange")
        #expect(try await put(services, url, size, page + page) == "InvalidPageRange")
        #expect(try await put(services, url, 0, page, count: 1024) == "InvalidHeaderValue")
        #expect(try await put(services, url, 0, page, clears: true) == "InvalidHeaderValue")
        #expect(try await put(services, url, 0, [], count: (4 << 20) + 512) == "RequestBodyTooLarge")
        #expect(try await put(services, url, 0, [], count: size + 512, clears: true) == "201")
        let answer = try await world.open(services, .put, url + "&comp=page", headers: ["x-ms-page-write": "update"], body: page)
        #expect(answer.code == "MissingRequiredHeader")
    }

    @Test("The footer must be that of a fixed VHD of the disk's size, and the disk shows its own")
    func footer() async throws {
        let services = world.start()
        try await world.makeUpload(services)
        let url = try await world.grantAccess(services, "disks/disk1", "Write")
        let id = try #require(DiskID("00000000-0000-4000-8000-000000000001"))
        let other = VHDFooter.bytes(size: size, disk: id, created: world.clock.now())
        #expect(try await put(services, url, size, other) == "201")
        #expect(try await put(services, url, size - 512, [UInt8](repeating: 9, count: 512) + other) == "201")
        let own = try #require(try await world.record()).disk
        #expect(try await world.open(services, .get, url, headers: ["x-ms-range": "bytes=\(size)-"]).body == VHDFooter.bytes(size: size, disk: own, created: world.clock.now()))
        #expect(try await world.open(services, .get, url, headers: ["x-ms-range": "bytes=\(size - 1)-\(size)"]).body == [9, UInt8(ascii: "c")])
        var broken = other
        broken[200] ^= 1
        for wrong in [broken, [UInt8](repeating: 0, count: 512), VHDFooter.bytes(size: size + 512, disk: id, created: world.clock.now())] {
            #expect(try await put(services, url, size, wrong) == "InvalidVhd")
        }
    }

    @Test("Put Blob makes all of it zeros, of the disk's size alone")
    func putBlob() async throws {
        let services = world.start()
        try await world.makeUpload(services)
        let url = try await world.grantAccess(services, "disks/disk1", "Write")
        #expect(try await put(services, url, 0, [UInt8](repeating: 1, count: 512)) == "201")
        var headers = ["x-ms-blob-type": "PageBlob", "x-ms-blob-content-length": "\(size + 512)", "if-none-match": "*"]
        #expect(try await world.open(services, .put, url, headers: headers).code == "BlobAlreadyExists")
        headers["if-none-match"] = nil
        #expect(try await world.open(services, .put, url, headers: headers).status == 201)
        #expect(try await world.open(services, .get, url, headers: ["range": "bytes=0-0"]).body == [0])
        headers["x-ms-blob-content-length"] = "1024"
        #expect(try await world.open(services, .put, url, headers: headers).code == "InvalidHeaderValue")
        headers["x-ms-blob-type"] = "BlockBlob"
        #expect(try await world.open(services, .put, url, headers: headers).code == "InvalidBlobType")
    }

    @Test("A write that is under way when its access ends does not reach the disk that is attached meanwhile")
    func revokedMeanwhile() async throws {
        let services = world.start()
        try await world.makeUpload(services)
        let url = try await world.grantAccess(services, "disks/disk1", "Write")
        world.contents.onOpen { [world] in
            _ = try await world.arm(services, .post, "disks/disk1/endGetAccess")
            try await world.call(services, "attach")
        }
        #expect(try await put(services, url, 0, [UInt8](repeating: 1, count: 512)) == "AuthenticationFailed")
        #expect(world.contents.isEmpty)
    }

    @Test("A host without space, or none at all, is told as such")
    func hostFails() async throws {
        let services = world.start()
        try await world.makeUpload(services)
        let url = try await world.grantAccess(services, "disks/disk1", "Write")
        for (code, error) in [(DiskFailure.Code.noSpace, "InsufficientStorage"), (.system, "ServerBusy")] {
            world.contents.fail(with: DiskFailure(code, "the host says no"))
            #expect(try await put(services, url, 0, [UInt8](repeating: 1, count: 512)) == error)
        }
        world.contents.fail(with: nil)
        world.host.setDown(true)
        #expect(try await put(services, url, 0, [UInt8](repeating: 1, count: 512)) == "ServerBusy")
    }
}
