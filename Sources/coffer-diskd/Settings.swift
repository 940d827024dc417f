import CofferCrypto
import Glibc

/// What the command line asks for.
struct Settings {
    /// The data directory, absolute.
    let data: String
    /// Whether to stay in the caller's session.
    let isForeground: Bool
    /// What runs the disks' ciphers.
    let engine: XTSEngine
    /// Where disks are served over TCP and TLS, if they are.
    let secureListener: SecureListener?

    var runDirectory: String { "\(data)/run" }
    var lockPath: String { "\(runDirectory)/diskd.lock" }
    var controlPath: String { "\(runDirectory)/diskd.sock" }
    var nbdPath: String { "\(runDirectory)/nbd.sock" }
    var vhostDirectory: String { "\(runDirectory)/vhost" }
    var disksPath: String { "\(data)/disks" }
    /// Of disks that are this host's own.
    var temporaryPath: String { "\(data)/temporary" }

    /// The longest path of a Unix socket that ordinary programs can connect to, in bytes.
    static let socketPathByteCount = 107

    static let usage = """
        usage: coffer-diskd --data DIR [--foreground] [--cipher ENGINE]
                    [--nbd-listen ADDRESS:PORT --nbd-certificate FILE --nbd-key FILE --nbd-client-ca FILE]

        Serves the encrypted disks in DIR/disks over NBD at DIR/run/nbd.sock, each also to a virtual machine over vhost-user at
        DIR/run/vhost/DISK.sock, and takes commands at DIR/run/diskd.sock.
        --foreground     stay in the session of the caller, for terminals and service supervisors
        --cipher ENGINE  what runs AES-XTS: auto, the fastest here and the default; openssl; aesni; vaes256; vaes512
        --nbd-listen ADDRESS:PORT  serve the disks over TCP too, with TLS alone; the files are PEM: the server's certificate, its key
                         (mode 0600), and the authority of the clients' certificates. A client may open the export that its
                         certificate has as common name, and with the name * all.

        """

    /// - Throws: ``Exit`` with what is wrong with `arguments`, which leave out the program's name.
    init(_ arguments: [String]) throws(Exit) {
        var data: String?
        var isForeground = false
        var engine = XTSEngine.fastest
        var secure: [String: String] = [:]
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--data":
                guard let value = rest.popFirst() else { throw .usage("--data needs a directory") }
                data = value
            case "--foreground": isForeground = true
            case "--cipher": engine = try Self.engine(rest.popFirst())
            case "--nbd-listen", "--nbd-certificate", "--nbd-key", "--nbd-client-ca":
                guard let value = rest.popFirst() else { throw .usage("\(argument) needs a value") }
                secure[argument] = value
            case "--help", "-h": throw .help
            default: throw .usage("unknown argument \(argument)")
            }
        }
        guard let data, !data.isEmpty else { throw .usage("--data is missing") }
        self.isForeground = isForeground
        self.engine = engine
        secureListener = try secure.isEmpty ? nil : SecureListener(secure)
        self.data = try Self.prepare(data)
        guard nbdPath.utf8.count <= Self.socketPathByteCount else {
            throw Exit(
                78, "the socket \(nbdPath) has a path of \(nbdPath.utf8.count) bytes, and clients such as QEMU can use at most "
                    + "\(Self.socketPathByteCount): choose a data directory with a shorter path")
        }
    }

    private static func engine(_ word: String?) throws(Exit) -> XTSEngine {
        guard let word else { throw .usage("--cipher needs the name of an engine") }
        if word == "auto" { return .fastest }
        guard let engine = XTSEngine(rawValue: word) else { throw .usage("unknown engine \(word)") }
        guard engine.isAvailable else { throw Exit(69, "this processor cannot run the engine \(word)") }
        return engine
    }

    /// Makes the directories and gives the data directory's absolute path.
    private static func prepare(_ data: String) throws(Exit) -> String {
        try make(data)
        guard let resolved = unsafe realpath(data, nil) else { throw Exit(66, "\(data): \(unsafe String(cString: strerror(errno)))") }
        defer { unsafe free(resolved) }
        let path = unsafe String(cString: resolved)
        try make("\(path)/run")
        return path
    }

    private static func make(_ directory: String) throws(Exit) {
        guard unsafe mkdir(directory, 0o700) == 0 || errno == EEXIST else {
            throw Exit(73, "\(directory): \(unsafe String(cString: strerror(errno)))")
        }
    }
}

/// Why the process ends, with the exit status of sysexits.h.
struct Exit: Error {
    let status: Int32
    let message: String

    init(_ status: Int32, _ message: String) {
        self.status = status
        self.message = message
    }

    static func usage(_ message: String) -> Exit { Exit(64, "\(message)\n\(Settings.usage)") }
    static var help: Exit { Exit(0, Settings.usage) }
}
