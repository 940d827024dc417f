import CofferModel

/// The body of `POST /keys/{name}/create`, as sent.
struct CreateKeyBody: Decodable, Sendable {
    let kty: String
    let key_size: Int?
    let public_exponent: Int?
    let key_ops: [String]?
    let attributes: AttributesBody?
    let tags: [String: String]?
    let crv: String?
    let release_policy: JSONValue?
}

/// The body of `PATCH /keys/{name}/{version}`, as sent.
struct UpdateKeyBody: Decodable, Sendable {
    let key_ops: [String]?
    let attributes: AttributesBody?
    let tags: [String: String]?
    let release_policy: JSONValue?
}

/// The body of encrypt, decrypt, wrap, unwrap and sign, as sent. Binary values are base 64 for URLs.
struct UseKeyBody: Decodable, Sendable {
    let alg: String
    let value: String
    /// Of verify: what was signed.
    let digest: String?
    /// Of symmetric keys: initialization vector, authenticated data and tag.
    let iv: String?
    let aad: String?
    let tag: String?
}

extension UseKeyBody {
    /// Reads a body of the usual form.
    ///
    /// - Returns: nil if it is of another form, for a decoder to tell what is wrong, if anything is.
    init?(plain bytes: [UInt8]) {
        guard let object = PlainJSONObject(bytes), let alg = object["alg"], let value = object["value"] else { return nil }
        self.init(alg: alg, value: value, digest: object["digest"], iv: object["iv"], aad: object["aad"], tag: object["tag"])
    }
}

/// The body of `PUT /keys/{name}`, as sent.
struct ImportKeyBody: Decodable, Sendable {
    let key: JSONWebKeyBody
    /// Whether hardware shall hold it.
    let Hsm: Bool?
    let attributes: AttributesBody?
    let tags: [String: String]?
    let release_policy: JSONValue?
}

/// A key with its private half as a JSON Web Key (RFC 7517, RFC 7518 section 6), as sent. Binary values are base 64 for URLs.
struct JSONWebKeyBody: Decodable, Sendable {
    let kty: String
    let key_ops: [String]?
    let n: String?
    let e: String?
    let d: String?
    let p: String?
    let q: String?
    let dp: String?
    let dq: String?
    let qi: String?
    let crv: String?
    let x: String?
    let y: String?
    let k: String?
    /// A key wrapped for a hardware module ("bring your own key").
    let key_hsm: String?
}

extension JSONWebKeyBody {
    /// - Parameter family: `RSA`, `EC` or `oct`.
    /// - Throws: ``APIError/badParameter(_:)`` that names a member which keys of another type have.
    func checkMembers(of family: String) throws {
        let members: [(name: String, isThere: Bool, families: [String])] = [
            ("n", n != nil, ["RSA"]), ("e", e != nil, ["RSA"]), ("p", p != nil, ["RSA"]), ("q", q != nil, ["RSA"]),
            ("dp", dp != nil, ["RSA"]), ("dq", dq != nil, ["RSA"]), ("qi", qi != nil, ["RSA"]), ("d", d != nil, ["RSA", "EC"]),
            ("crv", crv != nil, ["EC"]), ("x", x != nil, ["EC"]), ("y", y != nil, ["EC"]), ("k", k != nil, ["oct"]),
        ]
        for member in members where member.isThere && !member.families.contains(family) {
            throw APIError.badParameter("key.\(member.name) is not a member of a key of type \(kty.shortened); leave it out.")
        }
    }
}

/// The body of `POST /rng`.
struct RandomBytesBody: Decodable, Sendable {
    let count: Int
}

/// What `POST /rng` answers.
struct RandomBytesView: Encodable, Sendable {
    /// Base 64 for URLs.
    let value: String
}
