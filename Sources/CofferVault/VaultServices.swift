package import CofferCore
package import CofferCrypto
package import CofferPlatform

/// Key Vault as a whole: what `coffer serve` plugs into Azure Resource Manager, the vaults' hosts and the disk platform.
package struct VaultServices: Sendable {
    /// For Azure Resource Manager.
    package let provider: VaultProvider
    /// For hosts of the form `{vault}.{suffix}`.
    package let handler: VaultHandler
    /// For the disk platform.
    package let keyService: VaultKeyService
    /// For parameters of deployments.
    package let deploymentSecrets: DeploymentSecretReader
    /// Does what falls due by itself; to be run for as long as the server runs.
    package let keeper: VaultKeeper
    let keys: KeysService

    /// - Parameters:
    ///   - store: Under no seal of its own: what is secret is sealed before it comes here.
    ///   - sealer: Seals private keys and secrets, in a realm for each vault.
    ///   - authorizer: Answers for vaults that use role assignments.
    ///   - bell: Rung after every change of a key is committed.
    ///   - token: Holds the keys of premium vaults' HSM types; without one they are refused.
    ///   - threads: How many private-key operations run at a time, about the number of processors.
    ///   - cachedKeys: How many private keys are kept ready in memory.
    ///   - generate: Makes an RSA pair of so many bits. Tests that need many keys give ready ones.
    ///   - report: Told what the keeper could not do.
    package init(
        store: any Store, sealer: any Sealer, authorizer: any Authorizer, authenticator: any Authenticator,
        audit: any AuditLog, clock: any WallClock, bell: EventBell, settings: VaultSettings, token: (any KeyToken)? = nil,
        threads: Int,
        cachedKeys: Int = 512, generate: @escaping @Sendable (Int) throws -> RSAKey = { try RSAKey.generate(bits: $0) },
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        let tokenKeys = token.map { TokenKeys(token: $0, store: store, clock: clock) }
        let material = KeyMaterial(
            sealer: sealer, cache: KeyCache(capacity: cachedKeys), token: tokenKeys, threads: threads, generate: generate)
        let vaults = VaultsService(store: store, clock: clock, bell: bell, material: material, settings: settings)
        let trail = VaultAudit(log: audit, clock: clock)
        let access = VaultAccess(authorizer: authorizer, settings: settings)
        let deletion = DeletionService(store: store, material: material, clock: clock, bell: bell)
        keys = KeysService(store: store, material: material, clock: clock, bell: bell)
        let backups = BackupService(store: store, sealer: sealer, clock: clock, bell: bell)
        let keysRoutes = KeysRoutes(
            keys: keys, uses: KeyUseService(store: store, material: material, clock: clock), backups: backups)
        let policies = RotationPolicyService(store: store, keys: keys, audit: trail, clock: clock, settings: settings)
        let secrets = SecretsService(store: store, sealer: sealer, material: material, clock: clock)
        let secretsRoutes = SecretsRoutes(secrets: secrets, backups: backups)
        let certificates = CertificatesService(store: store, sealer: sealer, material: material, clock: clock, bell: bell)
        let certificatesRoutes = CertificatesRoutes(
            certificates: certificates,
            backups: CertificateBackupService(store: store, sealer: sealer, clock: clock, bell: bell))
        let deletionRoutes =
            DeletionRoutes<KeyVersionRecord>(service: deletion) { version, request, _ in try keysRoutes.show(version, request) }.table
            + DeletionRoutes<SecretVersionRecord>(service: deletion) { version, request, _ in
                try secretsRoutes.show(version, value: nil, request)
            }.table
            + DeletionRoutes<CertificateVersionRecord>(service: deletion) { version, request, grant in
                try await certificatesRoutes.show(nil, of: try ObjectName(version.name), request, by: grant)
            }.table
        let issuersRoutes = IssuersRoutes(issuers: IssuersService(store: store, clock: clock))
        let management = ManagementAudit(trail: trail, clock: clock)
        provider = VaultProvider(
            vaults: vaults,
            keys: KeyResourcesRoutes(vaults: vaults, keys: keys, policies: policies, audit: management, settings: settings),
            secrets: SecretResourcesRoutes(vaults: vaults, secrets: secrets, audit: management, settings: settings), audit: management,
            settings: settings)
        handler = VaultHandler(
            vaults: vaults, challenge: VaultChallenge(authenticator: authenticator, settings: settings), access: access,
            table: RouteTable(
                RotationPolicyRoutes(policies: policies).table + keysRoutes.table + secretsRoutes.table + issuersRoutes.table
                    + certificatesRoutes.table + deletionRoutes),
            audit: trail,
            throttle: settings.isThrottled ? Throttle(clock: clock) : nil, clock: clock, settings: settings)
        keyService = VaultKeyService(
            store: store, material: material, access: access, audit: trail, clock: clock, settings: settings)
        deploymentSecrets = DeploymentSecretReader(
            secrets: secrets, authorizer: authorizer, audit: trail, clock: clock, settings: settings)
        let purge: VaultKeeper.Action = { item, vault in
            guard try await deletion.purgeAtEndOfRetention(item, in: vault) else { return }
            try await trail.recordOwn(
                "\(item.kind.title)Purge", on: vault.id,
                object: "https://\(settings.host(of: vault))/\(item.kind.deletedPath)/\(item.name)")
        }
        let lifetime = CertificateLifetime(
            store: store, certificates: certificates, audit: trail, clock: clock, settings: settings)
        keeper = VaultKeeper(
            store: store, clock: clock,
            actions: [
                .purge: [.keys: purge, .secrets: purge, .certificates: purge],
                .policy: [
                    .keys: { try await policies.act(on: $0, in: $1) }, .certificates: { try await lifetime.act(on: $0, in: $1) },
                ],
            ],
            purgeVault: { vault in
                guard try await vaults.purgeAtEndOfRetention(vault) else { return }
                try await trail.recordOwn("VaultPurge", on: vault.id, object: nil)
            },
            sweepToken: { try await tokenKeys?.sweep() }, report: report)
    }
}
