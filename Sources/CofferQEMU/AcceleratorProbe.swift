import CofferCore
import CofferModel
package import CofferPlatform
import FoundationEssentials
import Glibc

/// Finds out whether guests run under KVM here, by running one: a `/dev/kvm` that can be opened says little where this host is itself a
/// virtual machine. Blocks its thread.
package struct AcceleratorProbe: Sendable {
    /// What was found.
    package struct Verdict: Codable, Equatable, Sendable {
        package let worksWithKVM: Bool
        /// A sentence about it.
        package let reason: String
        /// The kernel, processor and QEMU that it was found with.
        let host: String

        package var acceleration: MachineAcceleration { MachineAcceleration(worksWithKVM ? .kvm : .tcg, reason: reason) }
    }

    private let directory: String
    private let program: String
    private let device: String
    private let limit: Duration

    /// - Parameters:
    ///   - directory: Where the verdict is kept, and the sector while it is run.
    ///   - program: The QEMU that runs it.
    ///   - device: KVM's device file.
    ///   - limit: How long a guest may take that needs a fraction of a second.
    package init(directory: String, program: String = QEMUArguments.program, device: String = "/dev/kvm", limit: Duration = .seconds(10)) {
        self.directory = directory
        self.program = program
        self.device = device
        self.limit = limit
    }

    /// The verdict of an earlier run on this host, or that of a run now.
    ///
    /// - Parameter isFresh: Whether an earlier verdict counts for nothing.
    package func verdict(isFresh: Bool = false) -> Verdict {
        let host = Self.host(program)
        if !isFresh, let bytes = FileBytes.read(path), let known = try? JSON.decode(Verdict.self, from: bytes), known.host == host { return known }
        let fault = fault()
        let verdict = Verdict(worksWithKVM: fault == nil, reason: fault ?? "a guest ran under KVM to its end", host: host)
        // Where it cannot be kept, the next start finds it out again.
        if let bytes = try? JSON.encode(verdict) { FileBytes.write(bytes, to: path) }
        return verdict
    }

    private var path: String { "\(directory)/accelerator.json" }

    /// Why guests do not run under KVM; nil if they do.
    private func fault() -> String? {
        guard unsafe access(device, R_OK | W_OK) == 0 else { return "\(device) cannot be used: \(unsafe String(cString: strerror(errno)))" }
        let sector = "\(directory)/probe-\(getpid()).bin"
        guard FileBytes.write(ProbeSector.bytes, to: sector) else { return "the probe cannot be written to \(directory)" }
        defer { _ = unsafe unlink(sector) }
        let words = [program] + Accelerator.kvm.words + [
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-m", "16",
            "-device", "isa-debug-exit,iobase=\(ProbeSector.port),iosize=4",
            "-drive", "file=\(sector.replacing(",", with: ",,")),format=raw,if=ide,snapshot=on",
        ]
        let nothing = unsafe open("/dev/null", O_WRONLY | O_CLOEXEC)
        guard nothing >= 0 else { return "/dev/null cannot be opened" }
        defer { close(nothing) }
        do {
            let process = try ProgramStart(words, family: .group).start(output: nothing, errors: nothing)
            return fault(of: process)
        } catch {
            return "\(program) cannot be started: \(unsafe String(cString: strerror(error.code)))"
        }
    }

    /// Waits for the end of the probe's process, and ends it when it takes too long.
    private func fault(of process: pid_t) -> String? {
        let end = ContinuousClock.now + limit
        var status: Int32 = 0
        while true {
            let found = unsafe waitpid(process, &status, WNOHANG)
            if found == process { break }
            if found < 0, errno != EINTR { return "the probe's process was lost" }
            if ContinuousClock.now >= end {
                kill(-process, SIGKILL)
                while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
                return "a guest under KVM did not end within \(limit.components.seconds) seconds"
            }
            usleep(20_000)
        }
        let signal = status & 0x7F
        if signal != 0 { return "QEMU under KVM was ended by signal \(signal)" }
        let code = status >> 8 & 0xFF
        return code == ProbeSector.success ? nil : "a guest under KVM ended with status \(code) instead of \(ProbeSector.success)"
    }

    /// What a verdict is good for.
    private static func host(_ program: String) -> String {
        let kernel = FileBytes.read("/proc/sys/kernel/osrelease").map { String(decoding: $0, as: UTF8.self) } ?? ""
        let processors = FileBytes.read("/proc/cpuinfo").map { String(decoding: $0, as: UTF8.self) } ?? ""
        let words = ["vendor_id", "cpu family", "model", "stepping", "microcode", "flags"]
        let lines = processors.split(separator: "\n").prefix(40).filter { line in
            words.contains(String(line.prefix { $0 != ":" }.filter { $0 != "\t" }))
        }
        let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? ""
        let places = program.contains("/") ? [program] : path.split(separator: ":").map { "\($0)/\(program)" }
        var file = stat()
        let emulator = places.first { unsafe stat($0, &file) == 0 }.map { "\($0) \(file.st_size) \(file.st_mtim.tv_sec)" } ?? "none"
        return ([kernel] + lines.map(String.init) + [emulator]).map { $0.filter { !$0.isNewline } }.joined(separator: "; ")
    }
}

/// Small files as a whole.
private enum FileBytes {
    static func read(_ path: String) -> [UInt8]? {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var all: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 16 << 10)
        while all.count < 1 << 20 {
            let got = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(file, $0.baseAddress, $0.count) }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { return got == 0 ? all : nil }
            all += bytes.prefix(got)
        }
        return all
    }

    @discardableResult
    static func write(_ bytes: [UInt8], to path: String) -> Bool {
        let new = path + ".new"
        let file = unsafe open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { return false }
        let written = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
        close(file)
        return unsafe written == bytes.count && rename(new, path) == 0
    }
}
