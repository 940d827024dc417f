import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform

/// Encrypts, decrypts, wraps, unwraps, signs and verifies with the keys of a vault. Knows nothing of HTTP.
struct KeyUseService: Sendable {
    let store: any Store
    let material: KeyMaterial
    let clock: any WallClock

    /// - Parameter version: The version to use, or nil for the current one.
    /// - Throws: an ``APIError`` if there is no such key, if it may not be used so, or if the input does not fit it.
    func use(
        _ name: ObjectName, version: String?, for operation: KeyOperation, _ body: UseKeyBody, in vault: VaultRecord,
        by grant: Grant
    ) async throws -> KeyUseResult {
        let record = try await store.read { try $0.version(KeyVersionRecord.self, of: name, version, in: vault) }
        if !record.isEnabled { material.forget(record, in: vault) }
        try record.check(operation, at: clock.now())
        let input = try Input(body, for: operation, bits: record.bits)
        return KeyUseResult(version: record, output: try await material.using(record, in: vault) { try input.run(with: $0) })
    }
}

/// What came out, and the version that was used.
struct KeyUseResult: Sendable {
    enum Output: Sendable {
        case bytes([UInt8])
        case holds(Bool)
    }

    let version: KeyVersionRecord
    let output: Output
}

extension KeyVersionRecord {
    /// Whether this version may be used for `operation` at a time.
    ///
    /// - Throws: an ``APIError`` of status 403 with the first reason why not.
    func check(_ operation: KeyOperation, at now: Timestamp) throws {
        guard isEnabled else { throw APIError.keyDisabled(operation) }
        guard operations.contains(operation) else { throw APIError.keyOperationForbidden(operation, operations) }
        guard !operation.isAllowedOutsideDates else { return }
        if let notBefore, now < notBefore { throw APIError.keyNotYetValid(operation, notBefore) }
        if let expires, now >= expires { throw APIError.keyExpired(operation, expires) }
    }
}

/// An operation with its input, checked against the size of the key.
private enum Input: Sendable {
    case encrypt([UInt8], RSAEncryption)
    case decrypt([UInt8], RSAEncryption)
    case sign([UInt8], RSASignature)
    case verify(signature: [UInt8], digest: [UInt8], RSASignature)

    init(_ body: UseKeyBody, for operation: KeyOperation, bits: Int) throws {
        let value = try Self.bytes(body.value, "value")
        let length = bits / 8
        switch operation {
        case .encrypt, .wrapKey:
            let scheme = try Self.encryption(body.alg)
            let limit = length - scheme.overhead
            guard !value.isEmpty, value.count <= limit else {
                throw APIError.badParameter(
                    "The value has \(value.count) bytes. With \(scheme.rawValue) an RSA key of \(bits) bits takes 1 to \(limit) bytes.")
            }
            self = .encrypt(value, scheme)
        case .decrypt, .unwrapKey:
            let scheme = try Self.encryption(body.alg)
            guard value.count == length else {
                throw APIError.badParameter(
                    "The value has \(value.count) bytes. What an RSA key of \(bits) bits encrypted has \(length) bytes.")
            }
            self = .decrypt(value, scheme)
        case .sign:
            let scheme = try Self.signature(body.alg)
            self = .sign(try Self.digest(value, scheme), scheme)
        case .verify:
            let scheme = try Self.signature(body.alg)
            guard let text = body.digest else { throw APIError.badParameter("The digest is missing.") }
            self = .verify(signature: value, digest: try Self.digest(Self.bytes(text, "digest"), scheme), scheme)
        }
    }

    /// Runs on a thread of the pool.
    func run(with key: RSAKey) throws -> KeyUseResult.Output {
        switch self {
        case .encrypt(let value, let scheme):
            return .bytes(try unsafe key.encrypt(value.span.bytes, using: scheme))
        case .decrypt(let value, let scheme):
            let plaintext: SecretBytes
            do {
                plaintext = try key.decrypt(value, using: scheme)
            } catch {
                guard error == .authenticationFailed else { throw error }
                throw APIError.badParameter("The value cannot be decrypted with this version of the key and \(scheme.rawValue).")
            }
            // From here it is on its way into an answer, and not a secret of ours any more.
            return .bytes(plaintext.withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } })
        case .sign(let digest, let scheme):
            return .bytes(try key.sign(digest: digest, using: scheme))
        case .verify(let signature, let digest, let scheme):
            return .holds(try key.verify(signature, digest: digest, using: scheme))
        }
    }

    private static func bytes(_ text: String, _ name: String) throws -> [UInt8] {
        guard let bytes = Base64URL.decode(text) else {
            throw APIError.badParameter("The \(name) is not base 64 with the alphabet for URLs.")
        }
        return bytes
    }

    private static func encryption(_ name: String) throws -> RSAEncryption {
        guard let scheme = RSAEncryption(rawValue: name) else {
            throw APIError.algorithmNotSupported(name, RSAEncryption.allCases.map(\.rawValue))
        }
        return scheme
    }

    private static func signature(_ name: String) throws -> RSASignature {
        guard let scheme = RSASignature(rawValue: name) else {
            throw APIError.algorithmNotSupported(name, RSASignature.allCases.map(\.rawValue))
        }
        return scheme
    }

    private static func digest(_ bytes: [UInt8], _ scheme: RSASignature) throws -> [UInt8] {
        guard bytes.count == scheme.digest.length else {
            throw APIError.badParameter(
                "The digest has \(bytes.count) bytes. \(scheme.rawValue) signs a digest of \(scheme.digest.length) bytes.")
        }
        return bytes
    }
}

extension RSAEncryption {
    /// Bytes by which a plaintext must be shorter than the modulus (RFC 8017 sections 7.1.1 and 7.2.1).
    fileprivate var overhead: Int {
        switch self {
        case .oaep: 42
        case .oaep256: 66
        case .pkcs1: 11
        }
    }
}
