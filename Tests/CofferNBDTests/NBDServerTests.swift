import CLinux
@testable import CofferBlock
@testable import CofferNBD
import CofferNBDWire
import CofferCore
import CofferModel
import Foundation
import Testing

/// A client that speaks in bytes.
final class RawClient {
    let socket: Int32

    init(_ path: String) throws {
        socket = unsafe coffer_unix_connect(path)
        try #require(socket >= 0)
        _ = coffer_set_timeout(socket, 10_000)
    }

    deinit { close(socket) }

    func send(_ bytes: [UInt8]) {
        _ = SocketStream(socket: socket).send(bytes)
    }

    /// `count` bytes, or fewer if the server ends the connection or takes over ten seconds.
    func receive(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = unsafe bytes.withUnsafeMutableBytes { unsafe recv(socket, $0.baseAddress?.advanced(by: done), count - done, 0) }
            guard got > 0 else { break }
            done += got
        }
        return Array(bytes.prefix(done))
    }

    /// Shakes hands and leaves the connection in transmission with simple replies.
    func open(_ name: String) {
        _ = receive(18)
        send(Wire.flags() + Wire.option(1, Array(name.utf8)))
        _ = receive(10)
    }
}

extension SocketStream {
    func send(_ bytes: [UInt8]) -> Bool { unsafe bytes.withUnsafeBytes { unsafe send($0) } }
}

/// A running server with one export named `disk`.
final class TestServer {
    let test: TestDisk
    let disk: EncryptedDisk
    let server: NBDServer

    init(byteCount: UInt64 = 1 << 20, layers: Int = 1, isReadOnly: Bool = false, limits: NBDServer.Limits = .init()) throws {
        test = try TestDisk(byteCount: byteCount, layers: layers)
        disk = try test.open(isReadOnly: isReadOnly)
        server = try NBDServer(path: "\(test.directory)/nbd.sock", limits: limits)
        server.add(disk, as: "disk")
        server.start()
    }

    deinit {
        server.stop()
        try? disk.close()
    }

    var uri: String { "nbd+unix:///disk?socket=\(server.path)" }
}

struct NBDServerTests {
    @Test func aSuspendedExportIsRefusedWithItsReason() throws {
        let running = try TestServer()
        running.disk.suspend(reason: "the key was disabled at noon")
        let client = try RawClient(running.server.path)
        _ = client.receive(18)
        client.send(Wire.flags() + Wire.go("disk"))
        let refusal = Wire.optionReply(7, .policy, Array("the key was disabled at noon".utf8))
        #expect(client.receive(refusal.count) == refusal)
        client.send(Wire.go("other"))
        let unknown = Wire.optionReply(7, .unknown, Array("there is no export named other".utf8))
        #expect(client.receive(unknown.count) == unknown)
    }

    @Test func suspendingReachesAConnectedClientAndResumingToo() throws {
        let running = try TestServer()
        let client = try RawClient(running.server.path)
        client.open("disk")
        client.send(Wire.request(1, length: 3, payload: [1, 2, 3]))
        #expect(client.receive(16) == Wire.simpleReply())
        running.disk.suspend(reason: "test")
        client.send(Wire.request(0, length: 3))
        #expect(client.receive(16) == Wire.simpleReply(5))
        try running.disk.resume(with: TestDisk.keys(1))
        client.send(Wire.request(0, length: 3))
        #expect(client.receive(19) == Wire.simpleReply(0, [1, 2, 3]))
    }

    @Test func whatWasSentBeforeAnExportEndsIsDone() throws {
        let running = try TestServer()
        let client = try RawClient(running.server.path)
        client.open("disk")
        client.send(Wire.request(3))
        #expect(client.receive(16) == Wire.simpleReply())
        let requests = (0..<50).flatMap { Wire.request(1, offset: UInt64($0) * 4096, length: 4096, payload: [UInt8](repeating: 7, count: 4096)) }
        client.send(requests)
        running.server.remove("disk")
        #expect(client.receive(50 * 16 + 1).count == 50 * 16)
        #expect(running.server.clientCount(of: "disk") == 0)
        #expect(try running.disk.makeChannel().readAll(50 * 4096).allSatisfy { $0 == 7 })
    }

    @Test func aClientThatReadsNoAnswersIsCutOffWhenTheServerStops() throws {
        let running = try TestServer()
        let client = try RawClient(running.server.path)
        client.open("disk")
        client.send((0..<20).flatMap { _ in Wire.request(0, length: 1 << 20) })
        let other = try RawClient(running.server.path)
        other.open("disk")
        other.send(Wire.request(0, length: 3))
        #expect(other.receive(19) == Wire.simpleReply(0, [0, 0, 0]), "one client's silence holds nobody else up")
        running.server.stop()
        #expect(running.server.clientCount(of: "disk") == 0)
    }

    @Test func connectionsAreLimitedPerExportAndInAll() throws {
        var limits = NBDServer.Limits()
        limits.perExport = 2
        limits.total = 3
        let running = try TestServer(limits: limits)
        let clients = try (0..<2).map { _ in try RawClient(running.server.path) }
        for client in clients {
            client.open("disk")
            client.send(Wire.request(3))
            #expect(client.receive(16) == Wire.simpleReply())
        }
        let third = try RawClient(running.server.path)
        _ = third.receive(18)
        third.send(Wire.flags() + Wire.go("disk"))
        #expect(Array(third.receive(20)[12..<16]) == [0x80, 0, 0, 2])
        let fourth = try RawClient(running.server.path)
        #expect(fourth.receive(1).isEmpty)
        // Without a later use the optimizer may close them early.
        extendLifetime(clients)
    }

    @Test func aHandshakeHasToEnd() throws {
        var limits = NBDServer.Limits()
        limits.handshake = .milliseconds(50)
        let running = try TestServer(limits: limits)
        let client = try RawClient(running.server.path)
        #expect(client.receive(19).count == 18)
    }

    @Test func theSocketGoesWithTheServer() throws {
        let running = try TestServer()
        running.server.stop()
        #expect(!FileManager.default.fileExists(atPath: running.server.path))
    }
}

extension DiskChannel {
    func readAll(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0xEE, count: count)
        _ = try unsafe bytes.withUnsafeMutableBytes { buffer in try unsafe read(buffer, at: 0) }
        return bytes
    }
}

/// What connections did, as the disk's meter tells it.
struct ConnectionMeterTests {
    @Test func requestsAreCountedWithTheirBytesAndErrors() throws {
        let running = try TestServer()
        let client = try RawClient(running.server.path)
        client.open("disk")
        client.send(Wire.request(1, length: 8192, payload: [UInt8](repeating: 7, count: 8192)))
        client.send(Wire.request(0, length: 4096) + Wire.request(0, length: 4096) + Wire.request(3) + Wire.request(4, offset: 4096, length: 4096))
        _ = client.receive(16 + 2 * (16 + 4096) + 16 + 16)
        running.disk.suspend(reason: "test")
        client.send(Wire.request(0, length: 512))
        #expect(client.receive(16) == Wire.simpleReply(5))
        let found = running.disk.meter.statistics.operations
        #expect(found.map(\.count) == [3, 1, 1, 1])
        #expect(found.map(\.byteCount) == [8704, 8192, 0, 4096])
        #expect(found.map(\.errorCount) == [1, 0, 0, 0])
    }

    @Test func whatAnEndedConnectionDidStaysCounted() throws {
        let running = try TestServer()
        for _ in 0..<3 {
            let client = try RawClient(running.server.path)
            client.open("disk")
            client.send(Wire.request(0, length: 512))
            _ = client.receive(16 + 512)
        }
        running.server.remove("disk")
        #expect(running.disk.meter.statistics.operations.first?.count == 3)
    }

    @Test func aLimitDelaysAndFailsNothing() throws {
        let running = try TestServer()
        running.disk.meter.limiter.set(DiskLimits(operationsPerSecond: 200, bytesPerSecond: nil))
        let client = try RawClient(running.server.path)
        client.open("disk")
        for _ in 0..<60 { client.send(Wire.request(0, length: 1)) }
        #expect(client.receive(60 * 17) == (0..<60).flatMap { _ in Wire.simpleReply(0, [0]) })
        #expect(running.disk.meter.statistics.delayedCount > 0)
    }

    @Test func liftingALimitLetsAConnectionEnd() throws {
        let running = try TestServer()
        running.disk.meter.limiter.set(DiskLimits(operationsPerSecond: nil, bytesPerSecond: 1000))
        let client = try RawClient(running.server.path)
        client.open("disk")
        client.send(Wire.request(0, length: 1 << 20) + Wire.request(0, length: 1 << 20))
        _ = client.receive(16 + 1 << 20)
        running.disk.meter.limiter.set(.none)
        running.server.remove("disk")
        #expect(running.server.clientCount(of: "disk") == 0)
    }
}
