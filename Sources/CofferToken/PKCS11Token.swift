import CPKCS11
package import CofferCore
import CofferCrypto
package import CofferPlatform
import Synchronization

/// A token behind a PKCS #11 module (OASIS PKCS #11 v2.40), such as SoftHSM's or an HSM's.
///
/// Everything happens on threads of its own, because a call to a module may take as long as it likes. When the token goes away and
/// comes back, the next operation logs in again.
package final class PKCS11Token: KeyToken {
    private enum State {
        case connected(TokenConnection)
        /// The PIN is not tried again.
        case refused(TokenError)
    }

    private let module: TokenModule
    private let label: String
    private let pin: SecretBytes
    /// Uses of keys.
    private let users: WorkerPool
    /// Keys are made and destroyed one at a time: making one takes long and must not stand in the way of uses, and SoftHSM fails
    /// where several threads change its objects.
    private let makers: WorkerPool
    private let state: Mutex<State>

    /// Loads the module, finds the token and logs in.
    ///
    /// - Parameters:
    ///   - path: The module's shared library.
    ///   - label: The token's.
    ///   - pin: The user's PIN, kept in locked memory for later logins.
    ///   - threads: How many operations run at a time, if the token has as many sessions.
    /// - Throws: ``TokenError``.
    package static func open(
        module path: String, label: String, pin: consuming SecretBytes, threads: Int
    ) async throws -> PKCS11Token {
        let pin = Carried(pin)
        let connection = try await WorkerPool(name: "token-login", threads: 1).run {
            try TokenConnection(module: TokenModule(path: path), label: label, pin: pin.secret)
        }
        return PKCS11Token(connection, label: label, pin: pin.secret.clone(), threads: threads)
    }

    private init(_ connection: TokenConnection, label: String, pin: consuming SecretBytes, threads: Int) {
        module = connection.module
        self.label = label
        self.pin = pin
        users = WorkerPool(name: "token", threads: min(max(1, threads), max(1, connection.sessionLimit - 1)))
        makers = WorkerPool(name: "token-keys", threads: 1)
        state = Mutex(.connected(connection))
    }

    package func generate(_ kind: TokenKeyKind, as name: TokenKeyName) async throws -> TokenPublicKey {
        try await change { session, _ in
            try session.checkNoKey(name.id)
            let publicKey = try session.repeating(name.id) { try session.generate(kind, as: name) }
            try session.checkLasting(name.id, kind)
            return publicKey
        }
    }

    package func importKey(_ material: borrowing SecretBytes, _ kind: TokenKeyKind, as name: TokenKeyName) async throws {
        let material = Carried(material.clone())
        try await change { session, _ in
            try session.checkNoKey(name.id)
            try session.repeating(name.id) { try session.importKey(material.secret, kind, as: name) }
            try session.checkLasting(name.id, kind)
        }
    }

    package func perform(
        _ operation: TokenOperation, on input: borrowing SecretBytes, with key: TokenKeyID
    ) async throws -> SecretBytes {
        let input = Carried(input.clone())
        return try await use { session, connection in
            try connection.withKey(key, operation.objectClass, session) { handle in
                Carried(try session.perform(operation, on: input.secret, with: handle, connection))
            }
        }.secret.clone()
    }

    package func destroy(_ key: TokenKeyID) async throws {
        try await change { session, connection in
            connection.forget(key)
            try session.destroyKey(key)
        }
    }

    package func random(_ count: Int) async throws -> SecretBytes {
        guard (1...4096).contains(count) else { throw TokenError.inputRefused }
        return try await use { session, _ in Carried(try session.random(count)) }.secret.clone()
    }

    private func use<R: Sendable>(_ body: @escaping @Sendable (TokenSession, TokenConnection) throws -> R) async throws -> R {
        try await users.run { [self] in try run(body) }
    }

    private func change<R: Sendable>(_ body: @escaping @Sendable (TokenSession, TokenConnection) throws -> R) async throws -> R {
        try await makers.run { [self] in try run(body) }
    }

    /// Runs `body` with a session; with a new one of a new login if the token was away.
    private func run<R>(_ body: (TokenSession, TokenConnection) throws -> R) throws -> R {
        let connection = try connection()
        do {
            return try connection.using { try body($0, connection) }
        } catch let error as CryptokiError {
            guard error.isLost else { throw error.tokenError }
        }
        let fresh = try reconnect(after: connection)
        do {
            return try fresh.using { try body($0, fresh) }
        } catch let error as CryptokiError {
            throw error.tokenError
        }
    }

    private func connection() throws -> TokenConnection {
        switch state.withLock({ $0 }) {
        case .connected(let connection): return connection
        case .refused(let error): throw error
        }
    }

    /// Logs in again, unless another thread did that since `lost` was the connection.
    private func reconnect(after lost: TokenConnection) throws -> TokenConnection {
        try state.withLock { state in
            switch state {
            case .refused(let error): throw error
            case .connected(let current) where current !== lost: return current
            case .connected: break
            }
            do {
                let fresh = try TokenConnection(module: module, label: label, pin: pin)
                state = .connected(fresh)
                return fresh
            } catch {
                if let refusal = error as? TokenError, case .pinRefused = refusal { state = .refused(refusal) }
                throw error
            }
        }
    }
}

/// A secret on its way to a thread and back.
private final class Carried: Sendable {
    let secret: SecretBytes

    init(_ secret: consuming SecretBytes) {
        self.secret = secret
    }
}

extension TokenOperation {
    /// Of the key that it is done with.
    fileprivate var objectClass: CK_OBJECT_CLASS {
        switch self {
        case .decrypt, .sign: CK_OBJECT_CLASS(CKO_PRIVATE_KEY)
        case .encryptBlocks, .decryptBlocks, .seal, .open, .wrap, .unwrap: CK_OBJECT_CLASS(CKO_SECRET_KEY)
        }
    }
}
