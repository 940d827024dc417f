import CRBD
import Glibc

extension RBDPool {
    /// The names of all images.
    func images() throws(RBDFailure) -> [String] {
        final class Found { var names: [String] = [] }
        let found = Found()
        let result = withExtendedLifetime(found) {
            unsafe coffer_rbd_list(io, { context, name in
                guard let context = unsafe context, let name = unsafe name else { return 0 }
                unsafe Unmanaged<Found>.fromOpaque(context).takeUnretainedValue().names.append(String(cString: name))
                return 0
            }, Unmanaged.passUnretained(found).toOpaque())
        }
        try RBDFailure.check(result)
        return found.names
    }

    /// Makes an image that reads as zeros.
    func create(_ image: String, byteCount: UInt64) throws(RBDFailure) {
        try RBDFailure.check(unsafe coffer_rbd_create(io, image, byteCount))
    }

    /// Takes an image away, if it is there.
    ///
    /// - Returns: Whether it is gone; it is not while others are made of it.
    /// - Throws: ``RBDFailure``, with `EBUSY` while somebody has it open.
    func remove(_ image: String) throws(RBDFailure) -> Bool {
        let result = unsafe coffer_rbd_remove(io, image)
        switch -result {
        case ENOENT: return true
        case ENOTEMPTY: return false
        default: try RBDFailure.check(result)
        }
        return true
    }
}
