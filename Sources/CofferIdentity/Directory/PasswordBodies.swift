import CofferCore
import CofferModel
import CofferPlatform

/// The body of `addPassword`.
struct AddPasswordBody: Decodable {
    struct Credential: Decodable {
        let displayName: String?
        let startDateTime: String?
        let endDateTime: String?
    }

    let passwordCredential: Credential?

    func draft(now: Timestamp) throws(APIError) -> SecretDraft {
        try SecretDraft(
            displayName: passwordCredential?.displayName, start: passwordCredential?.startDateTime, end: passwordCredential?.endDateTime,
            now: now
        )
    }
}

/// The body of `removePassword`.
struct RemovePasswordBody: Decodable {
    let keyId: String
}

extension GraphAnswer {
    /// The one answer that tells a secret.
    func password(_ new: borrowing NewSecret) throws -> APIResponse {
        guard case .object(var members) = new.record.graphJSON else { return .noContent }
        members["secretText"] = .string(new.secret.withBytes { span in
            String(decoding: (0..<span.byteCount).map { unsafe span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }, as: UTF8.self)
        })
        return try one(.object(members), of: "microsoft.graph.passwordCredential")
    }
}
