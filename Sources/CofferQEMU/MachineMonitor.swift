import CofferModel
import CofferPlatform

/// A connection to a machine's QEMU (QEMU Machine Protocol). Blocks its thread.
struct MachineMonitor {
    private let socket: LineSocket

    /// - Throws: ``LineSocket/Failure`` if there is no QEMU or it does not answer in time.
    init(path: String, timeout: Duration = .seconds(10)) throws {
        socket = try LineSocket(path: path, timeout: timeout)
        guard try socket.receive()["QMP"] != nil else { throw LineSocket.Failure.malformed }
        _ = try execute("qmp_capabilities")
    }

    /// Has QEMU do a command.
    ///
    /// - Returns: What it returned.
    /// - Throws: ``MachineFailure`` with QEMU's reason, ``LineSocket/Failure``.
    @discardableResult
    func execute(_ command: String, _ arguments: [String: JSONValue] = [:]) throws -> JSONValue {
        try socket.send(["execute": .string(command), "arguments": .object(arguments)])
        while true {
            let message = try socket.receive()
            if let error = message["error"] {
                throw MachineFailure(.system, "QEMU refused '\(command)': \(error["desc"]?.string ?? "it gave no reason")")
            }
            if case .object(let members) = message, let value = members["return"] { return value }
        }
    }

    /// Has QEMU do a command of its monitor for people, for what there is no other; what it says.
    func say(_ command: String) throws -> String {
        try execute("human-monitor-command", ["command-line": .string(command)]).string ?? ""
    }

    /// Waits until a device that was told to go is gone.
    ///
    /// - Throws: ``LineSocket/Failure/timeout`` if the guest does not let go of it.
    func awaitRemoval(of device: String, within limit: Duration) throws {
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            socket.setTimeout(end - ContinuousClock.now)
            let message = try socket.receive()
            if message["event"]?.string == "DEVICE_DELETED", message["data"]?["device"]?.string == device { return }
        }
        throw LineSocket.Failure.timeout
    }
}
