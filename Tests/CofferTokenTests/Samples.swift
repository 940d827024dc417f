import CofferCore
import CofferCrypto
import CofferPlatform
import CofferTesting
import CofferToken
import Testing

extension SecretBytes {
    /// A secret that a test knows.
    init(_ bytes: [UInt8]) {
        var bytes = bytes
        self.init(wiping: &bytes)
    }

    /// What tests may look at and nothing else does.
    var revealed: [UInt8] {
        withBytes { span in unsafe span.withUnsafeBytes { unsafe Array($0) } }
    }
}

extension TokenKeyName {
    /// A new name.
    static func random(_ label: String = "test") throws -> TokenKeyName {
        TokenKeyName(id: try #require(TokenKeyID(SecureRandom.bytes(TokenKeyID.count))), label: label)
    }
}

extension KeyToken {
    /// The bytes that an operation gives.
    func bytes(_ operation: TokenOperation, _ input: [UInt8], _ key: TokenKeyID) async throws -> [UInt8] {
        try await perform(operation, on: SecretBytes(input), with: key).revealed
    }

    /// The public half of a new RSA key.
    func newRSA(_ bits: Int, as name: TokenKeyName) async throws -> RSAKey {
        guard case .rsa(let modulus, let exponent) = try await generate(.rsa(bits: bits), as: name) else {
            throw TokenError.noKey(name.id)
        }
        return try RSAKey(publicModulus: modulus, exponent: exponent)
    }
}

/// The error with which `body` ends, or nil if it ends well.
func refusal(_ body: () async throws -> Void) async -> TokenError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? TokenError
    }
}

/// The token that most tests share.
enum SharedToken {
    static let opened = Task {
        try #require(SoftToken.isReady)
        return try await PKCS11Token.open(
            module: SoftToken.module, label: SoftToken.shared, pin: SecretBytes(Array(SoftToken.pin.utf8)), threads: 4)
    }

    static func get() async throws -> PKCS11Token { try await opened.value }
}
