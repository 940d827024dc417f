import CofferCore
import CofferCrypto
import CofferDiskFormat

/// The ciphers of one disk's layers, for one thread at a time.
@safe
final class CipherStack {
    private let inner: XTSCipher
    private let outer: XTSCipher?

    /// Large enough to keep the loop short, small enough that the second layer finds the bytes in the nearest cache.
    private static let pieceByteCount = 4 * DiskHeader.sectorByteCount

    /// - Throws: ``BlockError/badKey`` if a key is none for AES-256-XTS.
    init(_ keys: borrowing LayerKeys, _ engine: XTSEngine) throws(BlockError) {
        do {
            inner = try XTSCipher(key: keys.inner, engine: engine)
            outer = try keys.withOuter { (key) throws(CryptoError) in try XTSCipher(key: key, engine: engine) }
        } catch {
            throw .badKey
        }
    }

    /// Encrypts whole sectors in place: layer 0, then layer 1.
    func encrypt(_ sectors: UnsafeMutableRawBufferPointer, first: UInt64) {
        guard let outer else { return unsafe inner.encrypt(sectors, first: first) }
        unsafe forPieces(of: sectors, first) { piece, first in
            unsafe inner.encrypt(piece, first: first)
            unsafe outer.encrypt(piece, first: first)
        }
    }

    /// Decrypts whole sectors in place: layer 1, then layer 0.
    func decrypt(_ sectors: UnsafeMutableRawBufferPointer, first: UInt64) {
        guard let outer else { return unsafe inner.decrypt(sectors, first: first) }
        unsafe forPieces(of: sectors, first) { piece, first in
            unsafe outer.decrypt(piece, first: first)
            unsafe inner.decrypt(piece, first: first)
        }
    }

    /// Decrypts whole sectors in place, except those that are all zeros: they were never written and read as zeros.
    ///
    /// - Returns: Whether all of them were zeros.
    func decryptWritten(_ sectors: UnsafeMutableRawBufferPointer, first: UInt64) -> Bool {
        let size = DiskHeader.sectorByteCount
        var hasData = false
        var start = 0
        while start < sectors.count {
            if unsafe Zeros.fill(UnsafeRawBufferPointer(rebasing: sectors[start..<start + size])) {
                start += size
                continue
            }
            var end = start + size
            while end < sectors.count, unsafe !Zeros.fill(UnsafeRawBufferPointer(rebasing: sectors[end..<end + size])) { end += size }
            unsafe decrypt(UnsafeMutableRawBufferPointer(rebasing: sectors[start..<end]), first: first + UInt64(start / size))
            hasData = true
            start = end
        }
        return !hasData
    }

    private func forPieces(
        of sectors: UnsafeMutableRawBufferPointer, _ first: UInt64, _ body: (UnsafeMutableRawBufferPointer, UInt64) -> Void
    ) {
        var start = 0
        while start < sectors.count {
            let end = min(sectors.count, start + Self.pieceByteCount)
            unsafe body(UnsafeMutableRawBufferPointer(rebasing: sectors[start..<end]), first + UInt64(start / DiskHeader.sectorByteCount))
            start = end
        }
    }
}

/// Looks for bytes that are all zero.
enum Zeros {
    /// Whether all of `bytes` are zero; ends at the first 8 that are not, which in ciphertext are nearly always the first 8.
    @inline(__always)
    static func fill(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        while offset + 8 <= bytes.count {
            if unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) != 0 { return false }
            offset += 8
        }
        while offset < bytes.count {
            if unsafe bytes[offset] != 0 { return false }
            offset += 1
        }
        return true
    }
}
