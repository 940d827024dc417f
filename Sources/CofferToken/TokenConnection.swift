import CPKCS11
import CofferCore
import CofferPlatform
import Synchronization

/// A login to a token with its sessions. When the token goes away, a new one takes its place.
final class TokenConnection: Sendable {
    let module: TokenModule
    /// How many sessions there may be besides the one that keeps the login.
    let sessionLimit: Int

    private let slot: CK_SLOT_ID
    /// Never used, so that the login outlives every other session: it ends with the process's last one.
    private let anchor: TokenSession
    private let idle = Mutex<[TokenSession]>([])
    /// Handles of keys found before.
    private let handles = Mutex<[TokenKeyID: CK_OBJECT_HANDLE]>([:])
    private let missing = Mutex<Set<String>>([])

    /// Finds the token and logs in.
    ///
    /// - Throws: ``TokenError``; ``TokenError/pinRefused(_:name:)`` if it must not be tried again.
    init(module: TokenModule, label: String, pin: borrowing SecretBytes) throws(TokenError) {
        try module.initialize()
        let slot = try module.slot(ofToken: label)
        let anchor: TokenSession
        do {
            anchor = try TokenSession(module: module, slot: slot)
        } catch {
            throw error.tokenError
        }
        do {
            try anchor.logIn(pin)
        } catch {
            anchor.close()
            throw error.isRefusedPIN ? .pinRefused(label, name: error.name) : error.tokenError
        }
        self.module = module
        self.slot = slot
        self.anchor = anchor
        var info = CK_TOKEN_INFO()
        let code = unsafe coffer_pkcs11_token_info(module.functions, slot, &info)
        let limit = code == CKR_OK ? info.ulMaxRwSessionCount : 0
        // 0 is no limit, the largest number an unknown one.
        sessionLimit = limit == 0 || limit > 1024 ? 1024 : Int(limit) - 1
    }

    /// Runs `body` with a session that nobody else uses meanwhile.
    func using<R>(_ body: (TokenSession) throws -> R) throws -> R {
        let session = try idle.withLock { $0.popLast() } ?? TokenSession(module: module, slot: slot)
        do {
            let result = try body(session)
            idle.withLock { $0.append(session) }
            return result
        } catch let error as CryptokiError {
            // What it was doing may still be going on in it.
            session.close()
            throw error
        } catch {
            idle.withLock { $0.append(session) }
            throw error
        }
    }

    /// Runs `body` with a key's handle, and once more if that is not valid any more.
    ///
    /// - Throws: ``TokenError/noKey(_:)``, ``CryptokiError``, and what `body` throws.
    func withKey<R>(
        _ id: TokenKeyID, _ objectClass: CK_OBJECT_CLASS, _ session: TokenSession, _ body: (CK_OBJECT_HANDLE) throws -> R
    ) throws -> R {
        if let known = handles.withLock({ $0[id] }) {
            do {
                return try body(known)
            } catch let error as CryptokiError {
                guard error.isStaleHandle else { throw error }
                forget(id)
            }
        }
        guard let found = try session.find(.query(id, objectClass)).first else { throw TokenError.noKey(id) }
        handles.withLock { $0[id] = found }
        return try body(found)
    }

    /// Forgets a key's handle.
    func forget(_ id: TokenKeyID) {
        handles.withLock { $0[id] = nil }
    }

    /// Whether the token was seen not to do something.
    func lacks(_ ability: String) -> Bool { missing.withLock { $0.contains(ability) } }

    func note(lacking ability: String) {
        missing.withLock { _ = $0.insert(ability) }
    }

    deinit {
        for session in idle.withLock({ $0 }) { session.close() }
        anchor.close()
    }
}
