import CofferModel
import CofferPlatform

/// A request of the data plane whose route, vault and caller are known.
struct VaultRequest: Sendable {
    let http: APIRequest
    let caller: Caller
    let vault: VaultRecord
    let apiVersion: VaultAPIVersion
    let access: VaultAccess
    /// `{name}` of the route's path, as sent.
    let nameText: String?
    /// `{version}`, or nil for the current one.
    let version: String?

    var host: String { http.host }

    /// The name of the object.
    ///
    /// - Throws: ``APIError/badParameter(_:)`` if no object can have it.
    func name() throws -> ObjectName { try ObjectName(nameText ?? "") }

    /// Permission for what the request asks.
    ///
    /// - Parameter name: The object acted on, or nil for what concerns the whole vault.
    /// - Throws: an ``APIError`` of status 403 that says how to get it.
    func grant(_ permission: any ObjectPermission, on name: ObjectName?) async throws -> Grant {
        try await access.grant(permission, to: caller, in: vault, object: name)
    }

    /// The body decoded.
    ///
    /// - Throws: ``APIError/badParameter(_:)``, the data plane's word for what ``APIRequest/decode(_:)`` refuses.
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        do {
            return try http.decode(type)
        } catch let refusal as APIError {
            throw APIError.badParameter(refusal.message)
        }
    }
}

/// An answer of the data plane, and what it is about.
struct VaultAnswer: Audited, Sendable {
    let response: APIResponse
    /// The id of the object, with its version.
    let object: String?
    /// The key, if it is about one: it is recorded, and counts against the vault's limits by its size.
    let key: AuditKey?
    /// What the key was used for.
    let algorithm: String?

    var status: Int { response.status }

    init(_ response: APIResponse, object: String?, key: AuditKey? = nil, algorithm: String? = nil) {
        self.response = response
        self.object = object
        self.key = key
        self.algorithm = algorithm
    }

    /// A JSON answer of status 200.
    static func json(
        _ value: some Encodable, object: String?, key: AuditKey? = nil, algorithm: String? = nil
    ) throws -> VaultAnswer {
        VaultAnswer(try .json(value), object: object, key: key, algorithm: algorithm)
    }
}
