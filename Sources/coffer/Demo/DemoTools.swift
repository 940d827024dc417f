import CofferModel
import Foundation

/// The programs that the demo uses, and the environment it gives them.
final class DemoTools {
    let directory: DemoDirectory
    /// This program.
    let coffer: String
    private let az: String
    private let guestDirectory: String
    private var environment: [String: String]
    private var commandCount = 0

    /// - Throws: ``DemoFailure`` naming what is not installed and how to get it.
    init(az: String?, guest: String?, directory: DemoDirectory) throws(DemoFailure) {
        self.directory = directory
        guard let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else {
            throw DemoFailure("/proc is not mounted")
        }
        coffer = own
        environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("AZURE_") }
        environment[DemoDirectory.variable] = directory.path
        self.az = try Self.findAz(az, environment: environment)
        guestDirectory = try Self.findGuest(guest, executable: own)
        guard AzureCLI.lookUp("qemu-system-x86_64", in: environment) != nil else {
            throw DemoFailure("qemu-system-x86_64 is not installed: apt-get install qemu-system-x86, or ./run does it all")
        }
        // `coffer login` looks for az in these two places.
        let directoryOfAz = URL(fileURLWithPath: self.az).deletingLastPathComponent().path
        environment["PATH"] = directoryOfAz + ":" + (environment["PATH"] ?? "/usr/bin:/bin")
        environment["COFFER_AZ"] = self.az
        environment["AZURE_CORE_COLLECT_TELEMETRY"] = "false"
    }

    var kernel: String { guestDirectory + "/vmlinuz" }
    var initrd: String { guestDirectory + "/initrd.img" }

    /// Adds what `coffer env` printed: lines `export NAME=value`.
    func adopt(exports: String) {
        for line in exports.split(separator: "\n") where line.hasPrefix("export ") {
            let parts = line.dropFirst(7).split(separator: "=", maxSplits: 1)
            guard let name = parts.first else { continue }
            let value = parts.count > 1 ? String(parts[1]) : ""
            environment[String(name)] = value.trimmingCharacters(in: CharacterSet(charactersIn: "'\""))
        }
    }

    /// Sets a variable for what is started from now on.
    func export(_ name: String, _ value: String) { environment[name] = value }

    /// - Throws: ``DemoFailure`` if `coffer env` did not print it.
    func exported(_ names: String...) throws(DemoFailure) -> String {
        for name in names {
            if let value = environment[name], !value.isEmpty { return value }
        }
        throw DemoFailure("coffer env exports no \(names[0])")
    }

    // MARK: Running

    /// Starts `program` with its output going to files of the throwaway directory.
    func start(_ program: String, _ arguments: [String], output: String, errors: String, input: Pipe? = nil) throws(DemoFailure) -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: AzureCLI.lookUp(program, in: environment) ?? program)
        process.arguments = arguments
        process.environment = environment
        process.standardOutput = try Self.writable(output)
        process.standardError = output == errors ? process.standardOutput : try Self.writable(errors)
        process.standardInput = input ?? FileHandle.nullDevice
        do { try process.run() } catch { throw DemoFailure("\(program) cannot be started: \(error)") }
        return process
    }

    /// Runs a command to its end, showing it first.
    func run(_ program: String, _ arguments: [String], isShown: Bool = true) throws(DemoFailure) -> DemoResult {
        if isShown { DemoTerminal.command([program] + arguments) }
        commandCount += 1
        let name = directory.file("command-\(commandCount)")
        let executable = switch program {
        case "az": az
        case "coffer": coffer
        default: program
        }
        let process = try start(executable, arguments, output: name + ".out", errors: name + ".err")
        process.waitUntilExit()
        let result = DemoResult(
            status: process.terminationStatus, output: Self.text(name + ".out"), errors: Self.text(name + ".err")
        )
        for suffix in [".out", ".err"] where !directory.isKept { try? FileManager.default.removeItem(atPath: name + suffix) }
        return result
    }

    /// Runs `az` or `coffer` and takes what it prints as JSON; `null` if it prints nothing.
    ///
    /// - Throws: ``DemoFailure`` with the program's own words if it ends with another status than 0.
    @discardableResult
    func json(_ program: String, _ arguments: [String], isShown: Bool = true) throws(DemoFailure) -> JSONValue {
        let result = try run(program, arguments, isShown: isShown)
        try DemoFailure.unless(result.status == 0, "\(program) \(arguments.prefix(3).joined(separator: " ")): \(result.complaint)")
        if result.output.isEmpty { return .null }
        guard let value = try? JSON.decode(JSONValue.self, from: Array(result.output.utf8)) else {
            throw DemoFailure("\(program) printed no JSON: \(result.output.prefix(200))")
        }
        return value
    }

    static func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }

    // MARK: Finding

    private static func writable(_ path: String) throws(DemoFailure) -> FileHandle {
        guard FileManager.default.createFile(atPath: path, contents: nil), let handle = FileHandle(forWritingAtPath: path) else {
            throw DemoFailure("\(path) cannot be written")
        }
        return handle
    }

    private static func findAz(_ given: String?, environment: [String: String]) throws(DemoFailure) -> String {
        guard let found = AzureCLI.find(given, in: environment) else {
            throw DemoFailure(given.map { "there is no \($0)" } ?? AzureCLI.advice)
        }
        return found
    }

    private static func findGuest(_ given: String?, executable: String) throws(DemoFailure) -> String {
        var candidates: [String] = []
        if let given {
            candidates = [given]
        } else {
            var folder = URL(fileURLWithPath: executable).deletingLastPathComponent()
            while folder.path != "/" {
                candidates.append(folder.path + "/guest")
                folder.deleteLastPathComponent()
            }
        }
        guard let found = candidates.first(where: { FileManager.default.fileExists(atPath: $0 + "/initrd.img") }) else {
            throw DemoFailure("the guest is not built: guest/build.sh .build/guest builds it, or ./run does it all")
        }
        return found
    }
}

/// What became of a command.
struct DemoResult {
    let status: Int32
    let output: String
    let errors: String

    /// What the program said of its failure, in one line.
    var complaint: String {
        let lines = (errors.isEmpty ? output : errors).split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        return lines.filter { !$0.isEmpty && !$0.hasPrefix("WARNING") }.suffix(3).joined(separator: " / ")
    }
}
