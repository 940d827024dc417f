import COpenSSL

/// The numbers of a key that all may know.
enum PublicNumber {
    /// The number of `key` by OpenSSL's name for it (EVP_PKEY-RSA(7), EVP_PKEY-EC(7)), big-endian without leading zeros;
    /// empty if the key has none of that name.
    static func read(_ name: String, of key: OpaquePointer) -> [UInt8] {
        var number: OpaquePointer?
        guard unsafe EVP_PKEY_get_bn_param(key, name, &number) == 1 else { return [] }
        defer { unsafe BN_free(number) }
        var bytes = [UInt8](repeating: 0, count: Int(unsafe BN_num_bits(number) + 7) / 8)
        let written = unsafe BN_bn2bin(number, &bytes)
        return Int(written) == bytes.count ? bytes : []
    }
}
