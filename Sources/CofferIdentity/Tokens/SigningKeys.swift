package import CofferCore
import CofferCrypto
import CofferModel
package import CofferPlatform

/// The keys that sign tokens, and those that have signed tokens still alive.
///
/// A key signs for 30 days of the clock; the first token after that makes the next key. Replicas agree through the store:
/// keys are numbered, and of those who write the same number one succeeds. An old key stays published until a day after
/// its last signature.
package actor SigningKeys {
    private struct Current {
        let record: SigningKeyRecord
        let key: RSAKey
    }

    private let store: any Store
    private let sealer: any Sealer
    private let clock: any WallClock
    private let workers: WorkerPool
    private var current: Current?
    private var verifiers: [String: (key: RSAKey, retires: Timestamp)] = [:]

    /// - Parameter workers: Runs RSA operations, which take long.
    package init(store: any Store, sealer: any Sealer, clock: any WallClock, workers: WorkerPool) {
        self.store = store
        self.sealer = sealer
        self.clock = clock
        self.workers = workers
    }

    /// Makes the first key if there is none, and proves that the present one opens.
    /// - Throws: ``SealError/wrongRootKey`` if the keys were sealed under another root key.
    package func prepare() async throws {
        _ = try await signer()
    }

    /// Signs with the present key (RS256, RFC 7518 section 3.3) what `compose` makes of that key's id.
    func sign(_ compose: @Sendable (_ keyID: String) throws -> [UInt8]) async throws -> (message: [UInt8], signature: [UInt8]) {
        let signer = try await signer()
        let message = try compose(signer.record.keyID)
        let digest = DigestAlgorithm.sha256.hash(message)
        let key = signer.key
        let signature = try await workers.run { try key.sign(digest: digest, using: .rs256) }
        return (message, signature)
    }

    /// The public key with this id, or nil if none of ours has it or it has retired.
    func verifier(_ keyID: String) async throws -> RSAKey? {
        let now = clock.now()
        if let known = verifiers[keyID] { return known.retires > now ? known.key : nil }
        // Another replica may have begun a key that this one has not seen.
        for record in try await records() where record.keyID == keyID && record.retires > now {
            let key = try record.publicKey()
            remember(key, of: record)
            return key
        }
        return nil
    }

    /// The JSON Web Key Set (RFC 7517 section 5).
    func webKeySet() async throws -> JSONValue {
        _ = try await signer()
        let now = clock.now()
        return ["keys": .array(try await records().filter { $0.retires > now }.map(\.webKey))]
    }

    private func signer() async throws -> Current {
        if let current, current.record.signsUntil > clock.now() { return current }
        while true {
            let records = try await records()
            if let latest = records.last, latest.signsUntil > clock.now() {
                let found = Current(record: latest, key: try await latest.privateKey(openedBy: sealer))
                current = found
                return found
            }
            do {
                try await makeKey(after: records)
            } catch StoreError.preconditionFailed {
                // Another replica made this number; its key is read next.
                continue
            }
        }
    }

    private func makeKey(after records: [SigningKeyRecord]) async throws {
        let key = try await workers.run { try RSAKey.generate(bits: 2048) }
        let modulus = Base64URL.encode(key.modulus)
        let exponent = Base64URL.encode(key.exponent)
        let keyID = SigningKeyRecord.thumbprint(modulus: modulus, exponent: exponent)
        let secret = try key.pkcs8()
        let sealed = try await sealer.seal(secret, realm: SigningKeyRecord.realm, name: keyID)
        let now = clock.now()
        let record = SigningKeyRecord(
            number: (records.last?.number ?? 0) + 1, keyID: keyID, created: now, modulus: modulus, exponent: exponent,
            sealedPrivateKey: Base64URL.encode(sealed)
        )
        let retired = records.filter { $0.retires <= now }.map(\.documentID)
        try await store.write { transaction in
            try transaction.put(record, record.documentID, in: SigningKeyRecord.collection, if: .absent)
            for id in retired { try transaction.remove(id, in: SigningKeyRecord.collection, if: .any) }
        }
    }

    private func records() async throws -> [SigningKeyRecord] {
        try await store.read { try $0.values(SigningKeyRecord.self, in: SigningKeyRecord.collection) }
    }

    private func remember(_ key: RSAKey, of record: SigningKeyRecord) {
        let now = clock.now()
        verifiers = verifiers.filter { $0.value.retires > now }
        verifiers[record.keyID] = (key, record.retires)
    }
}
