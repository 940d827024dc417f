import CofferCore
import CofferModel

/// A disk encryption set as Azure Resource Manager shows it.
struct EncryptionSetResource: Encodable, Sendable {
    let id: String
    let name: String
    let type = "Microsoft.Compute/diskEncryptionSets"
    let location: String
    let tags: [String: String]
    let identity: IdentityResource
    let properties: Properties

    struct Properties: Encodable, Sendable {
        let encryptionType: String
        let activeKey: Key
        let previousKeys: [Key]
        let rotationToLatestKeyVersionEnabled: Bool
        let provisioningState: String
        /// RFC 3339.
        let lastKeyRotationTimestamp: String?
        let autoKeyRotationError: RotationError?
    }

    struct Key: Encodable, Sendable {
        struct Vault: Encodable, Sendable {
            let id: String
        }

        let keyUrl: String
        let sourceVault: Vault?

        init(_ key: SetKey) {
            keyUrl = key.url.text
            sourceVault = key.namesVault ? Vault(id: key.vault.text) : nil
        }
    }

    init(_ set: EncryptionSetRecord) {
        id = set.id.text
        name = set.id.name
        location = set.location
        tags = set.tags
        identity = IdentityResource(set.identities)
        // A rotation that cannot go on is told by its error; a client that waits for the end must not wait for ever.
        let isRotating = !set.previousKeys.isEmpty && set.rotationError == nil
        properties = Properties(
            encryptionType: set.type.rawValue, activeKey: Key(set.activeKey), previousKeys: set.previousKeys.map(Key.init),
            rotationToLatestKeyVersionEnabled: set.rotatesAutomatically,
            provisioningState: set.isBeingDeleted ? "Deleting" : isRotating ? "Updating" : "Succeeded",
            lastKeyRotationTimestamp: set.lastRotation?.description, autoKeyRotationError: set.rotationError)
    }
}

/// A list, all on one page.
struct ResourceList<Item: Encodable & Sendable>: Encodable, Sendable {
    let value: [Item]
}
