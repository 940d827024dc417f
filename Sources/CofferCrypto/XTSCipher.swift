import COpenSSL
import CXTS
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

    private let sectors: any XTSSectors
    private let unit: Int

    /// - Parameters:
    ///   - key: 64 bytes, the data key before the tweak key.
    ///   - engine: One that is available.
    /// - Throws: ``CryptoError/invalidKey`` for another length, or if both halves are the same, which would undo the
    ///   proof of XTS (IEEE Std 1619-2018 section 5.1); ``CryptoError/unsupported`` if the engine is not available.
    package convenience init(key: borrowing SecretBytes, engine: XTSEngine = .fastest) throws(CryptoError) {
        try self.init(key: key, sectorSize: Self.sectorSize, engine: engine)
    }

    /// For data units of another size, as published vectors and 512-byte-sector volumes have them. Those that are no
    /// multiple of 512 bytes are OpenSSL's, whatever the engine.
    ///
    /// - Parameter sectorSize: Bytes, 16 to 2^20, a multiple of 16.
    package init(key: borrowing SecretBytes, sectorSize: Int, engine: XTSEngine = .fastest) throws(CryptoError) {
        guard (16...1 << 20).contains(sectorSize), sectorSize % 16 == 0 else { throw .invalidLength }
        guard key.count == Self.keyLength else { throw .invalidKey }
        let isWeak = key.withBytes { key in
            ConstantTime.equal(key.extracting(first: 32), key.extracting(last: 32))
        }
        guard !isWeak else { throw .invalidKey }
        guard engine.isAvailable else { throw .unsupported }
        unit = sectorSize
        sectors =
            if engine == .openSSL || sectorSize % 512 != 0 {
                try OpenSSLSectors(key)
            } else {
                KernelSectors(key, engine.way)
            }
    }

    /// Encrypts whole sectors in place.
    ///
    /// - Parameters:
    ///   - sectors: A multiple of the sector size.
    ///   - first: The number of the first of them on the disk.
    package func encrypt(_ sectors: UnsafeMutableRawBufferPointer, first: UInt64) {
        unsafe self.sectors.encrypt(sectors, count: count(of: sectors), size: unit, first: first)
    }

    /// Decrypts whole sectors in place; parameters as for ``encrypt(_:first:)``.
    package func decrypt(_ sectors: UnsafeMutableRawBufferPointer, first: UInt64) {
        unsafe self.sectors.decrypt(sectors, count: count(of: sectors), size: unit, first: first)
    }

    private func count(of sectors: UnsafeMutableRawBufferPointer) -> Int {
        let (count, rest) = sectors.count.quotientAndRemainder(dividingBy: unit)
        precondition(rest == 0, "a part of a sector cannot be encrypted")
        return count
    }
}

/// What runs the cipher over `count` sectors of `size` bytes.
private protocol XTSSectors: AnyObject {
    func encrypt(_ sectors: UnsafeMutableRawBufferPointer, count: Int, size: Int, first: UInt64)
    func decrypt(_ sectors: UnsafeMutableRawBufferPointer, count: Int, size: Int, first: UInt64)
}

/// A context of OpenSSL's for each direction.
@safe
private final class OpenSSLSectors: XTSSectors {
    private let encryption: Owned
    private let decryption: Owned

    init(_ key: borrowing SecretBytes) throws(CryptoError) {
        encryption = try Self.context(key, encrypting: 1)
        decryption = try Self.context(key, encrypting: 0)
    }

    func encrypt(_ sectors: UnsafeMutableRawBufferPointer, count: Int, size: Int, first: UInt64) {
        unsafe Self.run(encryption, sectors, count, size, first)
    }

    func decrypt(_ sectors: UnsafeMutableRawBufferPointer, count: Int, size: Int, first: UInt64) {
        unsafe Self.run(decryption, sectors, count, size, first)
    }

    private static func run(
        _ context: borrowing Owned, _ sectors: UnsafeMutableRawBufferPointer, _ count: Int, _ size: Int, _ first: UInt64
    ) {
        let status = unsafe coffer_xts(context.pointer, sectors.baseAddress, count, Int32(size), first)
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

/// Round keys for the kernel in `CXTS`.
@safe
private final class KernelSectors: XTSSectors {
    private let schedule: SecretBytes
    private let way: coffer_xts_way

    init(_ key: borrowing SecretBytes, _ way: coffer_xts_way) {
        self.way = way
        schedule = SecretBytes(count: MemoryLayout<coffer_xts_schedule>.size) { span in
            key.withBytes { key in
                unsafe key.withUnsafeBytes { key in
                    unsafe span.withUnsafeMutableBytes { schedule in
                        unsafe coffer_xts_expand(
                            schedule.assumingMemoryBound(to: coffer_xts_schedule.self).baseAddress,
                            key.assumingMemoryBound(to: UInt8.self).baseAddress)
                    }
                }
            }
        }
    }

    func encrypt(_ sectors: UnsafeMutableRawBufferPointer, count: Int, size: Int, first: UInt64) {
        unsafe withSchedule { schedule in
            unsafe coffer_xts_encrypt(way, schedule, sectors.assumingMemoryBound(to: UInt8.self).baseAddress, count, size, first)
        }
    }

    func decrypt(_ sectors: UnsafeMutableRawBufferPointer, count: Int, size: Int, first: UInt64) {
        unsafe withSchedule { schedule in
            unsafe coffer_xts_decrypt(way, schedule, sectors.assumingMemoryBound(to: UInt8.self).baseAddress, count, size, first)
        }
    }

    private func withSchedule(_ body: (UnsafePointer<coffer_xts_schedule>?) -> Void) {
        schedule.withBytes { bytes in
            unsafe bytes.withUnsafeBytes { unsafe body($0.assumingMemoryBound(to: coffer_xts_schedule.self).baseAddress) }
        }
    }
}
