import CofferCore
import CofferCrypto
import CofferDiskFormat

/// The ciphers of one disk's layers, for one thread at a time.
///
/// While the disk is being re-encrypted sectors below a watermark have other ciphers. The range of the sectors must be held then.
@safe
final class CipherStack {
    /// Nil of a disk that is not encrypted.
    private let inner: XTSCipher?
    private let outer: XTSCipher?
    private let successor: Successor?

    /// The ciphers that take this one's place, and how far they have.
    struct Successor {
        let stack: CipherStack
        let watermark: Watermark
    }

    /// Large enough to keep the loop short, small enough that the second layer finds the bytes in the nearest cache.
    private static let pieceByteCount = 4 * DiskHeader.sectorByteCount

    /// - Throws: ``BlockError/badKey`` if a key is none for AES-256-XTS.
    init(_ keys: borrowing LayerKeys, _ engine: XTSEngine, successor: Successor? = nil) throws(BlockError) {
        self.successor = successor
        do {
            inner = try keys.withInner { (key) throws(CryptoError) in try XTSCipher(key: key, engine: engine) }
            outer = try keys.withOuter { (key) throws(CryptoError) in try XTSCipher(key: key, engine: engine) }
        } catch {
            throw .badKey
        }
    }

    /// Encrypts whole sectors in place: layer 0, then layer 1.
    func encrypt(_ sectors: UnsafeMutableRawBufferPointer, first: UInt64) {
        if successor != nil {
            return unsafe forParts(of: sectors, first) { stack, part, first in unsafe stack.encryptAlone(part, first: first) }
        }
        unsafe encryptAlone(sectors, first: first)
    }

    private func encryptAlone(_ sectors: UnsafeMutableRawBufferPointer, first: UInt64) {
        guard let inner else { return }
        guard let outer else { return unsafe inner.encrypt(sectors, first: first) }
        unsafe forPieces(of: sectors, first) { piece, first in
            unsafe inner.encrypt(piece, first: first)
            unsafe outer.encrypt(piece, first: first)
        }
    }

    /// Decrypts whole sectors in place: layer 1, then layer 0.
    func decrypt(_ sectors: UnsafeMutableRawBufferPointer, first: UInt64) {
        if successor != nil {
            return unsafe forParts(of: sectors, first) { stack, part, first in unsafe stack.decryptAlone(part, first: first) }
        }
        unsafe decryptAlone(sectors, first: first)
    }

    private func decryptAlone(_ sectors: UnsafeMutableRawBufferPointer, first: UInt64) {
        guard let inner else { return }
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

    /// Whether ``reencrypt(_:first:)`` can be used.
    var hasSuccessor: Bool { successor != nil }

    /// Brings whole sectors that are not re-encrypted yet from these ciphers to those that take their place, in place. No more than a
    /// piece of plaintext is in memory at a time.
    func reencrypt(_ sectors: UnsafeMutableRawBufferPointer, first: UInt64) {
        guard let successor else { return }
        unsafe forPieces(of: sectors, first) { piece, first in
            unsafe decryptAlone(piece, first: first)
            unsafe successor.stack.encryptAlone(piece, first: first)
        }
    }

    /// Calls `body` with the sectors below the watermark and with the others, and the ciphers of each.
    private func forParts(
        of sectors: UnsafeMutableRawBufferPointer, _ first: UInt64, _ body: (CipherStack, UnsafeMutableRawBufferPointer, UInt64) -> Void
    ) {
        guard let successor else { return }
        let size = DiskHeader.sectorByteCount
        let mark = successor.watermark.sector
        let below = mark > first ? Int(clamping: min(mark - first, UInt64(sectors.count / size))) * size : 0
        if below > 0 { unsafe body(successor.stack, UnsafeMutableRawBufferPointer(rebasing: sectors[..<below]), first) }
        if below < sectors.count {
            unsafe body(self, UnsafeMutableRawBufferPointer(rebasing: sectors[below...]), first + UInt64(below / size))
        }
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
