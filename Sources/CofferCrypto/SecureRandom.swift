import COpenSSL
package import CofferCore

/// Unpredictable bytes from OpenSSL's generators (NIST SP 800-90A, seeded by the kernel).
package enum SecureRandom {
    /// `count` bytes for what others may see: nonces, identifiers, salts.
    package static func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: max(0, count))
        let status = unsafe RAND_bytes_ex(nil, &bytes, bytes.count, 256)
        precondition(status == 1, "OpenSSL's random generator is broken")
        return bytes
    }

    /// `count` bytes for keys, from a generator of their own, so that no public byte tells anything of its state.
    package static func secret(_ count: Int) -> SecretBytes {
        SecretBytes(count: count) { (span: inout MutableRawSpan) in
            let status = unsafe span.withUnsafeMutableBytes { target in
                unsafe RAND_priv_bytes_ex(nil, target.baseAddress, target.count, 256)
            }
            precondition(status == 1, "OpenSSL's random generator is broken")
        }
    }
}
