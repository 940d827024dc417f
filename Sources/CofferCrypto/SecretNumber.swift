import COpenSSL
import CofferCore

/// The private numbers of a key.
enum SecretNumber {
    /// The numbers of `key` by OpenSSL's names for them (EVP_PKEY-RSA(7), EVP_PKEY-EC(7)), one after the other, each
    /// big-endian in `length` bytes.
    ///
    /// - Throws: ``CryptoError/invalidKey`` if the key has not one of these names, or a number is longer.
    static func read(_ names: String..., of key: OpaquePointer, length: Int) throws(CryptoError) -> SecretBytes {
        try SecretBytes(count: names.count * length) { (span: inout MutableRawSpan) throws(CryptoError) in
            for (place, name) in names.enumerated() {
                var number: OpaquePointer?
                try CryptoError.check(unsafe EVP_PKEY_get_bn_param(key, name, &number), or: .invalidKey)
                // Wipes the copy.
                defer { unsafe BN_clear_free(number) }
                let written = unsafe span.withUnsafeMutableBytes { target in
                    let target = unsafe target[(place * length)..<((place + 1) * length)]
                    return unsafe BN_bn2binpad(
                        number, UnsafeMutableRawBufferPointer(rebasing: target).assumingMemoryBound(to: UInt8.self).baseAddress,
                        Int32(length))
                }
                guard written == Int32(length) else { throw .hiding(as: .invalidKey) }
            }
        }
    }
}
