import COpenSSL
package import CofferCore

/// Keyed-hash message authentication codes (FIPS 198-1, RFC 2104).
package enum HMAC {
    /// The code of `message`, as long as the digest. Compare it with ``ConstantTime`` alone.
    ///
    /// - Parameter key: Of any length; at least the digest's length keeps its full strength.
    package static func authenticate(
        _ message: [UInt8], key: borrowing SecretBytes, using digest: DigestAlgorithm
    ) -> [UInt8] {
        guard let mac = unsafe try? Provider.hmac.handle() else { preconditionFailure("OpenSSL offers no HMAC") }
        var code = [UInt8](repeating: 0, count: digest.length)
        let status = key.withBytes { key in
            unsafe key.withUnsafeBytes { key in
                unsafe coffer_hmac(
                    mac, digest.name, key.baseAddress, key.count, message, message.count, &code, code.count)
            }
        }
        precondition(status == 1, "an HMAC failed")
        return code
    }
}
