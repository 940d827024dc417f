import CofferCrypto
import CofferModel

/// What is wanted of a new key, checked.
struct KeySpecification: Sendable {
    let kind: KeyKind
    let attributes: KeyAttributes

    /// - Throws: ``APIError/badParameter(_:)`` that says which kinds of keys there are.
    init(_ body: CreateKeyBody) throws {
        kind = try KeyKind(body)
        guard body.release_policy == nil else { throw APIError.releaseIsNotSupported }
        attributes = try KeyAttributes(body.attributes, operations: body.key_ops, tags: body.tags)
        try kind.check(attributes.operations)
    }
}

extension KeyKind {
    /// - Throws: ``APIError/badParameter(_:)`` for a type, size or curve that no key has.
    fileprivate init(_ body: CreateKeyBody) throws {
        let (family, isHardware) = try Self.family(body.kty)
        self.isHardware = isHardware
        switch family {
        case "RSA":
            guard body.crv == nil else { throw APIError.badParameter("An RSA key has no curve; leave crv out.") }
            guard body.public_exponent ?? 65_537 == 65_537 else {
                throw APIError.badParameter("The public_exponent of an RSA key is 65537; leave it out.")
            }
            self.family = .rsa(bits: try Self.size(body.key_size ?? 2048, of: Self.rsaSizes, "An RSA key"))
        case "EC":
            guard body.public_exponent == nil else { throw APIError.badParameter("An EC key has no public_exponent; leave it out.") }
            let curve = try Self.curve(body.crv ?? EllipticCurve.p256.rawValue)
            guard body.key_size ?? curve.bits == curve.bits else {
                throw APIError.badParameter("An EC key on \(curve.rawValue) has a key_size of \(curve.bits); leave it out.")
            }
            self.family = .ec(curve)
        default:
            guard body.crv == nil, body.public_exponent == nil else {
                throw APIError.badParameter("An oct key has neither crv nor public_exponent; leave them out.")
            }
            self.family = .oct(bits: try Self.size(body.key_size ?? 256, of: Self.octSizes, "An oct key"))
        }
    }

    /// - Returns: `RSA`, `EC` or `oct`, and whether hardware is meant.
    static func family(_ kty: String) throws -> (name: String, isHardware: Bool) {
        switch kty {
        case "RSA", "EC", "oct": return (kty, false)
        case "RSA-HSM", "EC-HSM", "oct-HSM": return (String(kty.dropLast(4)), true)
        default:
            throw APIError.badParameter(
                "'\(kty.shortened)' is not a type of key. Use one of: RSA, RSA-HSM, EC, EC-HSM, oct, oct-HSM.")
        }
    }

    static func curve(_ name: String) throws -> EllipticCurve {
        guard let curve = EllipticCurve(rawValue: name) else {
            throw APIError.badParameter(
                "'\(name.shortened)' is not a curve. Use one of: \(EllipticCurve.allCases.map(\.rawValue).joined(separator: ", ")).")
        }
        return curve
    }

    static func size(_ bits: Int, of sizes: [Int], _ what: String) throws -> Int {
        guard sizes.contains(bits) else {
            throw APIError.badParameter("\(what) cannot have a key_size of \(bits). Use \(sizes.map(String.init).joined(separator: ", ")).")
        }
        return bits
    }

    /// - Throws: ``APIError/badParameter(_:)`` if such a key cannot do one of the operations.
    func check(_ operations: [KeyOperation]?) throws {
        for operation in operations ?? [] where !possibleOperations.contains(operation) {
            throw APIError.badParameter(
                "'\(operation.rawValue)' is not an operation of a key of type \(type). key_ops may have: "
                    + possibleOperations.map(\.rawValue).joined(separator: ", ") + ".")
        }
    }
}
