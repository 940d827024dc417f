import CofferBlock
import CofferCrypto
import CofferDiskLink
import CofferModel
import CofferRBD
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
    let role: DiskHostRole
    /// Where a host's storage service is; nil for where the service says that it is.
    let storage: LinkAddress?
    /// How large the cache of a disk may become at a host, in bytes.
    let cacheByteCount: UInt64
    /// The Ceph pool that has the disks, and how it is reached; nil for the data directory.
    let pool: (name: RBDPoolName, access: RBDPool.Access)?

    var runDirectory: String { "\(data)/run" }
    var lockPath: String { "\(runDirectory)/\(word).lock" }
    var controlPath: String { "\(runDirectory)/\(word).sock" }
    var nbdPath: String { "\(runDirectory)/\(role == .host ? "hostnbd" : "nbd").sock" }
    private var word: String { role == .host ? "hostd" : "diskd" }
    var vhostDirectory: String { "\(runDirectory)/vhost" }
    var disksPath: String { "\(data)/disks" }
    /// Of disks that are this host's own.
    var temporaryPath: String { "\(data)/temporary" }
    /// Of what a host has of its storage service's disks.
    var cachePath: String { "\(data)/cache" }

    /// The longest path of a Unix socket that ordinary programs can connect to, in bytes.
    static let socketPathByteCount = 107

    static let usage = """
        usage: coffer-diskd --data DIR [--foreground] [--cipher ENGINE] [--role ROLE] [--storage URI] [--cache-bytes N]
                    [--disk-store rbd:POOL[/NAMESPACE] --ceph-conf FILE [--ceph-user NAME]]
                    [--nbd-listen ADDRESS:PORT --nbd-certificate FILE --nbd-key FILE --nbd-client-ca FILE]

        Serves the encrypted disks in DIR/disks over NBD at DIR/run/nbd.sock, each also to a virtual machine over vhost-user at
        DIR/run/vhost/DISK.sock, and takes commands at DIR/run/diskd.sock.
        --foreground     stay in the session of the caller, for terminals and service supervisors
        --cipher ENGINE  what runs AES-XTS: auto, the fastest here and the default; openssl; aesni; vaes256; vaes512
        --nbd-listen ADDRESS:PORT  serve the disks over TCP too, with TLS alone; the files are PEM: the server's certificate, its key
                         (mode 0600), and the authority of the clients' certificates. A client may open the export that its
                         certificate has as common name, and with the name * all.
        --role ROLE      both, the default; storage, which has the disks and serves no virtual machine; or host, which serves them
                         to virtual machines, takes commands at DIR/run/hostd.sock and has the machines' temporary disks
        --storage URI    where a host finds its storage service: nbd+unix:///?socket=PATH, or on another machine
                         nbds://HOST:PORT/?tls-certificates=DIRECTORY with what coffer disk certificate host wrote; otherwise where that
                         says it is
        --disk-store rbd:POOL[/NAMESPACE]  keep the disks as RBD images in this pool of a Ceph cluster, and not in DIR/disks; --ceph-conf is the
                         cluster's ceph.conf, --ceph-user the Ceph user, client.admin by default, whose keyring the conf names
        --cache-bytes N  how much of a disk that is cached a host may keep, 1073741824 by default

        """

    /// - Throws: ``Exit`` with what is wrong with `arguments`, which leave out the program's name.
    init(_ arguments: [String]) throws(Exit) {
        var data: String?
        var isForeground = false
        var engine = XTSEngine.fastest
        var (secure, ceph): ([String: String], [String: String]) = ([:], [:])
        var (role, storage, cacheByteCount): (DiskHostRole, LinkAddress?, UInt64) = (.both, nil, HostCache.Limits.standard.byteCount)
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
            case "--disk-store", "--ceph-conf", "--ceph-user":
                guard let value = rest.popFirst() else { throw .usage("\(argument) needs a value") }
                ceph[argument] = value
            case "--role":
                guard let value = rest.popFirst().flatMap(DiskHostRole.init(rawValue:)) else { throw .usage("--role is both, storage or host") }
                role = value
            case "--storage":
                guard let value = rest.popFirst().flatMap(LinkAddress.init(uri:)) else {
                    throw .usage(
                        "--storage needs a URI such as nbd+unix:///?socket=/run/nbd.sock, or nbds://storage.example:10809/?tls-certificates=/etc/coffer/link; "
                            + "over TCP there is nothing without TLS")
                }
                storage = value
            case "--cache-bytes":
                guard let value = rest.popFirst().flatMap({ UInt64($0) }), value >= 1 << 20 else { throw .usage("--cache-bytes needs a number from 1048576") }
                cacheByteCount = value
            case "--help", "-h": throw .help
            default: throw .usage("unknown argument \(argument)")
            }
        }
        guard let data, !data.isEmpty else { throw .usage("--data is missing") }
        guard storage == nil || role == .host else { throw .usage("--storage is for the role host") }
        pool = try Self.pool(ceph)
        guard pool == nil || role != .host else { throw .usage("--disk-store is for the process that has the disks") }
        self.role = role
        self.storage = storage
        self.cacheByteCount = cacheByteCount
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

    private static func pool(_ words: [String: String]) throws(Exit) -> (name: RBDPoolName, access: RBDPool.Access)? {
        guard let text = words["--disk-store"] else {
            guard words.isEmpty else { throw .usage("--ceph-conf and --ceph-user are for --disk-store") }
            return nil
        }
        guard let name = RBDPoolName(text) else { throw .usage("--disk-store needs rbd:POOL or rbd:POOL/NAMESPACE") }
        guard let conf = words["--ceph-conf"] else { throw .usage("--disk-store \(text) needs the cluster's --ceph-conf") }
        return (name, RBDPool.Access(conf: conf, user: words["--ceph-user"]))
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

    static func make(_ directory: String) throws(Exit) {
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
