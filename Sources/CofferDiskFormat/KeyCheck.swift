import CofferCrypto
package import CofferCore
package import CofferModel

/// A data key's fingerprint in the header: the first 16 bytes of HMAC-SHA-256 (RFC 2104) under the data key, over
/// `coffer key check v1`, the disk's id and the layer's number.
///
/// It lets a host refuse a wrong key before a byte is decrypted or overwritten with it. It tells nothing of the key to who
/// does not have it, and differs between disks and layers even where they share a key.
package struct KeyCheck: Equatable, Sendable {
    /// Length in bytes.
    package static let count = 16

    /// The 16 bytes.
    package let bytes: [UInt8]

    /// The check value of `key` as layer `layer` (0 or 1) of `disk`.
    package init(of key: borrowing SecretBytes, disk: DiskID, layer: Int) {
        let message = Array("coffer key check v1".utf8) + disk.bytes + [UInt8(truncatingIfNeeded: layer)]
        bytes = Array(HMAC.authenticate(message, key: key, using: .sha256).prefix(Self.count))
    }

    /// - Returns: nil unless there are 16 bytes.
    package init?(bytes: [UInt8]) {
        guard bytes.count == Self.count else { return nil }
        self.bytes = bytes
    }

    /// Whether `key` is the key that this value was made of; takes the same time either way.
    package func matches(_ key: borrowing SecretBytes, disk: DiskID, layer: Int) -> Bool {
        ConstantTime.equal(bytes, KeyCheck(of: key, disk: disk, layer: layer).bytes)
    }
}
