package import CofferModel

/// Makes, opens and re-wraps the data keys of disks. Answered by CofferVault for customers' keys, which it does with the
/// permissions of `identity` and an audit event each, and by CofferSeal for platform keys.
///
/// No data key passes through this port in clear: each answer seals it to `recipient`, an X25519 public key.
package protocol KeyService: Sendable {
    /// A key's state, or that of its current version if `key` names none.
    func status(of key: KeyURL, as identity: Caller) async throws -> KeyStatus
    /// Makes a data key of 64 bytes (AES-256-XTS) for a disk's layer and wraps it under a versioned key.
    func makeDataKey(under keyID: String, as identity: Caller, for recipient: DataKeyRecipient) async throws -> WrappedDataKey
    /// Unwraps a layer's data key.
    func openDataKey(_ layer: DiskLayer, as identity: Caller, for recipient: DataKeyRecipient) async throws -> SealedKey
    /// Wraps a layer's data key under another key or version, and seals to `recipient` what the new wrap gives back.
    ///
    /// - Throws: an ``APIError`` if either key may not be used; the old wrap stays valid.
    func rewrapDataKey(
        _ layer: DiskLayer, under keyID: String, as identity: Caller, for recipient: DataKeyRecipient
    ) async throws -> WrappedDataKey
    /// Wraps a data key that another key service, or this one as another identity, gives away, and seals to `recipient` what the
    /// new wrap gives back.
    ///
    /// - Parameter giving: Seals the data key to the recipient that it is called with, which lives as long as this call.
    /// - Throws: an ``APIError`` if the key may not be used, and what `giving` throws.
    func adoptDataKey(
        under keyID: String, as identity: Caller, for recipient: DataKeyRecipient,
        giving: (DataKeyRecipient) async throws -> SealedKey
    ) async throws -> WrappedDataKey
}

/// Whom a data key is sealed to, and for which layer of which disk.
package struct DataKeyRecipient: Sendable {
    /// An X25519 public key, 32 bytes.
    package let publicKey: [UInt8]
    package let disk: DiskID
    package let layer: Int

    package init(publicKey: [UInt8], disk: DiskID, layer: Int) {
        self.publicKey = publicKey
        self.disk = disk
        self.layer = layer
    }
}

/// A data key in the two forms that leave a key service: wrapped for the header, sealed for the recipient.
package struct WrappedDataKey: Sendable {
    package let layer: DiskLayer
    package let sealed: SealedKey

    package init(layer: DiskLayer, sealed: SealedKey) {
        self.layer = layer
        self.sealed = sealed
    }
}
