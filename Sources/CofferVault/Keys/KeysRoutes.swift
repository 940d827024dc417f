import CofferCore
import CofferModel
import CofferPlatform

/// The data-plane paths under `/keys`. Decodes, asks for permission, calls the services, encodes; decides nothing.
struct KeysRoutes: Sendable {
    let keys: KeysService
    let uses: KeyUseService
    let access: VaultAccess
    let settings: VaultSettings

    /// - Throws: an ``APIError``.
    func answer(
        _ call: KeyCall, _ request: APIRequest, from caller: Caller, in vault: VaultRecord
    ) async throws -> VaultAnswer {
        let apiVersion = try VaultAPIVersion(request.parameter("api-version"))
        let host = request.host
        func bundle(_ version: KeyVersionRecord) throws -> VaultAnswer {
            VaultAnswer(
                response: try .json(KeyBundle(version, in: vault, host: host, apiVersion)), object: version.url(host: host).text)
        }
        switch call {
        case .list:
            let page = try PageRequest(request)
            let mark = try page.mark.map { try page.checked(try? KeyName($0)) }
            let grant = try await grant(.list, to: caller, in: vault, key: nil)
            let result = try await keys.keys(in: vault, after: mark, limit: page.limit, by: grant)
            let items = result.versions.map {
                KeyItem($0, KeyURL(host: host, name: $0.name, version: nil), in: vault, apiVersion)
            }
            return VaultAnswer(
                response: try .json(Page(value: items, nextLink: page.link("keys", after: result.next, request))), object: nil)
        case .versions(let key):
            let name = try KeyName(key)
            let page = try PageRequest(request)
            let mark = try page.mark.map { try page.checked(KeyVersionID($0)) }
            let grant = try await grant(.list, to: caller, in: vault, key: name)
            let result = try await keys.versions(of: name, in: vault, after: mark, limit: page.limit, by: grant)
            let items = result.versions.map { KeyItem($0, $0.url(host: host), in: vault, apiVersion) }
            return VaultAnswer(
                response: try .json(
                    Page(value: items, nextLink: page.link("keys/\(name.text)/versions", after: result.next, request))),
                object: "https://\(host)/keys/\(name.text)")
        case .create(let key):
            let name = try KeyName(key)
            let grant = try await grant(.create, to: caller, in: vault, key: name)
            let wanted = try KeySpecification(try request.decodeKey(CreateKeyBody.self))
            return try bundle(try await keys.create(name, as: wanted, in: vault, by: grant))
        case .get(let key, let version):
            let name = try KeyName(key)
            let grant = try await grant(.get, to: caller, in: vault, key: name)
            return try bundle(try await keys.version(version, of: name, in: vault, by: grant))
        case .update(let key, let version):
            let name = try KeyName(key)
            let grant = try await grant(.update, to: caller, in: vault, key: name)
            let body = try request.decodeKey(UpdateKeyBody.self)
            guard body.release_policy == nil else { throw APIError.releaseIsNotSupported }
            let attributes = try KeyAttributes(body.attributes, operations: body.key_ops, tags: body.tags)
            return try bundle(try await keys.update(version, of: name, with: attributes, in: vault, by: grant))
        case .rotate(let key):
            let name = try KeyName(key)
            let grant = try await grant(.rotate, to: caller, in: vault, key: name)
            return try bundle(try await keys.rotate(name, in: vault, by: grant))
        case .use(let operation, let key, let version):
            let name = try KeyName(key)
            let grant = try await grant(operation.permission, to: caller, in: vault, key: name)
            let body = try request.decodeKey(UseKeyBody.self)
            let result = try await uses.use(name, version: version, for: operation, body, in: vault, by: grant)
            let kid = result.version.url(host: host).text
            switch result.output {
            case .bytes(let bytes):
                let view = KeyOperationView(kid: kid, value: Base64URL.encode(bytes))
                return VaultAnswer(response: try .json(view), object: kid)
            case .holds(let holds):
                return VaultAnswer(response: try .json(KeyVerificationView(value: holds)), object: kid)
            }
        case .later(_, let what): throw APIError.notInThisVersion(what)
        case .wrongMethod: throw APIError.methodNotAllowed(request.method.rawValue, "this path of a vault")
        case .unknown: throw APIError.noSuchVaultPath
        }
    }

    private func grant(
        _ permission: KeyPermission, to caller: Caller, in vault: VaultRecord, key: KeyName?
    ) async throws -> Grant {
        do {
            return try await access.grant(permission, to: caller, in: vault, key: key)
        } catch let refusal as Forbidden {
            // Whoever may read an RSA key has its public part and can do this alone; so may do it here.
            if vault.usesRBAC, permission.needsOnlyPublicKey {
                do {
                    return try await access.grant(.get, to: caller, in: vault, key: key)
                } catch is Forbidden {}
            }
            throw APIError.forbidden(permission, caller, refusal.scope, in: vault, issuer: settings.issuer)
        }
    }
}

/// An answer of the data plane, and what it is about.
struct VaultAnswer: Audited, Sendable {
    let response: APIResponse
    /// The id of the object, with its version.
    let object: String?

    var status: Int { response.status }
}

/// Which page of a list is wanted.
private struct PageRequest {
    /// 1 to 25.
    let limit: Int
    /// What the page comes after; nil for the first.
    let mark: String?

    init(_ request: APIRequest) throws {
        if let text = request.parameter("maxresults") {
            guard text.utf8.count <= 2, let number = Int(text), (1...25).contains(number) else {
                throw APIError.badParameter("maxresults must be a number from 1 to 25.")
            }
            limit = number
        } else {
            limit = 25
        }
        if let token = request.parameter("$skiptoken") {
            guard token.utf8.count <= 400, let bytes = Base64URL.decode(token), !bytes.isEmpty else {
                throw Self.badToken
            }
            mark = String(decoding: bytes, as: UTF8.self)
        } else {
            mark = nil
        }
    }

    private static let badToken = APIError.badParameter("$skiptoken was not made by this vault. Begin the list again without it.")

    /// - Throws: ``APIError/badParameter(_:)`` if the token names nothing that a list can go on after.
    func checked<Mark>(_ mark: Mark?) throws -> Mark {
        guard let mark else { throw Self.badToken }
        return mark
    }

    /// The URL of the page after `mark`; nil if there is none.
    func link(_ path: String, after mark: String?, _ request: APIRequest) -> String? {
        guard let mark else { return nil }
        let token = Base64URL.encode(Array(mark.utf8))
        return "https://\(request.host)/\(path)?api-version=\(request.parameter("api-version") ?? "")&$skiptoken=\(token)&maxresults=\(limit)"
    }
}

extension APIRequest {
    /// The body decoded.
    /// - Throws: ``APIError/badParameter(_:)``, the data plane's word for what ``decode(_:)`` refuses.
    fileprivate func decodeKey<Value: Decodable>(_ type: Value.Type) throws -> Value {
        do {
            return try decode(type)
        } catch let refusal as APIError {
            throw APIError.badParameter(refusal.message)
        }
    }
}
