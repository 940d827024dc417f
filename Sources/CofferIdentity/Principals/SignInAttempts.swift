import CofferCore
import CofferPlatform

/// How often signing in as a person went wrong since it last went well. The document, by object id, is written before a password is looked
/// at, so that guesses at the same moment and on several replicas count too.
struct SignInAttempts: Codable, Equatable, Sendable {
    static let collection = "user-sign-in-attempts"

    var count: Int
    var last: Timestamp

    /// So many attempts in a row are free.
    static let free = 10
    private static let shortestLock: Int64 = 60
    private static let longestLock: Int64 = 3600

    /// When the next attempt is looked at: after ten failures a minute later, and with each more the wait doubles, up to an hour.
    var nextAttempt: Timestamp {
        guard count >= Self.free else { return last }
        let doublings = min(count - Self.free, 6)
        return last.adding(.seconds(min(Self.shortestLock << Int64(doublings), Self.longestLock)))
    }
}

extension WriteTransaction {
    /// Counts an attempt to sign in.
    ///
    /// - Throws: ``TokenError/locked(until:)`` if there were too many.
    func countAttempt(of user: UserRecord, at now: Timestamp) throws {
        // Of who was removed in the meantime nothing must stay.
        guard try self.user(user.objectID) != nil else { throw TokenError.wrongPassword }
        var attempts = try value(SignInAttempts.self, user.objectID, in: SignInAttempts.collection)?.value
            ?? SignInAttempts(count: 0, last: now)
        guard attempts.count < SignInAttempts.free || attempts.nextAttempt <= now else {
            throw TokenError.locked(until: attempts.nextAttempt)
        }
        attempts.count += 1
        attempts.last = now
        try put(attempts, user.objectID, in: SignInAttempts.collection)
    }

    /// Forgets them, for it went well, or the person has another password.
    func forgetAttempts(of user: UserRecord) throws {
        try remove(user.objectID, in: SignInAttempts.collection, if: .any)
    }
}
