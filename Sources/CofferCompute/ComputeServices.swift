package import CofferCore
import CofferModel
package import CofferPlatform

/// The disk platform, put together from the ports that it needs.
package struct ComputeServices: Sendable {
    /// For the resource manager.
    package let provider: ComputeProvider
    /// For requests below `/coffer/v1`.
    package let diskOperations: DiskOperationsHandler
    /// To be run as long as the server runs.
    package let keyWatch: KeyWatch
    private let keeper: DiskKeeper

    /// - Parameters:
    ///   - customerKeys: Uses customers' keys with the permissions of a set's identity. Must answer ``Caller/platform`` the status of
    ///     any key.
    ///   - platformKeys: Uses Coffer's own key, with the id `platform`.
    ///   - imageReader: Reads what disks are imported from; nil if imports are not allowed.
    ///   - sweep: How often all attached disks' keys are tried.
    ///   - poll: How often key changes are looked for when `bell` does not ring.
    ///   - report: Takes lines for the log; they hold no secrets.
    package init(
        store: any Store, customerKeys: any KeyService, platformKeys: any KeyService, diskHost: any DiskHost,
        identities: any ManagedIdentities, authorizer: any Authorizer, authenticator: any Authenticator, audit: any AuditLog,
        clock: any WallClock, bell: EventBell, settings: ComputeSettings, imageReader: (any DiskImageReader)? = nil,
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
        let sets = EncryptionSetsService(
            store: store, identities: SetIdentities(identities: identities, authorizer: authorizer, rules: rules), keyCheck: keyCheck, rotation: rotation, rules: rules, turns: turns)
        let changes = DiskChange(store: store, keys: keys, hosted: hosted, clock: clock)
        let creation = DiskCreation(
            store: store, keys: keys, hosted: hosted, changes: changes, clock: clock, running: RunningImports())
        let sources = DiskSources(store: store, authorizer: authorizer)
        let chooser = EncryptionChooser(store: store, authorizer: authorizer, rules: rules)
        let updates = DiskUpdates(store: store, changes: changes, chooser: chooser, rules: rules)
        let imports = DiskImports(reader: imageReader, creation: creation, turns: turns, report: report)
        let disks = DisksService(
            store: store, creation: creation, updates: updates, sources: sources, chooser: chooser, imports: imports, turns: turns)
        let snapshots = SnapshotsService(
            store: store, creation: creation, updates: updates, sources: sources, chooser: chooser, rules: rules, turns: turns)
        let images = ImagesService(store: store, creation: creation, sources: sources, chooser: chooser, turns: turns)
        let keeper = DiskKeeper(store: store, creation: creation, keys: keys, hosted: hosted, turns: turns, report: report)
        let operations = DiskOperationsService(
            store: store, creation: creation, keeper: keeper, keys: keys, hosted: hosted, turns: turns)
        provider = ComputeProvider(
            sets: EncryptionSetsRoutes(service: sets, rules: rules, settings: settings), disks: DisksRoutes(service: disks),
            snapshots: SnapshotsRoutes(service: snapshots), images: ImagesRoutes(service: images))
        diskOperations = DiskOperationsHandler(
            routes: DiskOperationsRoutes(
                service: operations, holders: HoldersService(store: store, keys: customerKeys, hosted: hosted), settings: settings), authenticator: authenticator,
            authorizer: authorizer, audit: audit, clock: clock, settings: settings)
        keyWatch = KeyWatch(
            store: store, sets: sets, rotation: rotation, keeper: keeper, bell: bell, clock: clock, poll: poll, sweep: sweep,
            report: report)
        self.keeper = keeper
    }

    /// Opens what is attached and closes what is not, after the disk host was found or replaced. A disk whose key may not be used
    /// is left closed, with the reason in its record.
    ///
    /// - Throws: `DiskFailure` if the host cannot be reached.
    package func adopt() async throws {
        try await keeper.keepAll()
    }
}
