import CofferCore

/// Counts what vaults and subscriptions take in windows of ten seconds. A window begins with its first request; with the
/// next window the buckets are full again. A value without a clock of its own.
struct ThrottleMachine: Sendable {
    static let window: Duration = .seconds(10)
    /// A subscription may take so many times what one of its vaults may.
    static let subscriptionFactor = 5
    private static let manyOwners = 1024

    /// Whose buckets: a vault's or a subscription's id.
    private struct Owner: Hashable {
        let id: String
        let bucket: ThrottleCost.Bucket
    }

    private struct Window {
        let end: Timestamp
        var taken: Int
    }

    private var windows: [Owner: Window] = [:]
    /// When more owners are remembered, those whose window is over are forgotten.
    private var mostOwners = Self.manyOwners

    /// How many vaults and subscriptions are remembered, each of their buckets counted.
    var ownerCount: Int { windows.count }

    /// Takes one unit, unless the vault's or the subscription's bucket is empty; then nothing is taken from either.
    ///
    /// - Returns: nil if the request may go on, else when to come again.
    mutating func admit(_ bucket: ThrottleCost.Bucket, vault: String, subscription: String, at now: Timestamp) -> Timestamp? {
        if windows.count > mostOwners {
            windows = windows.filter { $0.value.end > now }
            mostOwners = max(Self.manyOwners, windows.count * 2)
        }
        let owners = [
            (Owner(id: vault, bucket: bucket), bucket.limit),
            (Owner(id: subscription, bucket: bucket), bucket.limit * Self.subscriptionFactor),
        ]
        var wait: Timestamp?
        for (owner, limit) in owners {
            let window = window(of: owner, at: now)
            if window.taken >= limit { wait = max(wait ?? window.end, window.end) }
        }
        if let wait { return wait }
        for (owner, _) in owners { take(1, from: owner, at: now) }
        return nil
    }

    /// Takes more units for a request that was admitted and turned out to be dearer. The bucket may be overdrawn by it; then
    /// the next one waits.
    mutating func take(_ units: Int, _ bucket: ThrottleCost.Bucket, vault: String, subscription: String, at now: Timestamp) {
        guard units > 0 else { return }
        take(units, from: Owner(id: vault, bucket: bucket), at: now)
        take(units, from: Owner(id: subscription, bucket: bucket), at: now)
    }

    private mutating func take(_ units: Int, from owner: Owner, at now: Timestamp) {
        var window = window(of: owner, at: now)
        window.taken += units
        windows[owner] = window
    }

    private func window(of owner: Owner, at now: Timestamp) -> Window {
        if let window = windows[owner], now < window.end, window.end <= now.adding(Self.window) { return window }
        return Window(end: now.adding(Self.window), taken: 0)
    }
}
