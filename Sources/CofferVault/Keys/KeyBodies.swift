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
}

/// What is wanted of a new key, checked.
struct KeySpecification: Sendable {
    /// 2048, 3072 or 4096.
    let bits: Int
    let attributes: KeyAttributes

    /// - Throws: ``APIError/badParameter(_:)`` that says which kinds of keys there are.
    init(_ body: CreateKeyBody) throws {
        let supported = "Supported is RSA with a key_size of 2048, 3072 or 4096."
        switch body.kty {
        case "RSA": break
        case "RSA-HSM", "EC-HSM", "oct-HSM":
            throw APIError.badParameter("Keys of type \(body.kty) need a hardware token, which this version of Coffer cannot use. \(supported)")
        case "EC", "oct":
            throw APIError.badParameter("Keys of type \(body.kty) are not supported by this version of Coffer. \(supported)")
        default:
            throw APIError.badParameter("'\(body.kty.shortened)' is not a type of key. \(supported)")
        }
        let bits = body.key_size ?? 2048
        guard [2048, 3072, 4096].contains(bits) else {
            throw APIError.badParameter("An RSA key cannot have a key_size of \(bits). Use 2048, 3072 or 4096.")
        }
        guard body.public_exponent ?? 65_537 == 65_537 else {
            throw APIError.badParameter("The public_exponent of an RSA key is 65537; leave it out.")
        }
        guard body.crv == nil else { throw APIError.badParameter("An RSA key has no curve; leave crv out.") }
        guard body.release_policy == nil else { throw APIError.releaseIsNotSupported }
        self.bits = bits
        attributes = try KeyAttributes(body.attributes, operations: body.key_ops, tags: body.tags)
    }
}
