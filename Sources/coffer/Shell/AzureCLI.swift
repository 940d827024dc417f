import Foundation

/// The real `az`, run as a child with an installation's environment.
struct AzureCLI {
    let program: String
    let environment: ShellEnvironment

    static let advice = "az is not installed: scripts/setup.sh installs it privately, or ./run does it all"

    /// The `az` to use: the one given, else COFFER_AZ, else what scripts/setup.sh installed, else the one in the PATH.
    static func find(_ given: String?, in environment: [String: String]) -> String? {
        if let given { return lookUp(given, in: environment) }
        let cache = (environment["XDG_CACHE_HOME"] ?? (environment["HOME"] ?? "/root") + "/.cache") + "/coffer"
        let installed = ((try? FileManager.default.contentsOfDirectory(atPath: cache)) ?? [])
            .filter { $0.hasPrefix("az-") }.sorted().reversed().map { "\(cache)/\($0)/bin/az" }
        let candidates = [environment["COFFER_AZ"]].compactMap { $0 } + installed + ["az"]
        return candidates.lazy.compactMap { lookUp($0, in: environment) }.first
    }

    /// The path of a program, or nil if it is not there.
    static func lookUp(_ program: String, in environment: [String: String]) -> String? {
        if program.contains("/") { return FileManager.default.isExecutableFile(atPath: program) ? program : nil }
        return (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(program)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

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
