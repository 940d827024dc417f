import CofferCore
import CofferCrypto

extension KeyVersionRecord {
    /// The public half of an RSA key; nil of another kind.
    func publicRSAKey() throws -> RSAKey? {
        guard let n = publicPart.n.flatMap({ Base64URL.decode($0) }), let e = publicPart.e.flatMap({ Base64URL.decode($0) }) else {
            return nil
        }
        return try RSAKey(publicModulus: n, exponent: e)
    }

    /// The public half of an EC key; nil of another kind.
    func publicECKey() throws -> ECKey? {
        guard let curve = publicPart.crv.flatMap({ EllipticCurve(rawValue: $0) }), let x = publicPart.x.flatMap({ Base64URL.decode($0) }),
            let y = publicPart.y.flatMap({ Base64URL.decode($0) })
        else { return nil }
        return try ECKey(curve: curve, x: x, y: y)
    }
}
