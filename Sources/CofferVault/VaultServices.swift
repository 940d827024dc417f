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

    /// - Parameters:
    ///   - store: Under no seal of its own: private keys are sealed before they come here.
    ///   - sealer: Seals private keys, in a realm for each vault.
    ///   - authorizer: Answers for vaults that use role assignments.
    ///   - bell: Rung after every change of a key is committed.
    ///   - threads: How many private-key operations run at a time, about the number of processors.
    ///   - cachedKeys: How many private keys are kept ready in memory.
    ///   - generate: Makes an RSA pair of so many bits. Tests that need many keys give ready ones.
    package init(
        store: any Store, sealer: any Sealer, authorizer: any Authorizer, authenticator: any Authenticator,
        audit: any AuditLog, clock: any WallClock, bell: EventBell, settings: VaultSettings, threads: Int,
        cachedKeys: Int = 512, generate: @escaping @Sendable (Int) throws -> RSAKey = { try RSAKey.generate(bits: $0) }
    ) {
        let cache = RSAKeyCache(capacity: cachedKeys)
        let material = KeyMaterial(sealer: sealer, cache: cache, threads: threads, generate: generate)
        let vaults = VaultsService(store: store, clock: clock, bell: bell, cache: cache, settings: settings)
        let trail = VaultAudit(log: audit, clock: clock)
        let access = VaultAccess(authorizer: authorizer)
        provider = VaultProvider(vaults: vaults, audit: trail, clock: clock, settings: settings)
        handler = VaultHandler(
            vaults: vaults, challenge: VaultChallenge(authenticator: authenticator, settings: settings),
            routes: KeysRoutes(
                keys: KeysService(store: store, material: material, clock: clock, bell: bell),
                uses: KeyUseService(store: store, material: material, clock: clock), access: access, settings: settings),
            audit: trail, clock: clock)
        keyService = VaultKeyService(
            store: store, material: material, access: access, audit: trail, clock: clock, settings: settings)
    }
}
