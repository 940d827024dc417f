import CofferCore
import CofferModel
import CofferPlatform

extension ReadTransaction {
    /// The vault that has a name, deleted or not. One whose retention has ended is gone, even if its documents are not
    /// removed yet.
    func vault(named name: VaultName, at now: Timestamp) throws -> VaultRecord? {
        guard let vault = try value(VaultRecord.self, name.key, in: VaultRecord.collection)?.value else { return nil }
        if let deletion = vault.deletion, deletion.scheduledPurge <= now { return nil }
        return vault
    }

    /// Every vault, deleted or not, but for those whose retention has ended.
    func vaults(at now: Timestamp) throws -> [VaultRecord] {
        try values(VaultRecord.self, in: VaultRecord.collection).filter { vault in
            vault.deletion.map { $0.scheduledPurge > now } ?? true
        }
    }
}

extension WriteTransaction {
    func put(_ vault: VaultRecord) throws {
        try put(vault, vault.name.lowercased(), in: VaultRecord.collection)
    }

    /// Removes what is left of the vault that had a name: its record and, with their only copies of what is
    /// sealed, all its objects.
    func purgeVault(named name: VaultName) throws {
        guard let vault = try value(VaultRecord.self, name.key, in: VaultRecord.collection)?.value else { return }
        for kind in ObjectKind.allCases {
            for collection in [kind.collection, kind.deletedCollection, kind.versionsCollection] + kind.companionCollections {
                try removeAll(in: collection, prefix: "\(vault.instance)/")
            }
        }
        try removeAll(in: CertificateIssuer.collection, prefix: "\(vault.instance)/")
        try remove(vault.instance, in: CertificateContacts.collection, if: .any)
        try remove(name.key, in: VaultRecord.collection, if: .any)
    }

    /// Tells the disk platform of a change.
    func append(_ change: KeyChange) throws {
        try append(try JSON.encode(change), to: KeyChange.stream)
    }
}
