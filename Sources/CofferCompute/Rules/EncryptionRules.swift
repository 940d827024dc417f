import CofferModel

/// All rules about encryption. When you add one: give it a test in `EncryptionRulesTests`.
extension EncryptionRule {
    static let all: [EncryptionRule] = [
        .keyURLForm, .keyURLVersion, .keyType, .keySize, .keyEnabled, .keyNotBefore, .keyExpires, .vaultPurgeProtection, .vaultRegion,
        .vaultSubscription, .sourceVaultMatch, .sourceVaultSubscription, .setIdentity, .setIdentityNeeded, .setType, .setTypeFixed, .setInUse,
        .setRequired, .setWithPlatformKey, .setSubscription, .setRegion, .setTypeMatch, .encryptionChangeAttached, .customerKeyKept, .incrementalKeepsCustomerKey,
        .incrementalOneSet, .doubleEncryptionSKU, .setLimit2021, .setLimit,
    ] + ofHost + ofGuest + ofUnmanagedDisks + ofEphemeralDisks

    // MARK: The key of a disk encryption set

    static let keyURLForm = EncryptionRule(
        "key-url-form", target: "activeKey.keyUrl",
        "'{url}' is not the URL of a key. It has the form https://MyVault.{suffix}/keys/MyKey/VERSION, which 'az keyvault key show "
            + "--vault-name MyVault --name MyKey --query key.kid --output tsv' prints.")
    /// Azure's specification has it: "version segment of the Url is required regardless of rotationToLatestKeyVersionEnabled".
    static let keyURLVersion = EncryptionRule(
        "key-url-version", target: "activeKey.keyUrl",
        "The key URL '{url}' names no version. A disk encryption set starts from a version, also with automatic rotation; 'az keyvault "
            + "key show --id {url} --query key.kid --output tsv' prints the URL with the current one.")
    static let keyType = EncryptionRule(
        "key-type", target: "activeKey.keyUrl",
        "The key '{url}' has the type {type}. Disk encryption sets use RSA keys: make one with 'az keyvault key create --kty RSA'.")
    static let keySize = EncryptionRule(
        "key-size", target: "activeKey.keyUrl",
        "The RSA key '{url}' has {bits} bits. Disk encryption sets use keys of 2048, 3072 or 4096 bits: make one with 'az keyvault key "
            + "create --kty RSA --size 3072'.")
    static let keyEnabled = EncryptionRule(
        "key-enabled", status: 403, code: "KeyVaultKeyDisabled", target: "activeKey.keyUrl",
        "The key '{url}' is disabled. Enable it with: az keyvault key set-attributes --id {url} --enabled true")
    static let keyNotBefore = EncryptionRule(
        "key-not-before", status: 403, code: "KeyVaultKeyNotYetValid", target: "activeKey.keyUrl",
        "The key '{url}' is not valid before {date}. Move the date with: az keyvault key set-attributes --id {url} --not-before")
    static let keyExpires = EncryptionRule(
        "key-expires", status: 403, code: "KeyVaultKeyExpired", target: "activeKey.keyUrl",
        "The key '{url}' expired on {date}. Rotate it, or move the date with: az keyvault key set-attributes --id {url} --expires")
    static let vaultPurgeProtection = EncryptionRule(
        "vault-purge-protection", code: "KeyVaultPurgeProtectionNotEnabled", target: "activeKey.keyUrl",
        "The vault '{vault}' has no purge protection, so that its keys, and with them all disks, could be lost for good. Turn it on "
            + "with: az keyvault update --name {vault} --enable-purge-protection true")
    static let vaultRegion = EncryptionRule(
        "vault-region", target: "activeKey.keyUrl",
        "The vault '{vault}' is in '{theirs}' and the disk encryption set is to be in '{ours}'. Both must be in one region.")
    static let vaultSubscription = EncryptionRule(
        "vault-subscription", in: [.year2021], target: "activeKey.keyUrl",
        "The vault '{vault}' is in the subscription '{theirs}'. It must be in that of the disk encryption set, '{ours}'.")
    static let sourceVaultMatch = EncryptionRule(
        "source-vault-match", target: "activeKey.sourceVault.id",
        "The source vault '{given}' is not the vault of the key '{url}', which is '{vault}'. Name that one, or leave the source vault out.")
    static let sourceVaultSubscription = EncryptionRule(
        "source-vault-subscription", in: [.current], target: "activeKey.sourceVault.id",
        "The vault '{vault}' is in another subscription than the disk encryption set. Leave the source vault out then.")

    // MARK: Disk encryption sets

    static let setIdentity = EncryptionRule(
        "set-identity", target: "identity.type",
        "The identity '{type}' cannot be used: {why}. A disk encryption set has the type SystemAssigned, UserAssigned, or both with a comma "
            + "between, and names user-assigned identities by their ids.")
    static let setIdentityNeeded = EncryptionRule(
        "set-identity-needed", target: "identity.type",
        "The disk encryption set '{set}' would have no identity left, and so no access to its key. Assign another one first: az "
            + "disk-encryption-set identity assign --name {set} --resource-group GROUP --system-assigned")
    static let setType = EncryptionRule(
        "set-type", target: "encryptionType",
        "The encryption type '{type}' is not one of a disk encryption set. Choose EncryptionAtRestWithCustomerKey, "
            + "EncryptionAtRestWithPlatformAndCustomerKeys or ConfidentialVmEncryptedWithCustomerKey.")
    static let setTypeFixed = EncryptionRule(
        "set-type-fixed", status: 409, code: "PropertyChangeNotAllowed", target: "encryptionType",
        "Changing property 'encryptionType' is not allowed: '{set}' has '{type}'. Make another disk encryption set.")
    static let setInUse = EncryptionRule(
        "set-in-use", status: 409, code: "OperationNotAllowed",
        "The disk encryption set '{set}' is associated with {count} resources and cannot be deleted: {disks}. Delete those first.")

    /// Azure counts them by region and subscription.
    static let setLimit2021 = EncryptionRule(
        "set-limit-1000", in: [.year2021], status: 409, code: "OperationNotAllowed",
        "There are {count} disk encryption sets in the region '{region}' of the subscription, and there may be 1000. Delete one first.")
    static let setLimit = EncryptionRule(
        "set-limit-5000", in: [.current], status: 409, code: "OperationNotAllowed",
        "There are {count} disk encryption sets in the region '{region}' of the subscription, and there may be 5000. Delete one first.")

    // MARK: Disks

    static let setRequired = EncryptionRule(
        "set-required", target: "encryption.diskEncryptionSetId",
        "A disk of the encryption type '{type}' needs a disk encryption set: name it in 'diskEncryptionSetId'.")
    static let setWithPlatformKey = EncryptionRule(
        "set-with-platform-key", target: "encryption.diskEncryptionSetId",
        "Resource {disk} encrypted with platform key has disk encryption set id specified. Leave 'diskEncryptionSetId' out, or choose the "
            + "encryption type of the set.")
    static let setSubscription = EncryptionRule(
        "set-subscription", target: "encryption.diskEncryptionSetId",
        "The disk encryption set '{set}' is in the subscription '{theirs}'. It must be in that of the disk, '{ours}'.")
    static let setRegion = EncryptionRule(
        "set-region", target: "encryption.diskEncryptionSetId",
        "The disk encryption set '{set}' is in '{theirs}' and the disk is to be in '{ours}'. Both must be in one region.")
    static let setTypeMatch = EncryptionRule(
        "set-type-match", target: "encryption.type",
        "The disk's encryption type '{type}' is not that of the disk encryption set '{set}', '{theirs}'. Both must be the same.")
    static let encryptionChangeAttached = EncryptionRule(
        "encryption-change-attached", status: 409, code: "OperationNotAllowed", target: "encryption",
        "The encryption of '{disk}' cannot be changed while it is attached. Detach it first: coffer disk detach {disk} -g {group}")
    static let customerKeyKept = EncryptionRule(
        "customer-key-kept", in: [.year2021], status: 409, code: "PropertyChangeNotAllowed", target: "encryption.type",
        "Changing property 'encryption.type' is not allowed: '{disk}' is encrypted with a customer's key, which cannot be taken back. Make "
            + "a new disk and copy the data.")
    static let incrementalKeepsCustomerKey = EncryptionRule(
        "incremental-keeps-customer-key", in: [.current], status: 409, code: "OperationNotAllowed", target: "encryption.type",
        "'{disk}' has incremental snapshots, and so cannot go back from a customer's key to the platform's. Delete them first: {snapshots}.")
    static let incrementalOneSet = EncryptionRule(
        "incremental-one-set", status: 409, code: "OperationNotAllowed", target: "encryption.diskEncryptionSetId",
        "'{disk}' and all of its incremental snapshots must have one disk encryption set. Leave the set out, or delete the incremental "
            + "snapshots first: {snapshots}.")
    static let doubleEncryptionSKU = EncryptionRule(
        "double-encryption-sku", target: "sku.name",
        "Double encryption, with platform and customer keys, is not available for disks of the SKU '{sku}'. Choose Premium_LRS, for example.")
}
