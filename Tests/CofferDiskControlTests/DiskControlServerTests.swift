import CLinux
@testable import CofferDiskControl
import CofferModel
import Foundation
import Synchronization
import Testing

/// A control server that does what a test says.
private final class EchoServer {
    let path: String
    let server: DiskControlServer

    init(directory: String = NSTemporaryDirectory(), _ perform: @escaping @Sendable (DiskCommand) -> DiskReply) throws {
        path = "\(directory)/coffer-control-\(UUID().uuidString).sock"
        server = try DiskControlServer(path: path, perform: perform)
        server.start()
    }

    deinit { server.stop() }
}

struct DiskControlServerTests {
    @Test func aClientIsAnswered() async throws {
        let echo = try EchoServer { command in
            guard case .suspend(_, let reason) = command else { return .done }
            return .failure(DiskFailure(.busy, reason))
        }
        let client = DiskHostClient(path: echo.path)
        #expect(try await client.perform(.list) == .done)
        let disk = try #require(DiskID(bytes: [UInt8](repeating: 7, count: 16)))
        await #expect(throws: DiskFailure(.busy, "so")) { try await client.perform(.suspend(disk: disk, reason: "so")) }
    }

    @Test func manyCommandsAtOnceAreEachAnswered() async throws {
        let echo = try EchoServer { command in
            guard case .holes(let disk) = command else { return .done }
            return .holes([ByteRange(offset: UInt64(disk.bytes[0]), length: 1)])
        }
        let client = DiskHostClient(path: echo.path)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<UInt8(100) {
                group.addTask {
                    let disk = try #require(DiskID(bytes: [UInt8](repeating: number, count: 16)))
                    #expect(try await client.perform(.holes(disk: disk)) == .holes([ByteRange(offset: UInt64(number), length: 1)]))
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func connectionsThatAreTooManyWaitForTheirTurn() async throws {
        let echo = try EchoServer { _ in .done }
        let silent = (0..<40).map { _ in unsafe coffer_unix_connect(echo.path) }
        #expect(silent.allSatisfy { $0 >= 0 })
        let late = Task { try await DiskHostClient(path: echo.path).perform(.list) }
        try await Task.sleep(for: .milliseconds(50))
        for descriptor in silent { close(descriptor) }
        #expect(try await late.value == .done)
    }

    @Test func longAnswersPass() async throws {
        let ranges = (0..<100_000).map { ByteRange(offset: $0 * 8192, length: 4096) }
        let echo = try EchoServer { _ in .holes(ranges) }
        #expect(try await DiskHostClient(path: echo.path).perform(.list) == .holes(ranges))
    }

    @Test func aLongSocketPathWorksBetweenTheseTwo() async throws {
        let directory = NSTemporaryDirectory() + String(repeating: "long", count: 25)
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let echo = try EchoServer(directory: directory) { _ in .done }
        #expect(try await DiskHostClient(path: echo.path).perform(.sync) == .done)
    }

    @Test func withoutAHostThereIsAClearError() async throws {
        let client = DiskHostClient(path: "/nonexistent/diskd.sock")
        let failure = await #expect(throws: DiskFailure.self) { try await client.perform(.list) }
        #expect(failure?.code == .system)
        #expect(failure?.message.contains("/nonexistent/diskd.sock cannot be reached") == true)
    }

    @Test func aHostThatDoesNotAnswerIsNotWaitedForForEver() async throws {
        let gate = Atomic<Bool>(false)
        let echo = try EchoServer { _ in
            while !gate.load(ordering: .relaxed) { usleep(1000) }
            return .done
        }
        let client = DiskHostClient(path: echo.path, timeout: .milliseconds(50))
        let failure = await #expect(throws: DiskFailure.self) { try await client.perform(.list) }
        #expect(failure?.message.contains("does not answer") == true)
        gate.store(true, ordering: .relaxed)
    }

    /// What the server sends to a client that sends `bytes` and then nothing more.
    private static func answer(to bytes: [UInt8], from path: String) throws -> [UInt8] {
        let descriptor = unsafe coffer_unix_connect(path)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let socket = ControlSocket(descriptor: descriptor)
        _ = coffer_set_timeout(descriptor, 10_000)
        try socket.send(bytes)
        _ = shutdown(descriptor, Int32(SHUT_WR))
        return (try? socket.receive(limit: 1 << 20)) ?? []
    }

    @Test func hostileFramesAreRefusedAndTheServerGoesOn() async throws {
        let echo = try EchoServer { _ in .done }
        let nonsense = try ControlFrame.reply(Self.answer(to: [0, 0, 0, 3] + Array("{}}".utf8), from: echo.path))
        guard case .failure(let failure) = nonsense else { Issue.record("nonsense was accepted"); return }
        #expect(failure.code == .badCommand)
        let long = try ControlFrame.reply(Self.answer(to: [0x7F, 0xFF, 0xFF, 0xFF, 1], from: echo.path))
        guard case .failure(let other) = long else { Issue.record("a long frame was accepted"); return }
        #expect(other.message.contains("1048576"))
        #expect(try Self.answer(to: [0, 0], from: echo.path).isEmpty)
        #expect(try Self.answer(to: [0, 0, 0, 9, 1], from: echo.path).isEmpty)
        #expect(try await DiskHostClient(path: echo.path).perform(.list) == .done)
    }
}
