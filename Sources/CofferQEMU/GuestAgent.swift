import CofferModel
import CofferPlatform
import FoundationEssentials
import Glibc

/// A connection to the agent in a guest (QEMU Guest Agent protocol). Blocks its thread.
struct GuestAgent {
    /// In front of a synchronisation and of its answer: a byte that no text has.
    static let mark: UInt8 = 0xFF

    private let socket: LineSocket

    /// Connects and waits until the agent answers.
    ///
    /// - Throws: ``MachineFailure`` with `guestUnavailable` if it does not within `patience`.
    init(path: String, patience: Duration) throws {
        let end = ContinuousClock.now + patience
        var isFirst = true
        repeat {
            if !isFirst { Self.rest() }
            isFirst = false
            // An agent that is not there yet answers late, to a question of long ago: each attempt has a connection and a number of its own.
            guard let socket = try? LineSocket(path: path, timeout: .seconds(2)) else { continue }
            if (try? Self.synchronise(socket)) == true {
                self.socket = socket
                return
            }
        } while ContinuousClock.now < end
        throw MachineFailure(
            .guestUnavailable, "no guest agent answers: the guest has not started yet, or 'qemu-guest-agent' does not run in it")
    }

    private static func rest() {
        usleep(250_000)
    }

    private static func synchronise(_ socket: LineSocket) throws -> Bool {
        let number = Int64.random(in: 1...Int64(Int32.max))
        try socket.send(["execute": "guest-sync-delimited", "arguments": ["id": .int(number)]], mark: [mark])
        let end = ContinuousClock.now + .seconds(2)
        while ContinuousClock.now < end {
            if (try? socket.receive())?["return"]?.int == number { return true }
        }
        return false
    }

    /// Runs a script with /bin/sh and waits for its end.
    ///
    /// - Throws: ``MachineFailure``.
    func run(_ script: String, within limit: Duration) throws -> GuestOutput {
        socket.setTimeout(.seconds(30))
        let process = try execute("guest-exec", ["path": "/bin/sh", "arg": ["-c", .string(script)], "capture-output": true])
        guard let pid = process["pid"]?.int else { throw MachineFailure(.system, "the guest agent started the script and named no process") }
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            let status = try execute("guest-exec-status", ["pid": .int(pid)])
            if status["exited"]?.bool == true {
                return GuestOutput(
                    status: Int(clamping: status["exitcode"]?.int ?? 128 + (status["signal"]?.int ?? 0)), output: bytes(status["out-data"]),
                    errors: bytes(status["err-data"]))
            }
            Self.rest()
        }
        throw MachineFailure(.system, "the script did not end within \(limit.components.seconds) seconds; it goes on in the guest")
    }

    private func bytes(_ value: JSONValue?) -> [UInt8] {
        Array((value?.string.flatMap { Data(base64Encoded: $0) } ?? Data()).prefix(1 << 20))
    }

    private func execute(_ command: String, _ arguments: JSONValue) throws -> JSONValue {
        try socket.send(["execute": .string(command), "arguments": arguments])
        let answer = try socket.receive()
        if let error = answer["error"] {
            throw MachineFailure(.system, "the guest agent refused '\(command)': \(error["desc"]?.string ?? "it gave no reason")")
        }
        guard let value = answer["return"] else { throw MachineFailure(.system, "the guest agent gave no answer to '\(command)'") }
        return value
    }
}
