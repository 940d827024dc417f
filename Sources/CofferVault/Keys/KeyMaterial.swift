import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform

/// Makes and opens the material of keys and uses it, on threads of its own where that takes a processor's time, so that it never
/// stalls the tasks of the runtime.
struct KeyMaterial: Sendable {
    let sealer: any Sealer
    let cache: KeyCache
    /// Holds the keys of the HSM types; without it they are refused.
    private let tokenKeys: TokenKeys?
    /// Uses of private keys: a thread for each processor.
    private let uses: RSAWorkers
    private let signers = ECDSASigners()
    /// Making keys takes a thousand times longer than using them, so it has fewer threads and no place in that queue.
    private let makers: WorkerPool
    private let generate: @Sendable (Int) throws -> RSAKey

    /// - Parameters:
    ///   - token: Holds the keys of the HSM types.
    ///   - threads: How many uses of keys run at a time, about as many as there are processors.
    ///   - generate: Makes an RSA pair of so many bits.
    init(
        sealer: any Sealer, cache: KeyCache, token: TokenKeys?, threads: Int, generate: @escaping @Sendable (Int) throws -> RSAKey
    ) {
        self.sealer = sealer
        self.cache = cache
        tokenKeys = token
        self.generate = generate
        uses = RSAWorkers(name: "vault-keys", threads: threads)
        makers = WorkerPool(name: "vault-keygen", threads: max(1, threads / 2))
    }

    /// New material for a version that is yet to be stored.
    ///
    /// - Throws: an ``APIError`` for a kind that this vault cannot have.
    func make(
        _ kind: KeyKind, for name: ObjectName, _ version: ObjectVersionID, in vault: VaultRecord
    ) async throws -> StoredMaterial {
        guard kind.isHardware else { return try await keep(try await generated(kind), kind, for: name, version, in: vault) }
        let id = try TokenKeyID.random()
        let made = try await token(for: kind, in: vault).generate(kind.inToken, for: TokenKeyName(id, name, version, in: vault))
        return StoredMaterial(kind: kind, publicPart: PublicKeyPart(made, kind), sealedKey: "", tokenKey: id)
    }

    /// A new key that is nowhere yet.
    func generated(_ kind: KeyKind) async throws -> SoftwareKey {
        switch kind.family {
        case .rsa(let bits): .pair(.rsa(try await makers.run { [generate] in try generate(bits) }))
        case .ec(let curve): .pair(.ec(try await makers.run { try ECKey.generate(on: curve) }))
        case .oct(let bits): .symmetric(SymmetricKey(SecureRandom.secret(bits / 8)))
        }
    }

    /// Runs `body` where keys are made, because it takes as long: it proves that the numbers of a key from outside belong together, or
    /// signs a certificate.
    func apart<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        try await makers.run(body)
    }

    /// Seals a key for a version that is yet to be stored.
    ///
    /// - Throws: an ``APIError`` for a kind that this vault cannot have.
    func keep(
        _ key: SoftwareKey, _ kind: KeyKind, for name: ObjectName, _ version: ObjectVersionID, in vault: VaultRecord
    ) async throws -> StoredMaterial {
        if kind.isHardware {
            let id = try TokenKeyID.random()
            try await token(for: kind, in: vault)
                .importKey(try key.tokenMaterial(), kind.inToken, for: TokenKeyName(id, name, version, in: vault))
            return StoredMaterial(kind: kind, publicPart: key.publicPart, sealedKey: "", tokenKey: id)
        }
        let secret = try key.secret()
        let sealed = try await sealer.seal(secret, realm: vault.sealRealm, name: KeyVersionRecord.sealName(version, of: name))
        return StoredMaterial(kind: kind, publicPart: key.publicPart, sealedKey: Base64URL.encode(sealed), tokenKey: nil)
    }

    /// Does what `use` says with a version's key.
    ///
    /// - Throws: `SealError` if the stored key is not what was sealed, and what the use throws.
    func perform(_ use: KeyUse, with version: KeyVersionRecord, in vault: VaultRecord) async throws -> KeyUse.Output {
        if let id = version.tokenKeyID { return try await use.run(in: try runningToken(), with: id, publicPart: version) }
        let key = try await key(of: version, in: vault)
        return try await use.run(with: key, on: uses, signers)
    }

    /// What an RSA key's version decrypts, as a secret.
    ///
    /// - Throws: ``CryptoError/authenticationFailed`` if it was not encrypted with the key, ``CryptoError/unsupported`` of another kind.
    func unwrap(
        _ ciphertext: [UInt8], _ scheme: RSAEncryption, with version: KeyVersionRecord, in vault: VaultRecord
    ) async throws -> SecretBytes {
        if let id = version.tokenKeyID {
            guard let operation = TokenEncryption(rawValue: scheme.rawValue) else { throw CryptoError.unsupported }
            do {
                var input = ciphertext
                return try await runningToken().perform(.decrypt(operation), on: SecretBytes(wiping: &input), with: id)
            } catch let refusal as TokenError where refusal == .inputRefused {
                throw CryptoError.authenticationFailed
            }
        }
        guard case .pair(.rsa(let key)) = try await key(of: version, in: vault) else { throw CryptoError.unsupported }
        return try await uses.decrypt(ciphertext, using: scheme, with: key) { SymmetricKey($0.clone()) }.bytes.clone()
    }

    /// The key of a version, ready for use.
    ///
    /// - Throws: `SealError` if the stored key is not what was sealed.
    func key(of version: KeyVersionRecord, in vault: VaultRecord) async throws -> SoftwareKey {
        let path = version.path(in: vault)
        let (cached, ticket) = cache.key(path)
        if let cached { return cached }
        guard let sealed = Base64URL.decode(version.sealedKey) else { throw SealError.notAuthentic }
        let secret = try await sealer.open(sealed, realm: vault.sealRealm, name: version.sealName)
        let key = try SoftwareKey(secret, of: version.kind)
        cache.insert(key, path, ticket)
        return key
    }

    /// Forgets a version's key.
    func forget(_ version: KeyVersionRecord, in vault: VaultRecord) {
        cache.remove(version.path(in: vault))
    }

    /// Forgets the keys of all versions of a key.
    func forgetVersions(of name: ObjectName, in vault: VaultRecord) {
        cache.removeKeys(below: "\(ObjectRecord.path(name, in: vault))/")
    }

    /// Forgets the keys of a vault.
    func forgetVersions(in vault: VaultRecord) {
        cache.removeKeys(below: "\(vault.instance)/")
    }

    /// The token, for a new key of a vault.
    private func token(for kind: KeyKind, in vault: VaultRecord) throws -> TokenKeys {
        guard vault.sku == .premium else { throw APIError.needsPremium(kind.type, vault) }
        guard let tokenKeys else { throw APIError.needsToken(kind.type) }
        return tokenKeys
    }

    /// The token, for a key that is in it.
    private func runningToken() throws -> TokenKeys {
        guard let tokenKeys else { throw APIError.noToken }
        return tokenKeys
    }
}

/// The material of a version that is yet to be stored, as its record keeps it.
struct StoredMaterial: Sendable {
    let kind: KeyKind
    let publicPart: PublicKeyPart
    /// Sealed, as base 64 for URLs; empty of a key in the token.
    let sealedKey: String
    /// Of a key in the token, which is taken into use when the version is entered.
    let tokenKey: TokenKeyID?
}

extension KeyVersionRecord {
    /// A new version, enabled and without dates.
    init(
        _ material: StoredMaterial, of name: String, _ version: ObjectVersionID, isManaged: Bool, operations: [KeyOperation],
        tags: [String: String], created: Timestamp
    ) {
        self.init(
            name: name, version: version.text, isManaged: isManaged, type: material.kind.type, bits: material.kind.bits,
            publicPart: material.publicPart, sealedKey: material.sealedKey, tokenKey: material.tokenKey?.hex, created: created,
            updated: created, operations: operations, isEnabled: true, notBefore: nil, expires: nil, tags: tags)
    }
}
