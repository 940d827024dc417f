import CofferCore
package import CofferCrypto
package import CofferPlatform
import Synchronization

/// Hashes passwords on a thread of its own, one at a time: each takes tens of megabytes and tenths of a second.
package final class PasswordChecker: Sendable {
    /// How many may wait; who comes when there are more is told to come back.
    private static let places = 16

    private let workers = WorkerPool(name: "passwords", threads: 1)
    private let waiting = Mutex(0)
    private let sealer: any Sealer
    private let cost: Scrypt.Cost

    /// - Parameters:
    ///   - sealer: Seals hashes, so that who has the store alone cannot even guess.
    ///   - cost: Of new passwords.
    package init(sealer: any Sealer, cost: Scrypt.Cost = .standard) {
        self.sealer = sealer
        self.cost = cost
    }

    func record(of password: PasswordText, mustChange: Bool) async throws -> PasswordRecord {
        let id = GUID.make()
        let salt = SecureRandom.bytes(PasswordRecord.saltCount)
        let hash = try await hash(password, salt: salt, cost)
        let sealed = try await sealer.seal(hash.bytes, realm: PasswordRecord.realm, name: id)
        return PasswordRecord(
            id: id, salt: Base64URL.encode(salt), sealedHash: Base64URL.encode(sealed), cost: cost, mustChange: mustChange)
    }

    /// Whether `password` is that of `record`; takes the same time whatever it is. Of no record it is never, which takes about as long.
    ///
    /// - Throws: ``TokenError/tooManySignIns`` if too many wait, or `SealError` if the stored hash is not what was sealed.
    func matches(_ password: PasswordText, _ record: PasswordRecord?) async throws -> Bool {
        let isAdmitted = waiting.withLock { waiting in
            guard waiting < Self.places else { return false }
            waiting += 1
            return true
        }
        guard isAdmitted else { throw TokenError.tooManySignIns }
        defer { waiting.withLock { $0 -= 1 } }
        guard let record else {
            _ = try await hash(password, salt: SecureRandom.bytes(PasswordRecord.saltCount), cost)
            return false
        }
        guard let salt = Base64URL.decode(record.salt), let sealed = Base64URL.decode(record.sealedHash) else { throw SealError.notAuthentic }
        let expected = try await sealer.open(sealed, realm: PasswordRecord.realm, name: record.id)
        return try await hash(password, salt: salt, record.cost).bytes.constantTimeEquals(expected)
    }

    private func hash(_ password: PasswordText, salt: [UInt8], _ cost: Scrypt.Cost) async throws -> PasswordText {
        try await workers.run {
            PasswordText(try Scrypt.deriveKey(from: password.bytes, salt: salt, cost: cost, count: PasswordRecord.hashCount))
        }
    }
}
