import CofferBlock
import CofferModel
import CofferNBD
import CofferNBDClient
import CofferPlatform
import Testing

@Suite("A client of disks' exports")
struct NBDClientTests {
    private func open(_ running: TestServer, _ name: String = "disk") async throws -> any DiskContent {
        try await NBDContents(threads: 2).open(DiskExport(socketPath: running.server.path, name: name))
    }

    private func failure(_ body: () async throws -> Void) async -> DiskFailure.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? DiskFailure)?.code
        }
    }

    @Test("What is written is read again, whole and in parts, and is ciphertext in the file", arguments: [1, 2])
    func roundTrip(layers: Int) async throws {
        let running = try TestServer(byteCount: 8 << 20, layers: layers)
        let disk = try await open(running)
        #expect(disk.byteCount == 8 << 20)
        let bytes = (0..<(5 << 20) + 512).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }
        try await disk.write(bytes, at: 1536)
        #expect(try await disk.read(ByteRange(offset: 1536, length: UInt64(bytes.count))) == bytes)
        #expect(try await disk.read(ByteRange(offset: 5000, length: 11)) == Array(bytes[3464..<3475]))
        #expect(try await disk.read(ByteRange(offset: 0, length: 1536)).allSatisfy { $0 == 0 })
        #expect(try await disk.read(ByteRange(offset: 8 << 20, length: 0)) == [])
        #expect(try running.test.ciphertext()[8192..<8192 + 64] != bytes[8192 - 1536..<8192 - 1536 + 64])
    }

    @Test("What holds something is told, to the end of what was asked, and clearing takes it away")
    func allocation() async throws {
        let running = try TestServer(byteCount: 1 << 30)
        let disk = try await open(running)
        try await disk.write([UInt8](repeating: 1, count: 1 << 20), at: 4 << 20)
        try await disk.write([1], at: 900 << 20)
        let whole = ByteRange(offset: 0, length: 1 << 30)
        #expect(try await disk.allocated(whole) == [ByteRange(offset: 4 << 20, length: 1 << 20), ByteRange(offset: 900 << 20, length: 4096)])
        #expect(try await disk.allocated(ByteRange(offset: (5 << 20) - 4096, length: 8192)) == [ByteRange(offset: (5 << 20) - 4096, length: 4096)])
        try await disk.clear(ByteRange(offset: 0, length: 1 << 30))
        #expect(try await disk.allocated(whole) == [])
        #expect(try await disk.read(ByteRange(offset: 900 << 20, length: 1)) == [0])
    }

    @Test("More extents than one answer has are all told")
    func manyExtents() async throws {
        let running = try TestServer(byteCount: 64 << 20)
        let disk = try await open(running)
        for index in 0..<1200 { try await disk.write([7], at: UInt64(index) * 49152) }
        let found = try await disk.allocated(ByteRange(offset: 0, length: 64 << 20))
        #expect(found == (0..<1200).map { ByteRange(offset: UInt64($0) * 49152, length: 4096) })
    }

    @Test("What the server refuses is told, and what is outside the disk is not even asked for")
    func refusals() async throws {
        let running = try TestServer(isReadOnly: true)
        let disk = try await open(running)
        #expect(await failure { try await disk.write([1], at: 0) } == .badCommand)
        #expect(await failure { _ = try await disk.read(ByteRange(offset: 1 << 20, length: 1)) } == .badCommand)
        #expect(await failure { _ = try await disk.read(ByteRange(offset: .max, length: 2)) } == .badCommand)
        #expect(await failure { _ = try await disk.read(ByteRange(offset: 0, length: 40 << 20)) } == .badCommand)
        #expect(await failure { _ = try await open(running, "other") } == .busy)
        running.disk.suspend(reason: "the key was disabled at noon")
        #expect(await failure { _ = try await disk.read(ByteRange(offset: 0, length: 1)) } == .system)
        do {
            _ = try await open(running)
            Issue.record("a suspended disk was opened")
        } catch let failure as DiskFailure {
            #expect(failure.message.contains("the key was disabled at noon"))
        }
    }

    @Test("A host that is not there, or that goes, is a failure")
    func noHost() async throws {
        #expect(await failure { _ = try await NBDContents().open(DiskExport(socketPath: "/nonexistent/nbd.sock", name: "disk")) } == .system)
        let running = try TestServer()
        let disk = try await open(running)
        running.server.remove("disk")
        #expect(await failure { _ = try await disk.read(ByteRange(offset: 0, length: 1)) } == .system)
    }
}
