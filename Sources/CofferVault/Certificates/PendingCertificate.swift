import CofferCore
import CofferModel
import CofferPlatform

extension WriteTransaction {
    /// Shows the key and the secret of a certificate that is yet to come, if it is the first of its name: both disabled, and the secret
    /// empty (contract section 1.8).
    ///
    /// - Parameter key: With its public part; its material stays with the operation.
    func showPending(_ key: KeyVersionRecord, contentType: String?, in vault: VaultRecord, at now: Timestamp) throws {
        let name = try ObjectName(key.name)
        guard try objectIfAny(.certificates, name, in: vault) == nil else { return }
        var shown = key
        shown.sealedKey = ""
        shown.tokenKey = nil
        shown.isEnabled = false
        try add(shown, in: vault, at: now)
        try add(
            SecretVersionRecord(
                name: key.name, version: key.version, isManaged: true, sealedValue: "", contentType: contentType, created: now, updated: now,
                isEnabled: false, notBefore: nil, expires: nil, tags: key.tags, previousVersion: nil),
            in: vault, at: now)
    }

    /// Takes back what ``showPending(_:contentType:in:at:)`` showed, for the certificate has come or never will.
    func hidePending(_ name: ObjectName, in vault: VaultRecord) throws {
        guard try objectIfAny(.certificates, name, in: vault) == nil else { return }
        for kind in [ObjectKind.keys, .secrets] {
            guard try objectIfAny(kind, name, in: vault)?.isManaged == true else { continue }
            let path = ObjectRecord.path(name, in: vault)
            try remove(path, in: kind.collection, if: .any)
            try removeAll(in: kind.versionsCollection, prefix: "\(path)/")
        }
    }

    /// Gives up the pending key of an operation that is over, if it is in the token and no version's.
    func releaseTokenKey(of operation: CertificateOperation) throws {
        guard let id = operation.tokenKey?.tokenKey, operation.isKeyReused != true else { return }
        try put(UnusedTokenKey(id: id, due: Timestamp(seconds: 0)), id, in: UnusedTokenKey.collection)
    }
}
