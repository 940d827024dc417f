import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform

/// Makes and opens the material of keys, and does on threads of its own what takes a processor's time, so that it never
/// stalls the tasks of the runtime.
struct KeyMaterial: Sendable {
    private let sealer: any Sealer
    let cache: RSAKeyCache
    /// Uses of private keys: a thread for each processor.
    private let uses: WorkerPool
    /// Making keys takes a thousand times longer than using them, so it has fewer threads and no place in that queue.
    private let makers: WorkerPool
    private let generate: @Sendable (Int) throws -> RSAKey

    /// - Parameters:
    ///   - threads: How many uses of keys run at a time, about as many as there are processors.
    ///   - generate: Makes a pair of so many bits.
    init(sealer: any Sealer, cache: RSAKeyCache, threads: Int, generate: @escaping @Sendable (Int) throws -> RSAKey) {
        self.sealer = sealer
        self.cache = cache
        self.generate = generate
        uses = WorkerPool(name: "vault-keys", threads: threads)
        makers = WorkerPool(name: "vault-keygen", threads: max(1, threads / 2))
    }

    /// A new pair, and its private half sealed for a version that is yet to be stored.
    func make(bits: Int, realm: String, sealName: String) async throws -> (key: RSAKey, sealed: [UInt8]) {
        let key = try await makers.run { [generate] in try generate(bits) }
        let secret = try key.pkcs8()
        return (key, try await sealer.seal(secret, realm: realm, name: sealName))
    }

    /// Runs `body` with a version's private key.
    ///
    /// - Throws: `SealError` if the stored key is not what was sealed, and what `body` throws.
    func using<R: Sendable>(
        _ version: KeyVersionRecord, in vault: VaultRecord, _ body: @escaping @Sendable (RSAKey) throws -> R
    ) async throws -> R {
        let key = try await privateKey(of: version, in: vault)
        return try await uses.run { try body(key) }
    }

    /// Runs `body` with two versions' private keys.
    func using<R: Sendable>(
        _ first: (version: KeyVersionRecord, vault: VaultRecord), _ second: (version: KeyVersionRecord, vault: VaultRecord),
        _ body: @escaping @Sendable (RSAKey, RSAKey) throws -> R
    ) async throws -> R {
        let firstKey = try await privateKey(of: first.version, in: first.vault)
        let secondKey = try await privateKey(of: second.version, in: second.vault)
        return try await uses.run { try body(firstKey, secondKey) }
    }

    /// Forgets a version's private key.
    func forget(_ version: KeyVersionRecord, in vault: VaultRecord) {
        cache.remove(version.path(in: vault))
    }

    /// Forgets the private keys of all versions of a key.
    func forgetVersions(of name: ObjectName, in vault: VaultRecord) {
        cache.removeKeys(below: "\(ObjectRecord.path(name, in: vault))/")
    }

    /// Forgets the private keys of a vault.
    func forgetVersions(in vault: VaultRecord) {
        cache.removeKeys(below: "\(vault.instance)/")
    }

    private func privateKey(of version: KeyVersionRecord, in vault: VaultRecord) async throws -> RSAKey {
        let path = version.path(in: vault)
        let (cached, ticket) = cache.key(path)
        if let cached { return cached }
        guard let sealed = Base64URL.decode(version.sealedKey) else { throw SealError.notAuthentic }
        let secret = try await sealer.open(sealed, realm: vault.sealRealm, name: version.sealName)
        let key = try RSAKey(pkcs8: secret)
        cache.insert(key, path, ticket)
        return key
    }
}
