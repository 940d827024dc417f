package import CofferCore

/// The data key of a disk's layer: two AES-256 keys for XTS, one after the other (IEEE 1619).
package enum DataKey {
    /// Length in bytes.
    package static let count = 64

    /// A new data key whose halves differ, without which XTS is weak (NIST SP 800-38E).
    package static func generate() -> SecretBytes {
        while true {
            let key = SecureRandom.secret(count)
            if isSound(key) { return key }
        }
    }

    /// Whether these are 64 bytes whose halves differ.
    package static func isSound(_ key: borrowing SecretBytes) -> Bool {
        key.count == count
            && key.withBytes { bytes in
                !ConstantTime.equal(bytes.extracting(first: count / 2), bytes.extracting(last: count / 2))
            }
    }
}
