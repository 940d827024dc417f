package import CofferCore

/// Encrypts what the database must not see. Answered by CofferSeal.
///
/// Hierarchy: the root key wraps one key per `realm` (a vault, the token service, the platform); that key seals the secret
/// with AES-256-GCM, bound to `realm` and `name`, so that a sealed value copied elsewhere does not open.
package protocol Sealer: Sendable {
    func seal(_ secret: borrowing SecretBytes, realm: String, name: String) async throws -> [UInt8]
    /// - Throws: ``SealError/notAuthentic`` if the bytes were not sealed for this realm and name, or were altered.
    func open(_ sealed: [UInt8], realm: String, name: String) async throws -> SecretBytes
}

package enum SealError: Error, Equatable, Sendable {
    case notAuthentic
    /// This data directory was sealed under another root key.
    case wrongRootKey
}
