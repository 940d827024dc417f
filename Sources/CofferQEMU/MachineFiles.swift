import CofferPlatform
import Glibc

/// Where the files of a machine lie.
struct MachineFiles: Sendable {
    /// The machine's directory, which QEMU works in: its sockets are named relative to it, as their paths may be too long for a socket.
    let directory: String
    let machine: MachineID

    static let agentSocketName = "agent.sock"
    static let controlSocketName = "qmp.sock"
    static let processFileName = "pid"

    /// - Parameter root: The directory of all machines' directories.
    init(_ machine: MachineID, in root: String) {
        self.machine = machine
        directory = "\(root)/\(machine.text)"
    }

    var agentSocket: String { "\(directory)/\(Self.agentSocketName)" }
    var controlSocket: String { "\(directory)/\(Self.controlSocketName)" }
    /// The metadata service's, which is not QEMU's.
    private var metadataSocket: String { "\(directory)/metadata.sock" }
    var log: String { "\(directory)/qemu.log" }
    var console: String { "\(directory)/console.log" }
    private var processFile: String { "\(directory)/\(Self.processFileName)" }
    /// Which taps the machine has, or had, a line for each.
    private var tapsFile: String { "\(directory)/taps" }

    /// Of all machines whose directories there are.
    static func all(in root: String) -> [MachineFiles] {
        guard let list = unsafe opendir(root) else { return [] }
        defer { unsafe closedir(list) }
        var found: [MachineFiles] = []
        while let entry = unsafe readdir(list) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if let machine = MachineID(name) { found.append(MachineFiles(machine, in: root)) }
        }
        return found
    }

    /// One of a tap's files, by its extension.
    func file(of card: TapCard, _ name: String) -> String { "\(directory)/\(card.device).\(name)" }

    /// The taps that were written down.
    var taps: [TapCard] { (Self.read(tapsFile, limit: 64 << 10) ?? "").split(separator: "\n").compactMap { TapCard(line: $0) } }

    /// Where this host reaches a port of a machine with taps; nil if there is no such interface.
    func endpoint(of port: GuestPort) -> HostEndpoint? {
        taps.first { $0.address == port.privateAddress }.map { HostEndpoint(address: $0.address, port: port.number, in: $0.network) }
    }

    func write(taps: [TapCard]) throws(MachineFailure) { try Self.write(taps.map { $0.line + "\n" }.joined(), to: tapsFile) }

    /// - Returns: The path.
    func write(rules: String, of card: TapCard) throws(MachineFailure) -> String {
        let path = file(of: card, "nft")
        try Self.write(rules, to: path)
        return path
    }

    /// Forgets taps of which nothing is left.
    func removeTaps() {
        for card in taps { for name in ["pid", "log", "nft"] { _ = unsafe unlink(file(of: card, name)) } }
        _ = unsafe unlink(tapsFile)
    }

    /// Makes the directory, and takes away what an earlier process left in it that would be mistaken for the next one's.
    ///
    /// - Throws: ``MachineFailure``.
    func prepare() throws(MachineFailure) {
        let root = directory.dropLast(machine.text.utf8.count + 1)
        for path in [String(root), directory] where unsafe mkdir(path, 0o700) != 0 && errno != EEXIST {
            throw MachineFailure(.system, "\(path) cannot be made: \(unsafe String(cString: strerror(errno)))")
        }
        for path in [agentSocket, controlSocket, processFile, log] { _ = unsafe unlink(path) }
    }

    /// Takes everything away.
    func remove() {
        removeTaps()
        for path in [agentSocket, controlSocket, processFile, log, console, metadataSocket] { _ = unsafe unlink(path) }
        _ = unsafe rmdir(directory)
    }

    /// The process that runs the machine; nil if there is none. A process of the same number that is none of ours is not taken for it.
    var process: pid_t? { Self.process(in: processFile, saying: machine.text) }

    /// The process whose number is in a file, if `words` are in its command line.
    static func process(in path: String, saying words: String) -> pid_t? {
        guard let text = read(path, limit: 32), let process = pid_t(text.filter(\.isNumber)), process > 1 else { return nil }
        // A process that has ended and was not waited for yet has no command line.
        guard let line = read("/proc/\(process)/cmdline", limit: 64 << 10), line.contains(words) else { return nil }
        return process
    }

    /// How a process runs its machine's processors, by its command line; nil if it is gone.
    static func accelerator(of process: pid_t) -> Accelerator? {
        let words = read("/proc/\(process)/cmdline", limit: 64 << 10)?.split(separator: "\0") ?? []
        guard let place = words.firstIndex(of: "-accel"), place + 1 < words.count else { return nil }
        return Accelerator(rawValue: String(words[place + 1]))
    }

    /// What QEMU complained of, in one line.
    var complaint: String {
        let lines = (Self.read(log, limit: 64 << 10) ?? "").split(whereSeparator: \.isNewline)
        return lines.last.map { String($0.suffix(500)) } ?? "QEMU gave no reason"
    }

    private static func write(_ text: String, to path: String) throws(MachineFailure) {
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw MachineFailure(.system, "\(path): \(unsafe String(cString: strerror(errno)))") }
        defer { close(file) }
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            let put = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress?.advanced(by: done), bytes.count - done) }
            if put < 0, errno == EINTR { continue }
            guard put > 0 else { throw MachineFailure(.system, "\(path): \(unsafe String(cString: strerror(errno)))") }
            done += put
        }
    }

    /// The first bytes of a file as text; nil if it cannot be read.
    private static func read(_ path: String, limit: Int) -> String? {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(file, $0.baseAddress, $0.count) }
        guard count >= 0 else { return nil }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
