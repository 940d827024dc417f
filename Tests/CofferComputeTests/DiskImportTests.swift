import CofferModel
import CofferPlatform
import CofferTesting
import Synchronization
import Testing

@testable import CofferCompute

@Suite("Imports")
struct DiskImportTests {
    /// An image of 1 GiB and a bit, whose writing waits until it is let go or cancelled.
    final class ReaderDouble: DiskImageReader {
        private let state = Mutex((failure: APIError?.none, isHeld: false))
        let byteCount: UInt64

        init(byteCount: UInt64 = (1 << 30) + 100) { self.byteCount = byteCount }

        func hold() { state.withLock { $0.isHeld = true } }

        func letGo(failing failure: APIError? = nil) { state.withLock { $0 = (failure, false) } }

        func inspect(_ uri: String) async throws -> DiskImage {
            guard uri == "file:///imports/a.qcow2" else { throw APIError.invalidParameter("There is no such file.") }
            return DiskImage(path: "/imports/a.qcow2", format: .qcow2, byteCount: byteCount)
        }

        func write(_ image: DiskImage, to export: DiskExport, progress: @escaping @Sendable (Double) -> Void) async throws {
            progress(40)
            while state.withLock({ $0.isHeld }) {
                try Task.checkCancellation()
                await Task.yield()
            }
            if let failure = state.withLock({ $0.failure }) { throw failure }
        }
    }

    let world = World()
    let reader = ReaderDouble()

    static func body(_ uri: String = "file:///imports/a.qcow2", size: Int64? = nil) -> JSONValue {
        ["location": "uksouth", "properties": [
            "creationData": ["createOption": "Import", "sourceUri": .string(uri)], "diskSizeGB": size.map { .int($0) } ?? .null,
            "encryption": ["diskEncryptionSetId": .string(World.set("des1").text)],
        ]]
    }

    /// Looks at a disk until it is in another state than `Creating`.
    private func ended(_ services: ComputeServices) async throws -> JSONValue {
        while true {
            let shown = try await world.arm(services, .get, "disks/disk1").body
            if shown["properties"]?["provisioningState"] != "Creating" { return shown }
            await Task.yield()
        }
    }

    @Test("An imported disk is encrypted as was asked, as large as the image in whole sectors, and closed at the end")
    func imports() async throws {
        let services = world.start(images: reader)
        try await world.makeSet(services)
        reader.hold()
        let begun = try await world.arm(services, .put, "disks/disk1", Self.body())
        #expect(begun.status == 202)
        #expect(begun.body["properties"]?["diskSizeBytes"] == .int((1 << 30) + 4096))
        #expect(await refusal { try await world.call(services, "attach") }?.short == "409 OperationNotAllowed")
        #expect(await refusal { _ = try await world.arm(services, .put, "disks/disk1", Self.body()) }?.short == "409 OperationNotAllowed")
        while try await world.arm(services, .get, "disks/disk1").body["properties"]?["completionPercent"] != 40 { await Task.yield() }
        reader.letGo()
        #expect(try await ended(services)["properties"]?["provisioningState"] == "Succeeded")
        let record = try #require(try await world.record())
        #expect(world.host.disks[record.disk]?.state == .closed)
        #expect(world.host.disks[record.disk]?.layers.first?.keyID == World.key("v1"))
        #expect(try await world.call(services, "attach")["state"] == "open")
    }

    @Test("An import that fails says why and leaves no data")
    func failure() async throws {
        let services = world.start(images: reader)
        try await world.makeSet(services)
        reader.letGo(failing: .invalidParameter("The image is damaged."))
        _ = try await world.arm(services, .put, "disks/disk1", Self.body())
        let shown = try await ended(services)
        #expect(shown["error"]?["message"] == "The image is damaged.")
        #expect(world.host.disks.isEmpty)
        reader.letGo()
        _ = try await world.arm(services, .put, "disks/disk1", Self.body(size: 4))
        #expect(try await ended(services)["properties"]?["diskSizeGB"] == 4)
    }

    @Test("Deleting a disk ends its import")
    func cancelling() async throws {
        let services = world.start(images: reader)
        try await world.makeSet(services)
        reader.hold()
        _ = try await world.arm(services, .put, "disks/disk1", Self.body())
        #expect(try await world.arm(services, .delete, "disks/disk1").status == 200)
        #expect(world.host.disks.isEmpty)
        #expect(try await world.record() == nil)
    }

    @Test("A key that is disabled ends the imports under it")
    func revocation() async throws {
        let services = world.start(images: reader)
        try await world.makeSet(services)
        reader.hold()
        _ = try await world.arm(services, .put, "disks/disk1", Self.body())
        try await services.adopt()
        #expect(try await world.arm(services, .get, "disks/disk1").body["properties"]?["provisioningState"] == "Creating")
        world.vaults.change("kv1", "key1", "v1") { $0.isEnabled = false }
        try await services.adopt()
        let shown = try await ended(services)
        #expect(shown["error"]?["message"]?.string?.contains("is disabled") == true)
        #expect(world.host.disks.isEmpty)
    }

    @Test("An import that the end of the process interrupted has failed, and its disk is closed and gone")
    func interruption() async throws {
        let services = world.start(images: reader)
        try await world.makeSet(services)
        reader.hold()
        _ = try await world.arm(services, .put, "disks/disk1", Self.body())
        let next = world.start(images: reader)
        try await next.adopt()
        let shown = try await world.arm(next, .get, "disks/disk1").body
        #expect(shown["properties"]?["provisioningState"] == "Failed")
        #expect(shown["error"]?["message"]?.string?.contains("interrupted") == true)
        #expect(world.host.disks.isEmpty)
        reader.letGo()
    }

    @Test("Imports need a file, and a size that a disk can have")
    func refusals() async throws {
        let services = world.start(images: reader)
        try await world.makeSet(services)
        #expect(await refusal { _ = try await world.arm(services, .put, "disks/disk1", Self.body("file:///x")) }?.short == "400 InvalidParameter")
        #expect(await refusal { _ = try await world.arm(services, .put, "disks/disk1", Self.body(size: 1)) }?.short == "400 InvalidParameter")
        for byteCount: UInt64 in [0, (32767 << 30) + 1, .max] {
            let odd = world.start(images: ReaderDouble(byteCount: byteCount))
            #expect(await refusal { _ = try await world.arm(odd, .put, "disks/disk1", Self.body()) }?.short == "400 InvalidParameter")
        }
        #expect(world.host.disks.isEmpty)
    }
}
