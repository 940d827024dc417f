package import CofferCore
import CofferModel
package import CofferPlatform

/// The disk platform, put together from the ports that it needs.
package struct ComputeServices: Sendable {
    /// For the resource manager.
    package let provider: ComputeProvider
    /// For requests below `/disk-access`.
    package let diskAccess: DiskAccessHandler
    /// For requests below `/boot-diagnostics`.
    package let bootDiagnostics: BootDiagnosticsHandler
    /// For requests below `/coffer/v1`.
    package let diskOperations: DiskOperationsHandler
    /// To be run as long as the server runs.
    package let keyWatch: KeyWatch
    /// The same.
    package let machineKeeper: MachineKeeper
    /// The same.
    package let balancerKeeper: BalancerKeeper
    private let keeper: DiskKeeper
    private let local: LocalDisks
    private let certificates: DiskCertificatesService

    /// - Parameters:
    ///   - customerKeys: Uses customers' keys with the permissions of a set's identity. Must answer ``Caller/platform`` the status of
    ///     any key.
    ///   - platformKeys: Uses Coffer's own key, with the id `platform`.
    ///   - contents: Reads and writes disks for those who were granted access.
    ///   - machines: What virtual machines need.
    ///   - certificates: Of those who open disks over TLS; nil where disks are not served over it.
    ///   - imageReader: Reads what disks are imported from, and images.
    ///   - sweep: How often all attached disks' keys are tried.
    ///   - poll: How often key changes are looked for when `bell` does not ring.
    ///   - report: Takes lines for the log; they hold no secrets.
    package init(
        store: any Store, customerKeys: any KeyService, platformKeys: any KeyService, diskHost: any DiskHost,
        contents: any DiskContents, identities: any ManagedIdentities, authorizer: any Authorizer, authenticator: any Authenticator, audit: any AuditLog,
        clock: any WallClock, bell: EventBell, settings: ComputeSettings, machines: MachinePorts, imageReader: any DiskImageReader,
        certificates: (any DiskCertificates)? = nil,
        sweep: Duration = .seconds(60), poll: Duration = .seconds(5),
        report: @escaping @Sendable (String) -> Void
    ) {
        let rules = RuleBook(ruleSet: settings.ruleSet)
        let turns = Turns()
        let hosted = HostedDisks(host: diskHost)
        let keys = DiskKeys(customer: customerKeys, platform: platformKeys, store: store, identities: identities)
        let keyCheck = SetKeyCheck(keys: customerKeys, rules: rules, clock: clock)
        let rotation = KeyRotation(
            store: store, customer: customerKeys, identities: identities, keyCheck: keyCheck, hosted: hosted, clock: clock, turns: turns)
        let assigner = IdentityAssigner(identities: identities, authorizer: authorizer)
        let sets = EncryptionSetsService(
            store: store, identities: SetIdentities(assigner: assigner, rules: rules), keyCheck: keyCheck, rotation: rotation, rules: rules, turns: turns)
        let limiter = DiskLimiter(hosted: hosted, isEnforced: settings.enforcesPerformance)
        let accesses = DiskAccesses(store: store, hosted: hosted, clock: clock)
        let trail = DiskAuditTrail(audit: audit, clock: clock)
        let changes = DiskChange(store: store, keys: keys, hosted: hosted, clock: clock)
        let creation = DiskCreation(
            store: store, keys: keys, hosted: hosted, changes: changes, clock: clock, running: RunningImports())
        let sources = DiskSources(store: store, authorizer: authorizer)
        let chooser = EncryptionChooser(store: store, authorizer: authorizer, rules: rules)
        let updates = DiskUpdates(store: store, changes: changes, chooser: chooser, rules: rules, accesses: accesses, limiter: limiter)
        let imports = DiskImports(reader: imageReader, creation: creation, turns: turns, report: report)
        let disks = DisksService(
            store: store, creation: creation, updates: updates, sources: sources, chooser: chooser, imports: imports,
            accesses: accesses, turns: turns)
        let snapshots = SnapshotsService(
            store: store, creation: creation, updates: updates, sources: sources, chooser: chooser, rules: rules,
            accesses: accesses, turns: turns)
        let images = ImagesService(store: store, creation: creation, sources: sources, chooser: chooser, turns: turns)
        let keeper = DiskKeeper(
            store: store, creation: creation, keys: keys, hosted: hosted, accesses: accesses, limiter: limiter, turns: turns,
            trail: trail, report: report)
        let access = DiskAccessService(
            store: store, creation: creation, accesses: accesses, keeper: keeper, hosted: hosted, turns: turns, authority: settings.authority)
        let accessRoutes = DiskAccessRoutes(service: access, trail: trail)
        let serving = DiskServing(store: store, keeper: keeper, hosted: hosted, accesses: accesses, turns: turns)
        let operations = DiskOperationsService(
            store: store, serving: serving, changes: changes, keys: keys, hosted: hosted, turns: turns)
        let certificatesService = DiskCertificatesService(store: store, serving: serving, certificates: certificates, clock: clock)
        let machineImages = MachineImages(images: machines.images, store: store)
        let local = LocalDisks(hosted: hosted.own, platformKeys: platformKeys)
        let ephemeral = EphemeralDisks(store: store, local: local, images: machineImages, reader: imageReader, rules: rules)
        let machineDisks = MachineDisks(
            store: store, disks: disks, serving: serving, authorizer: authorizer, rules: rules, ephemeral: ephemeral)
        let unmanaged = UnmanagedDisksService(
            store: store, creation: creation, imports: imports, authorizer: authorizer, rules: rules, turns: turns)
        let provisioning = MachineProvisioning(sealer: machines.sealer)
        let metadata = MachineMetadata(
            store: store, identities: identities, interfaces: machines.interfaces, tokens: machines.tokens, listener: machines.listener,
            provisioning: provisioning, settings: settings)
        let power = MachinePower(
            store: store, disks: machineDisks, temporary: TemporaryDisks(local: local), ephemeral: ephemeral,
            interfaces: machines.interfaces, metadata: metadata, host: machines.host, clock: clock)
        let making = MachineMaking(
            store: store, disks: machineDisks, power: power, interfaces: machines.interfaces, host: machines.host, clock: clock, turns: turns,
            report: report)
        let availability = AvailabilitySetsService(store: store)
        let machineService = MachinesService(
            store: store, disks: machineDisks, power: power, images: machineImages, unmanaged: unmanaged,
            encryption: MachineEncryption(rules: rules, store: store, features: machines.features), making: making,
            interfaces: machines.interfaces, assigner: assigner, authorizer: authorizer, host: machines.host, provisioning: provisioning,
            availability: availability, clock: clock, turns: turns)
        let diagnostics = BootDiagnosticsService(store: store, host: machines.host, clock: clock, authority: settings.authority)
        bootDiagnostics = BootDiagnosticsHandler(service: diagnostics, trail: trail)
        let instances = ScaleSetInstances(store: store, machines: machineService, turns: turns)
        let scaling = ScaleSetScaling(store: store, machines: machineService, instances: instances, clock: clock, turns: turns, report: report)
        let scaleSets = ScaleSetsService(
            store: store, machines: machineService, instances: instances, scaling: scaling, clock: clock, turns: turns)
        let machineRoutes = MachinesRoutes(service: machineService, diagnostics: diagnostics, trail: trail)
        machineKeeper = MachineKeeper(
            store: store, power: power, making: making, scaling: scaling, local: local, hosted: hosted, host: machines.host, turns: turns, report: report)
        balancerKeeper = BalancerKeeper(
            balancers: machines.balancers, server: machines.portServer, store: store, host: machines.host, report: report)
        provider = ComputeProvider(
            sets: EncryptionSetsRoutes(service: sets, rules: rules, settings: settings),
            disks: DisksRoutes(service: disks, access: accessRoutes, clock: clock),
            unmanagedDisks: UnmanagedDisksRoutes(service: unmanaged, settings: settings),
            snapshots: SnapshotsRoutes(service: snapshots, access: accessRoutes, clock: clock), images: ImagesRoutes(service: images),
            machines: machineRoutes, availabilitySets: AvailabilitySetsRoutes(service: availability),
            scaleSets: ScaleSetsRoutes(service: scaleSets, machines: machineRoutes),
            locations: LocationsRoutes(images: machines.images, region: settings.region, usage: ComputeUsage(store: store)))
        diskOperations = DiskOperationsHandler(
            routes: DiskOperationsRoutes(
                service: operations, certificates: certificatesService, holders: HoldersService(store: store, keys: customerKeys, hosted: hosted), settings: settings), authenticator: authenticator,
            authorizer: authorizer, trail: trail, settings: settings)
        diskAccess = DiskAccessHandler(
            service: access, blobs: PageBlobRoutes(hosted: hosted, contents: contents, clock: clock), trail: trail)
        keyWatch = KeyWatch(
            store: store, sets: sets, rotation: rotation, keeper: keeper, bell: bell, clock: clock, poll: poll, sweep: sweep,
            report: report)
        self.keeper = keeper
        self.local = local
        self.certificates = certificatesService
    }

    /// The SHA-256, in hex, of the certificates for disks over TLS that were taken back.
    package func revokedCertificates() async throws -> [String] { try await certificates.revoked() }

    /// Opens what is attached and closes what is not, after the disk host was found or replaced. A disk whose key may not be used
    /// is left closed, with the reason in its record.
    ///
    /// - Throws: `DiskFailure` if the host cannot be reached.
    package func adopt() async throws {
        local.distrust()
        try await keeper.keepAll()
        machineKeeper.replaced.note()
    }
}

/// The ports through which virtual machines are run.
package struct MachinePorts: Sendable {
    let interfaces: any NetworkInterfaces
    let balancers: any LoadBalancers
    let portServer: any PortServer
    let host: any MachineHost
    let images: any PlatformImages
    let tokens: any IdentityTokens
    let listener: any GuestListener
    let features: any SubscriptionFeatures
    let sealer: any Sealer

    /// - Parameter sealer: Seals what only guests may see.
    package init(
        interfaces: any NetworkInterfaces, balancers: any LoadBalancers, portServer: any PortServer, host: any MachineHost,
        images: any PlatformImages, tokens: any IdentityTokens, listener: any GuestListener, features: any SubscriptionFeatures, sealer: any Sealer
    ) {
        self.interfaces = interfaces
        self.balancers = balancers
        self.portServer = portServer
        self.host = host
        self.images = images
        self.tokens = tokens
        self.listener = listener
        self.features = features
        self.sealer = sealer
    }
}
