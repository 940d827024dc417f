import COpenSSL
package import CofferCore

/// AES-256-XTS (IEEE Std 1619, NIST SP 800-38E) over the sectors of a disk.
///
/// The tweak of a sector is its number, little-endian: what dm-crypt calls plain64 with large-sector IVs. XTS keeps
/// sectors secret and shuffles what is changed by force; it does not detect a change.
///
/// A cipher belongs to one thread, for OpenSSL's contexts carry the state of the sector in work. Neither call allocates.
@safe
package final class XTSCipher {
    /// Bytes in a sector of Coffer's disk format.
    package static let sectorSize = 4096
    /// Bytes in a key: data key, then tweak key.
    package static let keyLength = 64

    private let encryption: Owned
    private let decryption: Owned
    private let unit: Int

    /// - Parameter key: 64 bytes, the data key before the tweak key.
    /// - Throws: ``CryptoError/invalidKey`` for another length, or if both halves are the same, which would undo the
    ///   proof of XTS (IEEE Std 1619-2018 section 5.1); ``CryptoError/unsupported`` if OpenSSL lacks the cipher.
    package convenience init(key: borrowing SecretBytes) throws(CryptoError) {
        try self.init(key: key, sectorSize: Self.sectorSize)
    }

    /// For data units of another size, as published vectors and 512-byte-sector volumes have them.
    ///
    /// - Parameter sectorSize: Bytes, 16 to 2^20, a multiple of 16.
    package init(key: borrowing SecretBytes, sectorSize: Int) throws(CryptoError) {
        guard (16...1 << 20).contains(sectorSize), sectorSize % 16 == 0 else { throw .invalidLength }
        guard key.count == Self.keyLength else { throw .invalidKey }
        let isWeak = key.withBytes { key in
            ConstantTime.equal(key.extracting(first: 32), key.extracting(last: 32))
        }
        guard !isWeak else { throw .invalidKey }
        unit = sectorSize
        encryption = try Self.context(key, encrypting: 1)
        decryption = try Self.context(key, encrypting: 0)
    }

    /// Encrypts whole sectors in place.
    ///
    /// - Parameters:
    ///   - sectors: A multiple of the sector size.
    ///   - first: The number of the first of them on the disk.
    package func encrypt(_ sectors: UnsafeMutableRawBufferPointer, first: UInt64) {
        unsafe run(encryption, sectors, first)
    }

    /// Decrypts whole sectors in place; parameters as for ``encrypt(_:first:)``.
    package func decrypt(_ sectors: UnsafeMutableRawBufferPointer, first: UInt64) {
        unsafe run(decryption, sectors, first)
    }

    private func run(_ context: borrowing Owned, _ sectors: UnsafeMutableRawBufferPointer, _ first: UInt64) {
        let (count, rest) = sectors.count.quotientAndRemainder(dividingBy: unit)
        precondition(rest == 0, "a part of a sector cannot be encrypted")
        let status = unsafe coffer_xts(context.pointer, sectors.baseAddress, count, Int32(unit), first)
        // To go on would put plaintext on a disk.
        precondition(status == 1, "AES-XTS failed")
    }

    private static func context(_ key: borrowing SecretBytes, encrypting: Int32) throws(CryptoError) -> Owned {
        let cipher = unsafe try Provider.aes256XTS.handle()
        let context = unsafe try Owned(EVP_CIPHER_CTX_new(), freedBy: EVP_CIPHER_CTX_free)
        let status = key.withBytes { key in
            unsafe key.withUnsafeBytes { key in
                unsafe EVP_CipherInit_ex2(context.pointer, cipher, key.baseAddress, nil, encrypting, nil)
            }
        }
        try CryptoError.check(status)
        return context
    }
}
