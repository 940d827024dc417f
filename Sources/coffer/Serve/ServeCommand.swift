import ArgumentParser
import CofferClient
import CofferCore
import CofferCrypto
import CofferModel
import CofferNetwork
import CofferPlatform
import Foundation
import Glibc
import Logging
import NIOCore

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the control plane: vaults, disk encryption sets and disks behind one HTTPS port.",
        discussion: """
            Stays in the foreground, prints one line beginning "ready" when it answers, and logs JSON lines to standard error. The first
            start makes a certification authority, a tenant, a subscription, an administrator and a root key in the data directory.
            SIGTERM lets requests in flight finish and syncs all disks; attached disks are served on by coffer-diskd.
            Exit codes: 75 another process is in the way, 78 the data directory does not fit.
            """
    )

    @OptionGroup var data: DataOption

    @Option(help: "The HTTPS port.")
    var port: Int = 8443

    @Option(help: "The address to listen on.")
    var listen: String = "127.0.0.1"

    @Option(help: "sqlite, or the URL of a PostgreSQL database: postgres://USER@HOST/DATABASE.")
    var store: String = "sqlite"

    @Option(help: "What may be combined with what: 2021 (the stricter, as Azure was described then) or current.")
    var rules: RuleSetOption = .y2021

    @Option(help: "The region that resources are placed in by default.")
    var region: String = "uksouth"

    @Option(help: "The directory whose files, raw, qcow2, VHD, VHDX and VMDK, disks may be imported from by file:// URIs. None if left out.")
    var importDirectory: String?

    @Option(help: "The part of the loopback network that new public IP addresses are taken from.")
    var publicNetwork: String = "127.42.0.0/16"

    @Option(help: "What virtual machines are joined to: user is a closed network of each one's own; taps, for root alone, lets guests of a virtual network reach each other as its security groups allow.")
    var network = NetworkOption.user

    @Option(help: "How virtual machines' processors are run: auto is kvm where a guest was seen to run under it, and tcg elsewhere.")
    var accelerator = AcceleratorOption.auto

    @Flag(help: "Try again whether guests run under KVM, instead of believing what an earlier start found out.")
    var probeAccelerator = false

    @Flag(help: "Refuse what exceeds the limits that Azure publishes for a vault and a subscription, with 429 and Retry-After.")
    var throttle = false

    @Flag(help: "Hold attached disks to the operations and megabytes a second of their SKU, size and tier, as Azure publishes them.")
    var enforceDiskLimits = false

    @Option(help: "What runs the disks' AES-XTS in a disk host that is started: auto is the fastest here.")
    var diskCipher = DiskCipherOption.auto

    @Option(help: "Whether one process is the disks' storage service and the host of virtual machines (together), or two are (apart), with host caches.")
    var diskRoles = DiskRolesOption.together

    @Option(help: "Where the host finds the storage service with --disk-roles apart: nbd+unix:///?socket=PATH, or nbds://HOST:PORT/?tls-certificates=DIRECTORY for the address of --disk-listen. Where that is, if left out.")
    var storageLink: String?

    @Option(help: "Serve attached disks over TCP too, with TLS alone, at this ADDRESS:PORT. Clients show certificates: coffer disk certificate.")
    var diskListen: String?

    @Option(help: "The PEM file of the certificate that disks are served with. The installation's own if left out.")
    var diskCertificate: String?

    @Option(help: "The PEM file of its key, mode 0600.")
    var diskKey: String?

    @Option(help: "The PEM file of who issues clients' certificates, each of which names a disk's export, or * for all. The installation if left out.")
    var diskClientCa: String?

    @OptionGroup(title: "Disks in Ceph") var diskStore: DiskStoreOptions

    @OptionGroup(title: "Hardware token") var token: TokenOptions

    @Flag(help: "Let clients move the clock forward by POST /coffer/clock. For tests only.")
    var testClock = false

    @Flag(help: .init("Record nothing. Only for measuring what recording costs, and only with --test-clock.", visibility: .hidden))
    var benchmarkWithoutAudit = false

    enum RuleSetOption: String, ExpressibleByArgument, CaseIterable {
        case y2021 = "2021"
        case current
    }

    enum DiskCipherOption: String, ExpressibleByArgument, CaseIterable {
        case auto, openssl, aesni, vaes256, vaes512
    }

    enum DiskRolesOption: String, ExpressibleByArgument, CaseIterable {
        case together, apart
    }

    enum NetworkOption: String, ExpressibleByArgument, CaseIterable {
        case user, taps
    }

    enum AcceleratorOption: String, ExpressibleByArgument, CaseIterable {
        case auto, kvm, tcg
    }

    func validate() throws {
        guard storageLink == nil || diskRoles == .apart else { throw ValidationError("--storage-link needs --disk-roles apart") }
        guard storageLink.map({ $0.hasPrefix("nbd+unix:///?socket=/") || $0.hasPrefix("nbds://") }) != false else {
            throw ValidationError(
                "--storage-link is a URI such as nbd+unix:///?socket=/run/nbd.sock, or nbds://storage.example:10809/?tls-certificates=/etc/coffer/link")
        }
        guard (1...65535).contains(port) else { throw ValidationError("--port is a number from 1 to 65535") }
        guard testClock || !benchmarkWithoutAudit else {
            throw ValidationError("--benchmark-without-audit is for measurements only and needs --test-clock")
        }
        if let importDirectory, !importDirectory.hasPrefix("/") { throw ValidationError("--import-directory is an absolute path") }
        guard PublicNetwork(publicNetwork) != nil else {
            throw ValidationError("--public-network is a part of 127.0.0.0/8 in CIDR notation, of 9 to 29 bits, such as 127.42.0.0/16")
        }
        if let diskListen, SocketAddress(diskListen) == nil {
            throw ValidationError("--disk-listen is an address with a port, such as 127.0.0.1:10809 or [::1]:10809")
        }
        guard (diskCertificate == nil) == (diskKey == nil) else { throw ValidationError("--disk-certificate and --disk-key belong together") }
        guard diskListen != nil || (diskCertificate == nil && diskClientCa == nil) else {
            throw ValidationError("--disk-certificate and --disk-client-ca are for --disk-listen")
        }
        try token.validateTogether()
    }

    func run() async throws {
        LoggingSystem.bootstrap { JSONLogHandler(label: $0) }
        ProcessHardening.apply()
        do {
            try CryptoSelfTest.run()
            try await serve()
        } catch let failure as StartFailure {
            throw end(failure.description, failure.exitCode)
        } catch let taken as InstanceLock.Taken {
            throw end(taken.description, ExitCode(75))
        } catch let error as TokenError {
            throw end(error.description, ExitCode(78))
        } catch let error as PrivateFileError {
            throw end(error.description, ExitCode(78))
        } catch SealError.wrongRootKey {
            throw end("this data directory was sealed under another root key", ExitCode(78))
        } catch let StoreError.unavailable(reason) {
            throw end("the store cannot be used: \(reason)", ExitCode(69))
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw end("another process listens on port \(port) of \(listen): choose another --port", ExitCode(75))
        }
    }

    private func serve() async throws {
        let directory = data.directory
        try FileManager.default.createDirectory(
            atPath: directory.path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700]
        )
        try DurableFile.makeDirectory(directory.runPath)
        let lock = try InstanceLock(path: directory.runPath + "/serve.lock")
        let clock: any WallClock = testClock ? AdjustableClock(over: SystemClock()) : SystemClock()
        let server = try await Assembly(command: self, directory: directory, clock: clock).assemble()
        try await server.run()
        extendLifetime(lock)
    }

    private func end(_ message: String, _ code: ExitCode) -> ExitCode {
        FileHandle.standardError.write(Data("coffer serve: \(message)\n".utf8))
        return code
    }
}
