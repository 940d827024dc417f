package import CofferModel

/// A JSON Web Token (RFC 7519) in the compact form (RFC 7515 section 3.1), taken apart and not yet believed.
package struct JWT: Sendable {
    /// The header's `alg`. What it says decides nothing: a verifier has the one algorithm that it accepts.
    package let algorithm: String
    /// The header's `kid`.
    package let keyID: String
    package let claims: [String: JSONValue]
    /// What the signature is over: both encoded parts and the dot between them.
    package let signedBytes: [UInt8]
    package let signature: [UInt8]

    /// A claim that is a non-empty string.
    package func string(_ name: String) -> String? {
        guard let text = claims[name]?.string, !text.isEmpty else { return nil }
        return text
    }

    /// A NumericDate (RFC 7519 section 2) in whole seconds, rounded down. Clients' own assertions carry fractions.
    package func date(_ name: String) -> Int64? {
        switch claims[name] {
        case .int(let seconds)? where seconds.magnitude <= Self.latestDate.magnitude: seconds
        case .double(let seconds)? where seconds.magnitude <= Double(Self.latestDate): Int64(seconds.rounded(.down))
        default: nil
        }
    }

    /// Dates beyond ±2^43 seconds, some 280 000 years, are nonsense and would overflow milliseconds.
    private static let latestDate: Int64 = 1 << 43
}
