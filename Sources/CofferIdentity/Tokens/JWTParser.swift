import CofferCore
import CofferModel

/// Takes a compact JSON Web Token apart. Total over all inputs: it never traps, whatever the bytes are.
package enum JWTParser {
    /// Why bytes are no token. None of these tells more than that to the sender.
    package enum Refusal: Error, Equatable, Sendable {
        case tooLong
        /// Not three parts of unpadded base64url, none of them empty.
        case notCompact
        /// The header is no JSON object with `alg` and `kid`, or asks for what is not understood (`crit`).
        case badHeader
        /// The payload is no JSON object.
        case badClaims
    }

    /// The longest token that is looked at, in bytes.
    package static let maximumByteCount = 16 * 1024

    package static func parse(_ bytes: [UInt8]) throws(Refusal) -> JWT {
        guard bytes.count <= maximumByteCount else { throw .tooLong }
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .notCompact }
        let header = try decode(parts[0])
        let payload = try decode(parts[1])
        let signature = try decode(parts[2])
        guard case .object(let members)? = try? StrictJSON.parse(header),
            let algorithm = members["alg"]?.string, let keyID = members["kid"]?.string, !keyID.isEmpty,
            members["crit"] == nil, isToken(type: members["typ"])
        else { throw .badHeader }
        guard case .object(let claims)? = try? StrictJSON.parse(payload) else { throw .badClaims }
        return JWT(
            algorithm: algorithm, keyID: keyID, claims: claims,
            signedBytes: Array(bytes.prefix(parts[0].count + 1 + parts[1].count)), signature: signature
        )
    }

    private static func decode(_ part: ArraySlice<UInt8>) throws(Refusal) -> [UInt8] {
        // RFC 7515 section 2: without padding.
        guard !part.isEmpty, !part.contains(UInt8(ascii: "=")),
            let text = String(validating: part, as: UTF8.self), let bytes = Base64URL.decode(text)
        else { throw .notCompact }
        return bytes
    }

    private static func isToken(type: JSONValue?) -> Bool {
        guard let type else { return true }
        return ["jwt", "at+jwt"].contains(type.string?.lowercased() ?? "")
    }
}
