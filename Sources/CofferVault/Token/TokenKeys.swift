import CofferCore
import CofferModel
import CofferPlatform

/// The keys of premium vaults that live in a token: how they come there, and how they go.
struct TokenKeys: Sendable {
    /// How long a key may be in the making. An RSA key of 4096 bits takes some tokens minutes.
    static let patience: Duration = .seconds(15 * 60)
    /// How long after that it is left alone, for clocks of replicas differ.
    static let grace: Duration = .seconds(60)

    let token: any KeyToken
    let store: any Store
    let clock: any WallClock

    /// Makes a key for a version that is yet to be stored; ``WriteTransaction/add(_:in:at:)`` takes it into use.
    ///
    /// - Throws: an ``APIError`` if the token cannot.
    func generate(_ kind: TokenKeyKind, for name: TokenKeyName) async throws -> TokenPublicKey {
        try await making(name.id) { try await token.generate(kind, as: name) }
    }

    /// Moves a key into the token for a version that is yet to be stored.
    func importKey(_ material: borrowing SecretBytes, _ kind: TokenKeyKind, for name: TokenKeyName) async throws {
        try await reserve(name.id)
        do {
            try await token.importKey(material, kind, as: name)
        } catch {
            await destroyNow(name.id)
            throw APIError.token(error)
        }
    }

    /// Does an operation with a version's key.
    ///
    /// - Throws: ``TokenError/inputRefused`` if the input does not fit the key, an ``APIError`` if the token cannot.
    func perform(_ operation: TokenOperation, on input: borrowing SecretBytes, with key: TokenKeyID) async throws -> SecretBytes {
        do {
            return try await token.perform(operation, on: input, with: key)
        } catch {
            if let refusal = error as? TokenError, refusal == .inputRefused { throw refusal }
            throw APIError.token(error)
        }
    }

    /// Destroys a key that no version came to name. What fails here is done by ``sweep()``.
    func destroyNow(_ id: TokenKeyID) async {
        do {
            try await token.destroy(id)
            try await store.write { try $0.remove(id.hex, in: UnusedTokenKey.collection, if: .any) }
        } catch {
            // It stays written down.
        }
    }

    /// Destroys the keys that no version names any more. For ``VaultKeeper``.
    func sweep() async throws {
        let now = clock.now()
        let unused = try await store.read { try $0.values(UnusedTokenKey.self, in: UnusedTokenKey.collection, prefix: "") }
        for key in unused where key.due.adding(Self.grace) <= now {
            guard let id = TokenKeyID(hex: key.id) else { continue }
            try await token.destroy(id)
            try await store.write { try $0.remove(key.id, in: UnusedTokenKey.collection, if: .any) }
        }
    }

    private func making<R: Sendable>(_ id: TokenKeyID, _ body: () async throws -> R) async throws -> R {
        try await reserve(id)
        do {
            return try await body()
        } catch {
            await destroyNow(id)
            throw APIError.token(error)
        }
    }

    private func reserve(_ id: TokenKeyID) async throws {
        let record = UnusedTokenKey(id: id.hex, due: clock.now().adding(Self.patience))
        try await store.write { try $0.put(record, id.hex, in: UnusedTokenKey.collection, if: .absent) }
    }
}
