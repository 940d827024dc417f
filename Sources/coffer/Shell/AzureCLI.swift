import Foundation

/// The real `az`, run as a child with an installation's environment.
struct AzureCLI {
    let program: String
    let environment: ShellEnvironment

    struct Failure: Error, CustomStringConvertible {
        let arguments: [String]
        let status: Int32
        let message: String

        var description: String {
            "`az \(arguments.prefix(3).joined(separator: " "))` ended with status \(status): \(message)"
        }
    }

    /// Runs `az` and returns what it prints.
    /// - Throws: ``Failure`` with what it said if it fails or cannot be started.
    @discardableResult
    func run(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        var variables = ProcessInfo.processInfo.environment
        for (name, value) in environment.variables { variables[name] = value }
        process.environment = variables
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        try process.run()
        // az says little on stderr, far below a pipe's capacity, so reading one after the other cannot block.
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaint = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let hint = process.terminationStatus == 127 ? "\(program) was not found; ./run installs it" : complaint
            throw Failure(arguments: arguments, status: process.terminationStatus, message: hint)
        }
        return text
    }
}
