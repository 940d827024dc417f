/// A data key on its way to one recipient: an HPKE box (RFC 9180) that only the recipient's private key opens.
///
/// Data keys cross processes and ports in this form alone.
package struct SealedKey: Codable, Equatable, Sendable {
    /// Encapsulated key, ciphertext and tag, one after the other.
    package let box: [UInt8]

    package init(box: [UInt8]) {
        self.box = box
    }

    /// What an HPKE box for a data key is bound to besides the recipient: its purpose.
    package static let purpose = Array("coffer data key v1".utf8)

    /// What an HPKE box for a data key is bound to besides the recipient: the disk and the layer.
    package static func binding(disk: DiskID, layer: Int) -> [UInt8] {
        Array("\(disk.text)/\(layer)".utf8)
    }
}
