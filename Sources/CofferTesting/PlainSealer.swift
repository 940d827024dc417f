package import CofferCore
import CofferPlatform

/// A sealer that hides nothing, but like the real one opens a value only for the realm and name that it was sealed for.
package struct PlainSealer: Sealer {
    package init() {}

    package func seal(_ secret: borrowing SecretBytes, realm: String, name: String) async throws -> [UInt8] {
        var sealed = Self.binding(realm, name)
        secret.withBytes { bytes in
            for offset in 0..<bytes.byteCount { sealed.append(unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)) }
        }
        return sealed
    }

    package func open(_ sealed: [UInt8], realm: String, name: String) async throws -> SecretBytes {
        let binding = Self.binding(realm, name)
        guard sealed.starts(with: binding) else { throw SealError.notAuthentic }
        var secret = Array(sealed.dropFirst(binding.count))
        return SecretBytes(wiping: &secret)
    }

    private static func binding(_ realm: String, _ name: String) -> [UInt8] {
        Array("plain \(realm)".utf8) + [0] + Array(name.utf8) + [0]
    }
}
