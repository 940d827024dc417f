package import CofferCore
import CofferCrypto
import CofferModel
package import CofferPlatform

/// Makes a tenant, a subscription and an administrator at the first start.
package struct Bootstrap: Sendable {
    private let store: any Store
    private let sealer: any Sealer
    private let clock: any WallClock

    package init(store: any Store, sealer: any Sealer, clock: any WallClock) {
        self.store = store
        self.sealer = sealer
        self.clock = clock
    }

    /// The installation, made if there is none. Repeating it gives the same answer, also on other replicas.
    ///
    /// - Throws: ``SealError/wrongRootKey`` if the store was sealed under another root key.
    package func prepare() async throws -> Installation {
        while true {
            if let record = try await record() { return try await installation(record) }
            do {
                try await make()
            } catch StoreError.preconditionFailed {
                // Another replica was first; its installation is read next.
                continue
            }
        }
    }

    private func record() async throws -> BootstrapRecord? {
        try await store.read {
            try $0.value(BootstrapRecord.self, BootstrapRecord.documentID, in: BootstrapRecord.collection)?.value
        }
    }

    private func installation(_ record: BootstrapRecord) async throws -> Installation {
        guard let sealed = Base64URL.decode(record.sealedSecret) else {
            throw StoreError.corrupt("\(BootstrapRecord.collection)/\(BootstrapRecord.documentID)")
        }
        let secret = try await sealer.open(sealed, realm: BootstrapRecord.realm, name: BootstrapRecord.secretName)
        return Installation(
            tenantID: record.tenantID, subscriptionID: record.subscriptionID,
            administratorObjectID: record.administratorObjectID,
            administratorApplicationID: record.administratorApplicationID, administratorSecret: secret
        )
    }

    private func make() async throws {
        let secret = ClientSecretRecord.makeSecret()
        let sealed = try await sealer.seal(secret, realm: BootstrapRecord.realm, name: BootstrapRecord.secretName)
        let now = clock.now()
        let record = BootstrapRecord(
            tenantID: GUID.make(), subscriptionID: GUID.make(), administratorObjectID: GUID.make(),
            administratorApplicationID: GUID.make(), sealedSecret: Base64URL.encode(sealed), created: now
        )
        let credential = try ClientSecretRecord(
            of: secret, keyID: GUID.make(), starts: now, ends: now.adding(Self.secretLifetime)
        )
        let administrator = PrincipalRecord(
            objectID: record.administratorObjectID, applicationID: record.administratorApplicationID,
            displayName: "Coffer administrator", kind: .application, resource: nil, created: now, secrets: [credential]
        )
        let assignment = RoleAssignmentRecord(
            name: GUID.make(), scope: ResourceID(subscription: record.subscriptionID), roleID: BuiltInRoles.owner.id,
            principalID: administrator.objectID, description: "Made at the first start.", created: now, updated: now,
            createdBy: administrator.objectID, updatedBy: administrator.objectID
        )
        try await store.write { transaction in
            try transaction.put(record, BootstrapRecord.documentID, in: BootstrapRecord.collection, if: .absent)
            try transaction.add(administrator)
            try transaction.add(assignment)
        }
    }

    /// The administrator's secret does not expire in an installation's life; it is replaced, not awaited.
    private static let secretLifetime: Duration = .seconds(100 * 365 * 86_400)
}

/// An installation: who it is, and how its first administrator signs in.
package struct Installation: ~Copyable, Sendable {
    package let tenantID: String
    package let subscriptionID: String
    package let administratorObjectID: String
    package let administratorApplicationID: String
    /// The text of the client secret.
    package let administratorSecret: SecretBytes
}
