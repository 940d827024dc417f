import CofferCore
import CofferCrypto
import CofferModel

/// A key from outside, read from its JSON Web Key. That its numbers belong together is proved, which takes up to half a second.
struct KeyImport: Sendable {
    let kind: KeyKind
    let key: SoftwareKey
    let attributes: KeyAttributes

    /// - Throws: ``APIError/badParameter(_:)`` that names what is missing or makes no sense.
    init(_ body: ImportKeyBody) throws {
        guard body.release_policy == nil else { throw APIError.releaseIsNotSupported }
        let web = body.key
        guard web.key_hsm == nil else {
            throw APIError.badParameter(
                "key_hsm, a key wrapped for a hardware module, cannot be imported. Import the key itself, or make it in the vault.")
        }
        let (family, isHardware) = try KeyKind.family(web.kty)
        try web.checkMembers(of: family)
        let found: KeyKind.Family
        switch family {
        case "RSA": (found, key) = try Self.rsa(web)
        case "EC": (found, key) = try Self.ec(web)
        default: (found, key) = try Self.oct(web)
        }
        kind = KeyKind(family: found, isHardware: isHardware || body.Hsm == true)
        attributes = try KeyAttributes(body.attributes, operations: web.key_ops, tags: body.tags)
        try kind.check(attributes.operations)
    }

    private static func rsa(_ web: JSONWebKeyBody) throws -> (KeyKind.Family, SoftwareKey) {
        let parts = [("n", web.n), ("e", web.e), ("d", web.d), ("p", web.p), ("q", web.q), ("dp", web.dp), ("dq", web.dq), ("qi", web.qi)]
        for (name, value) in parts where value == nil {
            throw APIError.badParameter("key.\(name) is missing: an RSA key is imported with n, e, d, p, q, dp, dq and qi.")
        }
        let modulus = try number(web.n, "n")
        let exponent = try number(web.e, "e")
        let pair: RSAKey
        do {
            let components = try RSAComponents(
                privateExponent: secret(web.d, "d"), firstPrime: secret(web.p, "p"), secondPrime: secret(web.q, "q"),
                firstExponent: secret(web.dp, "dp"), secondExponent: secret(web.dq, "dq"), coefficient: secret(web.qi, "qi"))
            pair = try RSAKey(modulus: modulus, exponent: exponent, components: components)
        } catch is CryptoError {
            throw APIError.badParameter("key is not an RSA key: its numbers do not belong together.")
        }
        return (.rsa(bits: try KeyKind.size(pair.bits, of: KeyKind.rsaSizes, "An RSA key")), .pair(.rsa(pair)))
    }

    private static func ec(_ web: JSONWebKeyBody) throws -> (KeyKind.Family, SoftwareKey) {
        guard let name = web.crv else { throw APIError.badParameter("key.crv is missing: an EC key is imported with crv, x, y and d.") }
        let curve = try KeyKind.curve(name)
        for (name, value) in [("x", web.x), ("y", web.y), ("d", web.d)] where value == nil {
            throw APIError.badParameter("key.\(name) is missing: an EC key is imported with crv, x, y and d.")
        }
        do {
            let pair = try ECKey(
                curve: curve, x: number(web.x, "x"), y: number(web.y, "y"), scalar: secret(web.d, "d"))
            return (.ec(curve), .pair(.ec(pair)))
        } catch is CryptoError {
            throw APIError.badParameter("key is not an EC key on \(curve.rawValue): its numbers do not belong together.")
        }
    }

    private static func oct(_ web: JSONWebKeyBody) throws -> (KeyKind.Family, SoftwareKey) {
        guard web.k != nil else { throw APIError.badParameter("key.k is missing: an oct key is imported with k.") }
        let key = try secret(web.k, "k")
        let bits = try KeyKind.size(key.count * 8, of: KeyKind.octSizes, "An oct key")
        return (.oct(bits: bits), .symmetric(SymmetricKey(key)))
    }

    private static func number(_ text: String?, _ name: String) throws -> [UInt8] {
        guard let bytes = text.flatMap({ Base64URL.decode($0) }), !bytes.isEmpty else {
            throw APIError.badParameter("key.\(name) is not base 64 with the alphabet for URLs.")
        }
        return bytes
    }

    private static func secret(_ text: String?, _ name: String) throws -> SecretBytes {
        var bytes = try number(text, name)
        return SecretBytes(wiping: &bytes)
    }
}
