import CofferCore
package import CofferCrypto
import Synchronization

/// Hashes passwords on a thread of its own, one at a time: each takes tens of megabytes and tenths of a second.
package final class PasswordChecker: Sendable {
    /// How many may wait; who comes when there are more is told to come back.
    private static let places = 16

    private let workers = WorkerPool(name: "passwords", threads: 1)
    private let waiting = Mutex(0)
    private let cost: Scrypt.Cost
    /// Of nobody: asked for people that there are not, so that the answer takes as long.
    private let nobody: PasswordRecord

    /// - Parameter cost: Of new passwords.
    package init(cost: Scrypt.Cost = .standard) throws {
        self.cost = cost
        nobody = try PasswordRecord(of: SecureRandom.secret(16), mustChange: false, cost: cost)
    }

    func record(of password: PasswordText, mustChange: Bool) async throws -> PasswordRecord {
        try await workers.run { [cost] in try PasswordRecord(of: password.bytes, mustChange: mustChange, cost: cost) }
    }

    /// Whether `password` is that of `record`; never of no record.
    ///
    /// - Throws: ``TokenError/tooManySignIns`` if too many wait.
    func matches(_ password: PasswordText, _ record: PasswordRecord?) async throws -> Bool {
        let isAdmitted = waiting.withLock { waiting in
            guard waiting < Self.places else { return false }
            waiting += 1
            return true
        }
        guard isAdmitted else { throw TokenError.tooManySignIns }
        defer { waiting.withLock { $0 -= 1 } }
        let asked = record ?? nobody
        let isRight = try await workers.run { try asked.matches(password.bytes) }
        return isRight && record != nil
    }
}
