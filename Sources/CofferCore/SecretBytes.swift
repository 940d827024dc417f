import Glibc

/// Key material or a secret value, owned by exactly one place and wiped when that place is done.
///
/// A `SecretBytes` cannot be copied, printed, encoded or compared with `==`. Its bytes are reached only inside
/// ``withBytes(_:)`` and compared only by ``constantTimeEquals(_:)``. Each secret has memory pages of its own, which are
/// kept out of swap where `RLIMIT_MEMLOCK` allows, left out of core dumps, and overwritten before they are given back or serve the next secret.
@safe
package struct SecretBytes: ~Copyable {
    /// Length in bytes. Not secret.
    package let count: Int

    private let storage: UnsafeMutableRawPointer
    private let mappedCount: Int

    /// Creates a secret of `count` zero bytes and lets `fill` write them in place, so that no second copy ever exists.
    ///
    /// If `fill` throws, what it wrote is wiped before the error leaves.
    ///
    /// - Parameters:
    ///   - count: Length in bytes, 0 or more.
    ///   - fill: Writes the secret.
    package init<E: Error>(count: Int, fill: (inout MutableRawSpan) throws(E) -> Void) throws(E) {
        precondition(count >= 0, "a secret has no negative length")
        let page = SecretPages.size
        let mapped = max(page, (count + page - 1) / page * page)
        let kept = unsafe mapped == page ? SecretPages.take() : nil
        let place = unsafe kept ?? Self.map(mapped)
        self.count = count
        self.mappedCount = mapped
        unsafe self.storage = place
        var span = unsafe MutableRawSpan(_unsafeStart: place, byteCount: count)
        try fill(&span)
    }

    private static func map(_ mapped: Int) -> UnsafeMutableRawPointer {
        let map = unsafe mmap(nil, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let map = unsafe map, unsafe map != MAP_FAILED else { preconditionFailure("no memory for a secret") }
        // Best effort: an unprivileged process may be over RLIMIT_MEMLOCK, and that is not an error.
        _ = unsafe mlock(map, mapped)
        _ = unsafe madvise(map, mapped, MADV_DONTDUMP)
        return unsafe map
    }

    /// Takes a copy of `bytes`. Wiping the original stays the caller's duty.
    package init(copying bytes: RawSpan) {
        self.init(count: bytes.byteCount) { (span: inout MutableRawSpan) in
            unsafe bytes.withUnsafeBytes { source in
                unsafe span.withUnsafeMutableBytes { target in unsafe target.copyMemory(from: source) }
            }
        }
    }

    /// Takes the bytes of `array` and overwrites them there.
    package init(wiping array: inout [UInt8]) {
        let count = array.count
        self.init(count: count) { (span: inout MutableRawSpan) in
            unsafe array.withUnsafeMutableBytes { source in
                unsafe span.withUnsafeMutableBytes { target in unsafe target.copyMemory(from: UnsafeRawBufferPointer(source)) }
                if let base = source.baseAddress { unsafe explicit_bzero(base, count) }
            }
        }
    }

    /// Calls `body` with the bytes, which it can read but not keep.
    package borrowing func withBytes<R: ~Copyable, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
        try body(unsafe RawSpan(_unsafeStart: storage, byteCount: count))
    }

    /// Whether both secrets hold the same bytes.
    ///
    /// Takes time that depends on `count` alone. Secrets of different lengths differ at once.
    package borrowing func constantTimeEquals(_ other: borrowing SecretBytes) -> Bool {
        withBytes { mine in other.withBytes { theirs in ConstantTime.equal(mine, theirs) } }
    }

    /// A second owner of the same bytes, made only where two places really must hold them.
    package borrowing func clone() -> SecretBytes {
        withBytes { SecretBytes(copying: $0) }
    }

    deinit {
        // `explicit_bzero` is the one call the optimizer may not remove as a dead store.
        unsafe explicit_bzero(storage, mappedCount)
        let isKept = unsafe mappedCount == SecretPages.size && SecretPages.keep(storage)
        if !isKept { _ = unsafe munmap(storage, mappedCount) }
    }
}

// SAFETY: the storage is written only in `init`, before any other thread can hold the value, and is unmapped only in
// `deinit`, which runs once because the type is not copyable.
extension SecretBytes: @unchecked Sendable {}
