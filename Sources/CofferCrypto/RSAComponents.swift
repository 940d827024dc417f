package import CofferCore

/// The private numbers of an RSA key, big-endian, named as in RFC 8017 section 3.2 and, in brackets, RFC 7518
/// section 6.3.2.
package struct RSAComponents: ~Copyable, Sendable {
    let privateExponent: SecretBytes
    let firstPrime: SecretBytes
    let secondPrime: SecretBytes
    let firstExponent: SecretBytes
    let secondExponent: SecretBytes
    let coefficient: SecretBytes

    /// - Parameters:
    ///   - privateExponent: d
    ///   - firstPrime: p
    ///   - secondPrime: q
    ///   - firstExponent: d mod (p - 1), dp
    ///   - secondExponent: d mod (q - 1), dq
    ///   - coefficient: the inverse of q mod p, qi
    package init(
        privateExponent: consuming SecretBytes, firstPrime: consuming SecretBytes,
        secondPrime: consuming SecretBytes, firstExponent: consuming SecretBytes,
        secondExponent: consuming SecretBytes, coefficient: consuming SecretBytes
    ) {
        self.privateExponent = privateExponent
        self.firstPrime = firstPrime
        self.secondPrime = secondPrime
        self.firstExponent = firstExponent
        self.secondExponent = secondExponent
        self.coefficient = coefficient
    }
}
