import CofferCore
import CofferModel
import CofferPlatform

/// What keeps client secrets for objects of its own: registrations, or service principals.
protocol SecretKeeper: Sendable {
    func add(_ secret: ClientSecretRecord, to objectID: String, by grant: Grant) async throws
    func removeSecret(_ keyID: String, of objectID: String, by grant: Grant) async throws
}

/// `addPassword` and `removePassword` of an object. Decodes, calls the keeper, encodes.
struct PasswordRoutes {
    let keeper: any SecretKeeper
    let answer: GraphAnswer
    let clock: any WallClock

    /// - Returns: nil for a call that is about something else.
    func handle(_ call: GraphCall) async throws -> APIResponse? {
        guard call.request.method == .post, call.words.count == 3 else { return nil }
        switch call.words[2] {
        case "addpassword":
            let grant = try await call.permit()
            let new = try NewSecret(call.request.decode(AddPasswordBody.self).draft(now: clock.now()))
            try await keeper.add(new.record, to: call.path[1], by: grant)
            return try answer.password(new)
        case "removepassword":
            let grant = try await call.permit()
            try await keeper.removeSecret(call.request.decode(RemovePasswordBody.self).keyId, of: call.path[1], by: grant)
            return .noContent
        default: return nil
        }
    }
}

/// The body of `addPassword`.
private struct AddPasswordBody: Decodable {
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
private struct RemovePasswordBody: Decodable {
    let keyId: String
}

extension GraphAnswer {
    /// The one answer that tells a secret.
    fileprivate func password(_ new: borrowing NewSecret) throws -> APIResponse {
        guard case .object(var members) = new.record.graphJSON else { return .noContent }
        members["secretText"] = .string(new.secret.withBytes { span in
            String(decoding: (0..<span.byteCount).map { unsafe span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }, as: UTF8.self)
        })
        return try one(.object(members), of: "microsoft.graph.passwordCredential")
    }
}
