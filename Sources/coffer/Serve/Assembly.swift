import CofferBalancer
import CofferClient
import CofferCompute
import CofferCore
import CofferCrypto
import CofferDeployments
import CofferDiskControl
import CofferHTTP
import CofferIdentity
import CofferImport
import CofferModel
import CofferMonitor
import CofferNBDClient
import CofferNetwork
import CofferPlatform
import CofferQEMU
import CofferResources
import CofferSeal
import CofferVault
import Foundation
import Logging
import ServiceLifecycle

/// Puts an installation together: opens its store, makes its services and joins them through their ports.
struct Assembly {
    let command: ServeCommand
    let directory: DataDirectory
    let clock: any WallClock

    /// Clients leave out the port that is the scheme's own.
    private var port: String { command.port == 443 ? "" : ":\(command.port)" }
    private var authority: String { "https://localhost\(port)" }
    private var vaultDomain: String { "vault.localhost" }
    private var vaultSuffix: String { "\(vaultDomain)\(port)" }
    var processors: Int { ProcessInfo.processInfo.activeProcessorCount }

    /// - Throws: ``StartFailure``, or ``SealError/wrongRootKey`` if the store was sealed under another root key.
    func assemble() async throws -> AssembledServer {
        let logger = Logger(label: "coffer")
        let store = try await StoreLocation(command.store).openCached(in: directory)
        let token = try await openToken()
        let keyring = try await openKeyring(store, token)
        let installation = try await Bootstrap(store: store, sealer: keyring, clock: clock).prepare()
        let tls = TLSIdentity(store: store, sealer: keyring, clock: clock)
        let ca = try await tls.authority()
        let server = try tls.serverCertificate(by: ca, vaultDomain: vaultDomain)
        let card = InstallationCard(
            authority: authority, vaultSuffix: vaultSuffix, tenantID: installation.tenantID,
            subscriptionID: installation.subscriptionID, region: command.region,
            administratorClientID: installation.administratorApplicationID,
            administratorObjectID: installation.administratorObjectID
        )
        try writeClientFiles(card: card, ca: ca.certificate.pem, secret: installation.administratorSecret)

        let bell = EventBell()
        let trail = StoreAuditLog(store: store)
        let signing = try await headSigning(trail, store: store, keyring: keyring, logger: logger)
        let audit: any AuditLog = command.benchmarkWithoutAudit ? NoAudit() : trail
        if command.benchmarkWithoutAudit { logger.warning("nothing is recorded in the audit log: this server is for measurements only") }
        let identity = try await identityParts(store: store, keyring: keyring, bell: bell, card: card)
        let vault = VaultServices(
            store: store, sealer: keyring, authorizer: identity.authorizer, authenticator: identity.authenticator, audit: audit,
            clock: clock, bell: bell,
            settings: VaultSettings(suffix: vaultSuffix, authority: authority, tenantID: card.tenantID, region: card.region, isThrottled: command.throttle),
            token: token, threads: processors, report: { logger.warning("vaults", metadata: ["event": "\($0)"]) }
        )
        let diskRoles = DiskRoles(
            apart: command.diskRoles == .apart, store: command.diskStore, storageLink: command.storageLink, cipher: command.diskCipher.rawValue,
            program: try diskHostProgram(), directory: directory)
        let secureDisks = SecureDisks(
            listener: command.diskListen.flatMap { SocketAddress($0) },
            files: .init(certificate: command.diskCertificate, key: command.diskKey, clientAuthority: command.diskClientCa),
            identity: TLSIdentity(store: store, sealer: keyring, clock: SystemClock()),
            host: diskRoles.diskHost)
        let resources = ResourcesSettings(
            authority: authority, tenantID: card.tenantID, subscriptionID: card.subscriptionID, subscriptionName: "Coffer",
            region: card.region, vaultSuffix: vaultSuffix
        )
        let images = ImageCatalogue(directory: directory.imagesPath)
        let features = FeaturesService(store: store, clock: clock)
        let doorway = ResourceDoorway()
        let network = NetworkServices(
            store: store, authorizer: identity.authorizer, publicNetwork: PublicNetwork(command.publicNetwork) ?? .standard,
            onDeleted: { try await doorway.forget($0) })
        let compute = ComputeServices(
            store: store, customerKeys: vault.keyService, platformKeys: PlatformKeyService(store: store, sealer: keyring),
            diskHost: diskRoles.diskHost, contents: NBDContents(),
            identities: DirectoryIdentities(store: store, clock: clock, bell: bell, settings: identity.settings),
            authorizer: identity.authorizer, authenticator: identity.authenticator, audit: audit, clock: clock, bell: bell,
            settings: ComputeSettings(
                ruleSet: command.rules == .current ? .current : .year2021, authority: authority, tenantID: card.tenantID,
                subscriptionID: card.subscriptionID, region: card.region, audiences: resources.audiences, diskStore: diskRoles.store.location(in: directory),
                machinesPath: directory.machinesPath, certificateAuthority: ca.certificate.pem, vaultSuffix: vaultSuffix,
                enforcesPerformance: command.enforceDiskLimits
            ),
            machines: MachinePorts(
                interfaces: network.interfaces, balancers: network.balancers, portServer: TCPBalancer(),
                host: try QEMUHost(
                    root: directory.machinesPath, acceleration: acceleration(logger), relay: GuestRelay(program: ownProgram.path, endpointPort: command.port),
                    taps: try taps(logger), startsWithTaps: command.network == .taps,
                    report: { logger.warning("machines", metadata: ["event": "\($0)"]) }),
                images: images, tokens: identity.machineTokens, listener: GuestListeners(clock: clock, logger: logger), features: features,
                sealer: keyring),
            imageReader: QemuImageReader(directory: command.importDirectory), certificates: secureDisks,
            report: { logger.info("disks", metadata: ["event": "\($0)"]) }
        )
        let deployments = DeploymentServices(
            store: store, sealer: keyring, door: doorway, secrets: vault.deploymentSecrets, clock: clock,
            settings: DeploymentsSettings(authority: authority, tenantID: card.tenantID),
            report: { logger.error("deployments", metadata: ["event": "\($0)"]) }
        )
        let manager = ARMHandler(
            settings: resources, store: store, images: images,
            providers: [
                identity.provider, identity.managed, compute.provider, network.provider, vault.provider, deployments.provider,
                FeaturesProvider(service: features, tenantID: card.tenantID),
            ],
            authenticator: identity.authenticator, authorizer: identity.authorizer, clock: clock,
            onDeleted: {
                try await identity.assignments.removeAll(below: $0)
                try await deployments.removeAll(below: $0)
            }
        )
        doorway.lead(to: manager)
        let door = FrontDoor(
            vaultSuffix: vaultSuffix, vaults: vault.handler, tokens: identity.tokens, isTokenPath: { identity.tokens.handles($0) },
            directory: identity.directory, isDirectoryPath: { identity.directory.handles($0) },
            disks: compute.diskOperations, diskAccess: compute.diskAccess, bootDiagnostics: compute.bootDiagnostics,
            audit: AuditReadHandler(
                store: store, log: trail, authenticator: identity.authenticator, authorizer: identity.authorizer, audiences: resources.audiences,
                authority: authority, tenantID: card.tenantID
            ),
            clock: clockHandler(identity, resources),
            resources: manager
        )
        let serveSecurely = { @Sendable in try await secureDisks.apply(refusing: compute.revokedCertificates()) }
        let supervisors = try await diskRoles.supervisors(logger) {
            try await serveSecurely()
            try await compute.adopt()
        }
        let listen = try HTTPServer.Listen(
            host: command.listen, port: command.port, certificateChain: server.certificate.pem, privateKey: server.privateKey
        )
        return AssembledServer(
            card: card, directory: directory, listen: listen, door: door, supervisors: supervisors, watch: compute.keyWatch, machineKeeper: compute.machineKeeper,
            balancerKeeper: compute.balancerKeeper,
            keeper: vault.keeper, signing: signing, diskHost: diskRoles.diskHost, serveSecurely: serveSecurely, clock: clock, logger: logger
        )
    }

    private func taps(_ logger: Logger) throws -> TapNetworks {
        if command.network == .taps, let obstacle = TapNetworks.obstacle { throw StartFailure.configuration("--network taps: \(obstacle)") }
        return TapNetworks(root: directory.machinesPath, server: TCPBalancer()) { logger.warning("machines", metadata: ["event": "\($0)"]) }
    }

    /// The key file of the data directory is written once and then compared: if the store's key is another one, the store's, or a
    /// record of it, was replaced, and who verified with the new key would be deceived.
    private func headSigning(_ log: StoreAuditLog, store: any Store, keyring: Keyring, logger: Logger) async throws -> HeadSigning {
        let key: AuditSigningKey
        do {
            key = try await AuditSigningKey.open(store: store, sealer: keyring)
        } catch is SealError {
            throw StartFailure.configuration("the key in the store that signs the audit log was replaced: restore the store from a backup")
        }
        let path = directory.auditKeyPath
        if let known = FileManager.default.contents(atPath: path) {
            guard (try? Ed25519PublicKey(pem: String(decoding: known, as: UTF8.self))) == key.publicKey else {
                throw StartFailure.configuration(
                    "\(path) is not the key that this store signs its audit log with: either may have been replaced. If you moved to another "
                        + "store on purpose, move the file away.")
            }
        } else {
            try DurableFile.write(Array(key.publicKey.pem().utf8), to: path, mode: 0o644)
        }
        return HeadSigning(
            log: log, store: store, signer: key, clock: clock, report: { logger.info("audit", metadata: ["event": "\($0)"]) })
    }

    private func writeClientFiles(card: InstallationCard, ca: String, secret: borrowing SecretBytes) throws {
        try DurableFile.write(Array(ca.utf8), to: directory.caPath, mode: 0o644)
        try secret.withBytes { bytes in
            var text = unsafe bytes.withUnsafeBytes { unsafe Array($0) }
            defer { _ = SecretBytes(wiping: &text) }
            try DurableFile.write(text, to: directory.administratorSecretPath, mode: 0o600)
        }
        try DurableFile.write(JSON.encode(card), to: directory.cardPath, mode: 0o600)
    }

    /// What the other services ask of Identity.
    private struct IdentityParts: Sendable {
        let settings: IdentitySettings
        let authorizer: RoleAuthorizer
        let authenticator: TokenAuthenticator
        let tokens: TokenRoutes
        let directory: GraphRoutes
        let assignments: RoleAssignmentService
        let provider: AuthorizationProvider
        let managed: ManagedIdentityProvider
        let machineTokens: ManagedIdentityTokens
    }

    private func identityParts(store: any Store, keyring: Keyring, bell: EventBell, card: InstallationCard) async throws -> IdentityParts {
        let settings = IdentitySettings(
            authority: authority, tenantID: card.tenantID, subscriptionID: card.subscriptionID,
            resources: IdentitySettings.defaultResources(authority: authority, vaultSuffix: vaultSuffix)
        )
        let keys = SigningKeys(
            store: store, sealer: keyring, clock: clock, workers: WorkerPool(name: "token-keys", threads: 1)
        )
        try await keys.prepare()
        let passwords = PasswordChecker(sealer: keyring)
        let tokens = TokenService(store: store, keys: keys, clock: clock, settings: settings)
        let authenticator = TokenAuthenticator(store: store, keys: keys, clock: clock, settings: settings)
        let assignments = RoleAssignmentService(store: store, clock: clock, bell: bell, settings: settings)
        let authorizer = RoleAuthorizer(store: store)
        return IdentityParts(
            settings: settings, authorizer: authorizer, authenticator: authenticator,
            tokens: TokenRoutes(service: tokens, signIn: SignInService(tokens: tokens, passwords: passwords), keys: keys),
            directory: GraphRoutes(
                services: DirectoryServices(store: store, passwords: passwords, clock: clock, bell: bell, settings: settings),
                authenticator: authenticator,
                authorizer: authorizer, settings: settings, clock: clock
            ),
            assignments: assignments,
            provider: AuthorizationProvider(
                service: assignments, roles: RoleDefinitionService(store: store, clock: clock, bell: bell, settings: settings)
            ),
            managed: ManagedIdentityProvider(
                service: UserAssignedIdentitiesService(store: store, clock: clock, bell: bell), settings: settings
            ),
            machineTokens: ManagedIdentityTokens(tokens: tokens)
        )
    }

    private func clockHandler(_ identity: IdentityParts, _ resources: ResourcesSettings) -> ClockHandler? {
        guard let clock = clock as? AdjustableClock else { return nil }
        return ClockHandler(
            clock: clock, authenticator: identity.authenticator, authorizer: identity.authorizer, audiences: resources.audiences,
            subscription: ResourceID(subscription: resources.subscriptionID)
        )
    }

    /// Says once how virtual machines will be run, and why, and keeps it for `coffer host show`.
    private func acceleration(_ logger: Logger) throws -> MachineAcceleration {
        let found = switch command.accelerator {
        case .kvm: MachineAcceleration(.kvm, reason: "coffer serve was told so by --accelerator")
        case .tcg: MachineAcceleration(.tcg, reason: "coffer serve was told so by --accelerator")
        case .auto: AcceleratorProbe(directory: directory.runPath).verdict(isFresh: command.probeAccelerator).acceleration
        }
        logger.info(
            "virtual machines run under \(found.kind == .kvm ? "KVM" : "translation (TCG), which is slow")", metadata: ["reason": "\(found.reason)"])
        try DurableFile.write(JSON.encode(found), to: directory.accelerationPath, mode: 0o600)
        return found
    }

    private var ownProgram: URL { URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath() }

    /// `coffer-diskd` lies beside this program.
    private func diskHostProgram() throws -> String {
        let program = ownProgram.deletingLastPathComponent().appendingPathComponent("coffer-diskd").path
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw StartFailure.configuration("\(program) is missing: coffer-diskd is installed beside coffer")
        }
        return program
    }
}
