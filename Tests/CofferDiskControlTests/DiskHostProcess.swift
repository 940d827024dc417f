import CofferCore
import CofferCrypto
@testable import CofferDiskControl
import CofferModel
import CofferTesting
import Foundation
import Testing

/// A coffer-diskd of its own for one test.
final class DiskHostProcess {
    let data: String
    private(set) var process: ToolProcess
    let client: DiskHostClient
    private let ownsData: Bool

    /// The program, which is built beside the tests.
    static let program = Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent().path.appending("/coffer-diskd") ?? ""

    private let role: String

    /// - Parameter data: A data directory, or nil for a new one that goes with this object.
    init(data: String? = nil, role: String = "both") async throws {
        ownsData = data == nil
        self.role = role
        self.data = data ?? "/tmp/coffer-diskd-\(UUID().uuidString.prefix(8))"
        client = DiskHostClient(path: "\(self.data)/run/\(role == "host" ? "hostd" : "diskd").sock", timeout: .seconds(30))
        process = try Self.start(self.data, role)
        try await waitUntilReady()
    }

    deinit {
        process.send(SIGTERM)
        process.end()
        if ownsData { try? FileManager.default.removeItem(atPath: data) }
    }

    private static func start(_ data: String, _ role: String) throws -> ToolProcess {
        try ToolProcess([program, "--data", data, "--foreground", "--role", role])
    }

    /// Asks until the host answers.
    private func waitUntilReady() async throws {
        for _ in 0..<1000 {
            if (try? await client.perform(.hello(version: DiskControlVersion.current))) != nil { return }
            guard process.isRunning else { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw DiskFailure(.system, "coffer-diskd did not start")
    }

    func restart() async throws {
        process = try Self.start(data, role)
        try await waitUntilReady()
    }

    func killed() {
        process.send(SIGKILL)
        process.end()
    }

    /// Ends the process as an operator does.
    ///
    /// - Returns: Its exit status.
    func terminated() -> Int32 {
        process.send(SIGTERM)
        return process.end()
    }

    // MARK: Commands

    func greeting() async throws -> DiskHostGreeting {
        guard case .greeting(let greeting) = try await client.perform(.hello(version: DiskControlVersion.current)) else { throw DiskFailure(.system, "no greeting") }
        return greeting
    }

    /// A command that is answered with a disk's status.
    func status(_ command: DiskCommand) async throws -> DiskStatus {
        guard case .disk(let status) = try await client.perform(command) else { throw DiskFailure(.system, "no status") }
        return status
    }

    /// `key` as the process that runs now can read it.
    func seal(_ key: TestKey, for disk: DiskID, layer: Int) async throws -> SealedKey {
        let recipient = try await greeting().recipientKey
        let box = try key.secret().withBytes { bytes in
            try HPKE.seal(bytes, to: recipient, info: SealedKey.purpose, authenticating: SealedKey.binding(disk: disk, layer: layer))
        }
        return SealedKey(box: box)
    }

    func seal(_ keys: [TestKey], for disk: DiskID) async throws -> [SealedKey] {
        var sealed: [SealedKey] = []
        for (layer, key) in keys.enumerated() { sealed.append(try await seal(key, for: disk, layer: layer)) }
        return sealed
    }

    /// Makes a disk under `keys`, whose wrapped forms are made up.
    func create(_ disk: DiskID, byteCount: UInt64 = 1 << 20, keys: [TestKey]) async throws -> DiskStatus {
        try await status(.create(disk: disk, byteCount: byteCount, layers: keys.map { _ in .test(1) }, keys: seal(keys, for: disk)))
    }

    func open(_ disk: DiskID, keys: [TestKey]) async throws -> DiskStatus {
        try await status(.open(disk: disk, keys: seal(keys, for: disk), isReadOnly: false))
    }
}

/// A data key that tests can make again.
enum TestKey: Int {
    case first = 3, second = 5, third = 7, fourth = 11

    func secret() -> SecretBytes {
        var bytes = (0..<64).map { UInt8(truncatingIfNeeded: $0 * rawValue + rawValue) }
        return SecretBytes(wiping: &bytes)
    }
}

extension DiskLayer {
    static func test(_ version: Int) -> DiskLayer {
        DiskLayer(keyID: "platform:\(version)", algorithm: "A256KW", wrappedKey: [UInt8](repeating: UInt8(truncatingIfNeeded: version), count: 72))
    }
}

extension DiskID {
    static func test(_ number: UInt8) -> DiskID {
        guard let id = DiskID(bytes: [UInt8](repeating: number, count: 16)) else { preconditionFailure("16 bytes are an id") }
        return id
    }
}
