import CofferCore
import CofferModel
import FoundationEssentials

/// A client secret that a client asks for.
struct SecretDraft: Sendable {
    let displayName: String?
    let starts: Timestamp
    let ends: Timestamp

    /// The most secrets that one object has.
    static let maximumCount = 20
    /// The lifetime of a secret of which nothing is said: two years, as Microsoft Graph has it.
    static let defaultLifetime: Duration = .seconds(2 * 365 * 86_400)

    init(displayName: String?, starts: Timestamp, ends: Timestamp) {
        self.displayName = displayName
        self.starts = starts
        self.ends = ends
    }

    /// - Parameters:
    ///   - start: RFC 3339, or nil for now.
    ///   - end: RFC 3339, or nil for ``defaultLifetime`` later.
    /// - Throws: ``APIError``: no date, an end that is not after the start, or a name that is too long.
    init(displayName: String?, start: String?, end: String?, now: Timestamp) throws(APIError) {
        guard (displayName ?? "").count <= 256 else {
            throw .badDirectoryRequest("The name of a password credential has 256 characters at most.", "displayName")
        }
        self.displayName = displayName
        starts = try start.map { text throws(APIError) in try Self.moment(text, "startDateTime") } ?? now
        ends = try end.map { text throws(APIError) in try Self.moment(text, "endDateTime") } ?? starts.adding(Self.defaultLifetime)
        guard starts < ends else {
            throw .badDirectoryRequest("Credential lifetime is not valid: endDateTime must be after startDateTime.", "endDateTime")
        }
    }

    private static func moment(_ text: String, _ property: String) throws(APIError) -> Timestamp {
        // A fraction of a second makes no difference to a lifetime.
        var text = text
        if let point = text.firstIndex(of: ".") {
            let rest = text[text.index(after: point)...].drop(while: \.isNumber)
            text = String(text[..<point] + rest)
        }
        guard text.utf8.count <= 40, let date = try? Date(text, strategy: .iso8601), abs(date.timeIntervalSince1970) < 253_402_300_800 else {
            throw .badDirectoryRequest("'\(text.prefix(40))' is no date such as 2027-01-31T00:00:00Z.", property)
        }
        return Timestamp(seconds: Int64(date.timeIntervalSince1970.rounded(.down)))
    }
}

/// A client secret just made, with the one copy of its text.
struct NewSecret: ~Copyable, Sendable {
    let record: ClientSecretRecord
    /// The text of the secret.
    let secret: SecretBytes

    init(_ draft: SecretDraft) throws {
        let secret = ClientSecretRecord.makeSecret()
        record = try ClientSecretRecord(
            of: secret, keyID: GUID.make(), starts: draft.starts, ends: draft.ends, displayName: draft.displayName
        )
        self.secret = secret
    }
}

extension [ClientSecretRecord] {
    /// - Throws: ``APIError/tooManySecrets(_:)``.
    mutating func add(_ secret: ClientSecretRecord) throws(APIError) {
        guard count < SecretDraft.maximumCount else { throw .tooManySecrets(SecretDraft.maximumCount) }
        append(secret)
    }

    /// - Throws: ``APIError/secretNotFound(_:)``.
    mutating func remove(keyID: String) throws(APIError) {
        guard let index = firstIndex(where: { $0.keyID.lowercased() == keyID.lowercased() }) else { throw .secretNotFound(keyID) }
        remove(at: index)
    }
}
