import CRBD
import CofferModel
import Glibc

/// The map of an object that says which disks there are: their headers, or what becomes of them. Each change of a key is atomic and
/// durable, and is made only if nobody else has changed it meanwhile.
@safe
struct RBDDirectory: Sendable {
    private let pool: RBDPool

    /// Of one key, in bytes.
    static let maximumByteCount = 16384

    init(_ pool: RBDPool) { self.pool = pool }

    /// Makes the object if it is not there.
    func make() throws(RBDFailure) {
        try RBDFailure.check(unsafe coffer_rados_make(pool.io, RBDPoolName.directory))
    }

    /// A key's value, or nil if it is not there.
    func value(of key: String) throws(RBDFailure) -> [UInt8]? {
        var value = [UInt8](repeating: 0, count: Self.maximumByteCount)
        var count = value.count
        let result = unsafe coffer_rados_value(pool.io, RBDPoolName.directory, key, &value, &count)
        if result == -ENOENT { return nil }
        try RBDFailure.check(result)
        return Array(value.prefix(count))
    }

    /// Replaces a key's value, or takes the key away.
    ///
    /// - Parameters:
    ///   - old: What it is now; nil if it is not there.
    ///   - new: Not empty; nil for taking it away.
    /// - Returns: Whether it was so; if not, nothing was changed.
    func swap(_ key: String, from old: [UInt8]?, to new: [UInt8]?) throws(RBDFailure) -> Bool {
        let old = old ?? []
        let result = switch new {
        case .some(let new): unsafe coffer_rados_swap(pool.io, RBDPoolName.directory, key, old, old.count, new, new.count)
        case .none: unsafe coffer_rados_swap(pool.io, RBDPoolName.directory, key, old, old.count, nil, 0)
        }
        if result == -ECANCELED { return false }
        try RBDFailure.check(result)
        return true
    }

    /// All keys that begin with `prefix`, in order, with their values.
    func entries(_ prefix: String = "") throws(RBDFailure) -> [(key: String, value: [UInt8])] {
        final class Found { var entries: [(key: String, value: [UInt8])] = [] }
        let found = Found()
        let result = withExtendedLifetime(found) {
            unsafe coffer_rados_list(pool.io, RBDPoolName.directory, prefix, { context, key, value, count in
                guard let context = unsafe context, let key = unsafe key else { return 0 }
                let found = unsafe Unmanaged<Found>.fromOpaque(context).takeUnretainedValue()
                let bytes = unsafe UnsafeRawBufferPointer(start: value, count: count)
                unsafe found.entries.append((String(cString: key), Array(bytes)))
                return 0
            }, Unmanaged.passUnretained(found).toOpaque())
        }
        try RBDFailure.check(result)
        return found.entries
    }
}
