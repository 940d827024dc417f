import CofferCore
import CofferModel
import CofferPlatform

/// Renews certificates, or announces that they expire, as their policies say. For ``VaultKeeper``.
struct CertificateLifetime: Sendable {
    let store: any Store
    let certificates: CertificatesService
    let audit: VaultAudit
    let clock: any WallClock
    let settings: VaultSettings

    func act(on item: AgendaItem, in vault: VaultRecord) async throws {
        let name = try ObjectName(item.name)
        let now = clock.now()
        let found = try await store.read { transaction -> (version: CertificateVersionRecord, policy: CertificatePolicy)? in
            guard try transaction.objectIfAny(.certificates, name, in: vault) != nil,
                let policy = try transaction.certificatePolicy(of: name, in: vault)
            else { return nil }
            return (try transaction.version(CertificateVersionRecord.self, of: name, nil, in: vault), policy)
        }
        guard let (version, policy) = found, let action = policy.lifetime_actions?.first, let begin = version.notBefore,
            let end = version.expires, action.time(from: begin, to: end) <= now
        else { return }
        guard action.renews, policy.isSelfIssued, version.isEnabled else {
            return try await record("CertificateNearExpiryEventGridNotification", version, in: vault)
        }
        let attributes = try ObjectAttributes(nil, tags: version.tags, of: .certificates)
        guard let made = try await certificates.make(
            name, by: policy, attributes, preservesOrder: version.preservesOrder, in: vault, replacing: version.version)
        else { return }
        try await audit.recordOwn(
            "CertificateRenew", on: vault.id,
            object: "https://\(settings.host(of: vault))/certificates/\(version.name)/\(made.version)")
    }

    private func record(_ operation: String, _ version: CertificateVersionRecord, in vault: VaultRecord) async throws {
        try await audit.recordOwn(operation, on: vault.id, object: version.id(host: settings.host(of: vault)))
    }
}
