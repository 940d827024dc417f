import CofferCore
import CofferModel
import CofferPlatform
import Synchronization

/// Refuses what exceeds a vault's published limits. Each replica counts what it answers itself.
final class Throttle: Sendable {
    private let clock: any WallClock
    private let machine = Mutex(ThrottleMachine())

    init(clock: any WallClock) {
        self.clock = clock
    }

    /// Runs `body` if the vault's limits allow one more `operation`, and counts what it then was.
    ///
    /// - Throws: ``APIError/throttled(_:)``, which counts for nothing, or what `body` throws, which counts as the cheapest
    ///   request.
    func admitting(
        _ operation: String, in vault: VaultRecord, _ body: () async throws -> VaultAnswer
    ) async throws -> VaultAnswer {
        let (owner, subscription) = (vault.instance, vault.id.subscription?.lowercased() ?? "")
        let least = ThrottleCost(operation)
        let now = clock.now()
        if let end = machine.withLock({ $0.admit(least.bucket, vault: owner, subscription: subscription, at: now) }) {
            throw APIError.throttled(max(1, (end.milliseconds - now.milliseconds + 999) / 1000))
        }
        let answer = try await body()
        if let key = answer.key {
            let cost = ThrottleCost(operation, key)
            machine.withLock { $0.take(cost.units - 1, cost.bucket, vault: owner, subscription: subscription, at: now) }
        }
        return answer
    }
}

extension APIError {
    /// 429: the vault or its subscription has had its share of the present ten seconds.
    static func throttled(_ seconds: Int64) -> APIError {
        APIError(
            status: 429, code: "Throttled",
            message: "Request was not processed because too many requests were received. Wait \(seconds) seconds, as Retry-After says, and try "
                + "again; cache what you read, or spread the load over more vaults.",
            headers: ["retry-after": String(seconds)])
    }
}
