import CRBD
import Glibc

extension RBDPool {
    /// The names of all images.
    func images() throws(RBDFailure) -> [String] {
        let found = RBDNames()
        try RBDFailure.check(unsafe found.gather { unsafe coffer_rbd_list(io, $0, $1) })
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
