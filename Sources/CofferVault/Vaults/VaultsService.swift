import CofferCore
import CofferModel
import CofferPlatform
import Foundation

/// Makes, changes and deletes vaults. Knows nothing of HTTP.
struct VaultsService: Sendable {
    let store: any Store
    let clock: any WallClock
    let bell: EventBell
    let material: KeyMaterial
    let settings: VaultSettings

    /// Makes a vault or changes the one that is there. Flags of an existing vault that are not mentioned are reset, but for
    /// the permission model, purge protection and retention, which then stay as they are.
    ///
    /// - Parameter defaultsToRBAC: Whether a new vault uses role assignments if the request does not say.
    /// - Throws: an ``APIError`` if the name is taken or what may not change would change.
    func put(
        _ id: ResourceID, as wanted: VaultSpecification, defaultsToRBAC: Bool, by grant: Grant
    ) async throws -> ChangedVault {
        guard let name = VaultName(id.name) else { throw APIError.vaultNameNotValid(id.name) }
        if wanted.isRecovery {
            return ChangedVault(vault: try await recover(id, name, location: wanted.location), changesPermissions: false)
        }
        guard let location = wanted.location else { throw APIError.locationRequired(example: settings.region) }
        guard wanted.tenantID != nil else {
            throw APIError.missingVaultProperty("tenantId", advice: "Use '\(settings.tenantID)'.")
        }
        guard wanted.sku != nil else {
            throw APIError.missingVaultProperty("sku", advice: "Use {\"family\":\"A\",\"name\":\"standard\"}.")
        }
        let now = clock.now()
        let instance = UUID().uuidString.lowercased()
        let changed = try await store.write { transaction in
            var vault: VaultRecord
            let existing = try transaction.vault(named: name, at: now)
            if let existing {
                try check(existing, isAt: id, location: location)
                vault = existing
            } else {
                try transaction.purgeVault(named: name)
                vault = VaultRecord(
                    id: id, instance: instance, location: location, tenantID: settings.tenantID,
                    retentionDays: wanted.retentionDays ?? 90, created: now, tags: [:], sku: .standard,
                    usesRBAC: defaultsToRBAC, hasPurgeProtection: false, accessPolicies: [], enabledForDeployment: false,
                    enabledForDiskEncryption: false, enabledForTemplateDeployment: false, networkRules: nil,
                    publicNetworkAccess: .enabled, deletion: nil)
            }
            let before = VaultUse(vault)
            vault.tags = wanted.tags ?? [:]
            vault.enabledForDeployment = wanted.enabledForDeployment ?? false
            vault.enabledForDiskEncryption = wanted.enabledForDiskEncryption ?? false
            vault.enabledForTemplateDeployment = wanted.enabledForTemplateDeployment ?? false
            vault.networkRules = wanted.networkRules
            vault.publicNetworkAccess = wanted.publicNetworkAccess ?? .enabled
            try vault.apply(wanted)
            guard vault.usesRBAC || wanted.accessPolicies != nil else {
                throw APIError.missingVaultProperty(
                    "accessPolicies", advice: "Give a list, which may be empty, or set enableRbacAuthorization to true.")
            }
            try transaction.put(vault, after: before)
            return ChangedVault(
                vault: vault, changesPermissions: existing != nil && VaultUse(vault).differsInPermissions(from: before))
        }
        bell.ring()
        return changed
    }

    /// Changes what the request mentions.
    func patch(_ id: ResourceID, with wanted: VaultSpecification, by grant: Grant) async throws -> ChangedVault {
        let now = clock.now()
        let changed = try await store.write { transaction in
            var vault = try active(id, in: transaction, at: now)
            if let location = wanted.location, location != vault.location {
                throw APIError.locationIsFixed(vault, wanted: location)
            }
            let before = VaultUse(vault)
            vault.tags = wanted.tags ?? vault.tags
            vault.enabledForDeployment = wanted.enabledForDeployment ?? vault.enabledForDeployment
            vault.enabledForDiskEncryption = wanted.enabledForDiskEncryption ?? vault.enabledForDiskEncryption
            vault.enabledForTemplateDeployment = wanted.enabledForTemplateDeployment ?? vault.enabledForTemplateDeployment
            vault.networkRules = wanted.networkRules ?? vault.networkRules
            vault.publicNetworkAccess = wanted.publicNetworkAccess ?? vault.publicNetworkAccess
            try vault.apply(wanted)
            try transaction.put(vault, after: before)
            return ChangedVault(vault: vault, changesPermissions: VaultUse(vault).differsInPermissions(from: before))
        }
        bell.ring()
        return changed
    }

    /// - Throws: ``APIError/resourceNotFound(_:)``, also for a deleted vault.
    func vault(_ id: ResourceID, by grant: Grant) async throws -> VaultRecord {
        let now = clock.now()
        return try await store.read { try active(id, in: $0, at: now) }
    }

    /// The vaults of a subscription or group, in order of name.
    func vaults(in subscription: String, group: String?) async throws -> [VaultRecord] {
        let now = clock.now()
        let vaults = try await store.read { try $0.vaults(at: now) }
        return vaults.filter { vault in
            vault.deletion == nil && vault.id.subscription?.lowercased() == subscription.lowercased()
                && (group == nil || vault.id.group?.lowercased() == group?.lowercased())
        }
    }

    /// Whether a vault may be called `name`, and if not, why.
    func availability(of name: String) async throws -> NameAvailability {
        guard let valid = VaultName(name) else { return .invalid(APIError.vaultNameRule) }
        let now = clock.now()
        let vault = try await store.read { try $0.vault(named: valid, at: now) }
        guard let vault else { return .available }
        return .taken(APIError.vaultAlreadyExists(vault.name).message)
    }

    /// The vault of a data-plane host.
    ///
    /// - Throws: ``APIError/noVault(at:)`` if it has none that is in use.
    func vault(host: String) async throws -> VaultRecord {
        guard let name = settings.vault(host: host) else { throw APIError.noVault(at: host) }
        // One that is deleted is not in use, whether its retention has ended or not.
        let vault = try await store.read(answering: StoreQuestion("vault", name.key)) {
            try $0.value(VaultRecord.self, name.key, in: VaultRecord.collection)?.value
        }
        guard let vault, vault.deletion == nil else { throw APIError.noVault(at: host) }
        return vault
    }

    /// - Throws: ``APIError/resourceNotFound(_:)`` if there is no vault in use with this id.
    func active(_ id: ResourceID, in transaction: any ReadTransaction, at now: Timestamp) throws -> VaultRecord {
        guard let name = VaultName(id.name), let vault = try transaction.vault(named: name, at: now), vault.id == id,
            vault.deletion == nil
        else { throw APIError.resourceNotFound(id) }
        return vault
    }

    private func check(_ vault: VaultRecord, isAt id: ResourceID, location: String) throws {
        let isOurs = vault.id.subscription?.lowercased() == id.subscription?.lowercased()
        if vault.deletion != nil, isOurs { throw APIError.vaultIsDeleted(vault) }
        guard vault.id == id, vault.deletion == nil else { throw APIError.vaultAlreadyExists(vault.name) }
        guard vault.location == location else { throw APIError.locationIsFixed(vault, wanted: location) }
    }
}

/// The answer to whether a name is free.
enum NameAvailability: Equatable, Sendable {
    case available
    case invalid(String)
    case taken(String)
}

extension VaultRecord {
    /// Takes over what PUT and PATCH treat alike.
    fileprivate mutating func apply(_ wanted: VaultSpecification) throws {
        if let tenant = wanted.tenantID, tenant != tenantID { throw APIError.tenantIsFixed(tenantID) }
        if let days = wanted.retentionDays, days != retentionDays { throw APIError.retentionIsFixed }
        sku = wanted.sku ?? sku
        usesRBAC = wanted.usesRBAC ?? usesRBAC
        accessPolicies = wanted.accessPolicies ?? accessPolicies
        hasPurgeProtection = hasPurgeProtection || wanted.wantsPurgeProtection
    }
}
