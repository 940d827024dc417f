import CofferCore
import CofferPlatform
import Synchronization

/// Tokens that were found valid, by their SHA-256, so that a client's next request costs no signature check.
final class TokenCache: Sendable {
    /// What a valid token said.
    struct Entry: Sendable {
        let objectID: String
        let applicationID: String
        /// Of a person.
        let userPrincipalName: String?
        let audience: String
        let expires: Timestamp
        /// The ETag of the principal's document; the token is checked anew when it changes.
        let principalETag: String
    }

    private let entries = Mutex<[[UInt8]: Entry]>([:])
    private let capacity: Int

    /// - Parameter capacity: The most tokens that are remembered.
    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    func entry(_ hash: [UInt8], at now: Timestamp) -> Entry? {
        entries.withLock { entries in
            guard let entry = entries[hash] else { return nil }
            guard entry.expires > now else {
                entries[hash] = nil
                return nil
            }
            return entry
        }
    }

    func remember(_ entry: Entry, for hash: [UInt8], at now: Timestamp) {
        entries.withLock { entries in
            if entries.count >= capacity {
                entries = entries.filter { $0.value.expires > now }
                // Only valid tokens get here, so a full cache means many clients; starting over is cheaper than an order.
                if entries.count >= capacity { entries.removeAll(keepingCapacity: true) }
            }
            entries[hash] = entry
        }
    }

    func forget(_ hash: [UInt8]) {
        entries.withLock { $0[hash] = nil }
    }

    var count: Int { entries.withLock { $0.count } }
}
