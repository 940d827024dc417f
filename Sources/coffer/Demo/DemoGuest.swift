import Foundation

/// A small Linux machine under QEMU that does one job with a disk and says what came of it (guest/init).
final class DemoGuest {
    /// A disk of the guest, as QEMU arguments.
    enum Disk {
        /// The arguments that `coffer disk attach` gave.
        case attached([String])
        /// A plain file. `serial` tells the guest what it is for.
        case file(String, serial: String?, isReadOnly: Bool)
    }

    private let process: Process
    private let console: String
    private let input = Pipe()
    private let job: String

    /// Boots it.
    ///
    /// - Parameter parameters: The words after `coffer.` on the kernel command line, `job` first.
    init(tools: DemoTools, parameters: [(name: String, value: String)], disks: [Disk]) throws(DemoFailure) {
        job = parameters.first?.value ?? ""
        console = tools.directory.file("guest-\(job)-\(UUID().uuidString.prefix(4)).log")
        let line = ["console=ttyS0", "quiet", "loglevel=1", "panic=-1"] + parameters.map { "coffer.\($0.name)=\($0.value)" }
        let arguments = [
            "-accel", "tcg", "-cpu", "max", "-machine", "q35", "-m", "256", "-smp", "1", "-nodefaults", "-no-user-config",
            "-display", "none", "-no-reboot", "-serial", "stdio",
            "-kernel", tools.kernel, "-initrd", tools.initrd, "-append", line.joined(separator: " "),
        ]
        let diskArguments = disks.enumerated().flatMap { Self.arguments($1, index: $0) }
        DemoTerminal.command(["qemu-system-x86_64"] + diskArguments, suffix: " … coffer.job=\(job)")
        process = try tools.start("qemu-system-x86_64", arguments + diskArguments, output: console, errors: console, input: input)
    }

    /// Waits for the end of the job.
    ///
    /// - Returns: Its `COFFER key=value` lines.
    /// - Throws: ``DemoFailure`` if the guest does not end in `timeout` seconds.
    func finish(timeout: TimeInterval = 120) throws(DemoFailure) -> [String: String] {
        let deadline = Date(timeIntervalSinceNow: timeout)
        while process.isRunning {
            if Date() > deadline {
                kill(process.processIdentifier, SIGKILL)
                throw DemoFailure("the guest did not finish \(job) in \(Int(timeout)) s; its last words: \(lines().suffix(3))")
            }
            usleep(50_000)
        }
        return Dictionary(
            lines().compactMap { line in
                let parts = line.split(separator: "=", maxSplits: 1)
                return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
            },
            uniquingKeysWith: { _, last in last }
        )
    }

    /// As ``finish(timeout:)``, for jobs that must succeed.
    func succeed() throws(DemoFailure) -> [String: String] {
        let said = try finish()
        let words = "the guest's \(job) failed: \(said["error"] ?? String(DemoTools.text(console).suffix(400)))"
        try DemoFailure.unless(said["result"] == "ok", words)
        return said
    }

    /// Waits until the guest has said another `count` lines that begin with `prefix`.
    ///
    /// - Returns: The last of them.
    func wait(for prefix: String, count: Int, timeout: TimeInterval) throws(DemoFailure) -> String {
        let before = lines().count { $0.hasPrefix(prefix) }
        let deadline = Date(timeIntervalSinceNow: timeout)
        while true {
            let found = lines().filter { $0.hasPrefix(prefix) }
            if found.count >= before + count, let last = found.last { return String(last) }
            try DemoFailure.unless(process.isRunning, "the guest ended before it said \(prefix): \(lines().suffix(3))")
            try DemoFailure.unless(Date() < deadline, "the guest did not say \(prefix) in \(Int(timeout)) s: \(lines().suffix(3))")
            usleep(50_000)
        }
    }

    /// Ends the job that goes on until told.
    func stop() { try? input.fileHandleForWriting.write(contentsOf: Data("stop\n".utf8)) }

    /// What stands after `COFFER ` on each line of the console.
    private func lines() -> [Substring] {
        DemoTools.text(console).split(whereSeparator: \.isNewline).filter { $0.hasPrefix("COFFER ") }.map { $0.dropFirst(7) }
    }

    private static func arguments(_ disk: Disk, index: Int) -> [String] {
        switch disk {
        case .attached(let arguments): return arguments
        case .file(let path, let serial, let isReadOnly):
            let id = "demo\(index)"
            let drive = "file=\(path),format=raw,if=none,id=\(id),cache=none" + (isReadOnly ? ",readonly=on" : "")
            return ["-drive", drive, "-device", "virtio-blk-pci,drive=\(id)" + (serial.map { ",serial=\($0)" } ?? "")]
        }
    }
}
