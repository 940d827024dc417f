import Glibc
import Synchronization

/// Single pages for secrets that are done with and wiped, kept for the next ones: mapping, locking and unmapping a page takes longer than
/// most uses of a key. They stay locked and out of core dumps.
enum SecretPages {
    /// How many are kept; more are given back to the system.
    private static let most = 256

    /// Their addresses. Each page has exactly one owner, either a secret or this list.
    private static let free = Mutex<[UInt]>([])

    static let size = Int(getpagesize())

    /// A wiped page, if one is kept.
    static func take() -> UnsafeMutableRawPointer? {
        unsafe free.withLock { $0.popLast() }.flatMap { unsafe UnsafeMutableRawPointer(bitPattern: $0) }
    }

    /// Keeps a wiped page, or says that there are enough.
    static func keep(_ page: UnsafeMutableRawPointer) -> Bool {
        let address = UInt(bitPattern: page)
        return free.withLock { free in
            guard free.count < most else { return false }
            free.append(address)
            return true
        }
    }
}
