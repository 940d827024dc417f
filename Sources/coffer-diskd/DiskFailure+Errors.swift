import CofferBlock
import CofferDiskFormat
import CofferModel
import CofferNBDWire
import Glibc

extension DiskFailure {
    /// A format error of the disk whose header is at `path`, in the words of the control protocol.
    init(_ error: DiskFormatError, path: String) {
        switch error {
        case .notFound: self.init(.notFound, error.sentence)
        case .exists: self.init(.exists, error.sentence)
        case .wrongKey: self.init(.wrongKey, error.sentence)
        case .invalid: self.init(.badCommand, error.sentence)
        case .notAHeader, .unknownVersion, .damaged, .otherDisk, .dataMissing, .journalDamaged: self.init(.corruptHeader, "\(path): \(error.sentence)")
        case .file(let file): self.init(file.code == ENOSPC || file.code == EDQUOT ? .noSpace : .system, error.sentence)
        }
    }

    /// An error of the data file at `path`, in the words of the control protocol.
    init(_ error: BlockError, path: String) {
        switch error {
        case .suspended: self.init(.busy, "the disk is suspended")
        case .closed: self.init(.busy, "the disk is being closed")
        case .outOfRange: self.init(.badCommand, "the range is not within the disk")
        case .readOnly: self.init(.badCommand, "the disk is open for reading only")
        case .noSpace: self.init(.noSpace, "\(path): no space is left")
        case .writesLost: self.init(.system, "\(path): an earlier write could not be put on stable storage")
        case .badKey: self.init(.wrongKey, "a data key is none for AES-256-XTS")
        case .refused(let reason): self.init(.system, "\(path): \(reason)")
        case .system(let code): self.init(.system, "\(path): \(unsafe String(cString: strerror(code)))")
        }
    }
}

extension DiskFailure {
    /// Why a storage service cannot be used.
    init(_ failure: NBDFailure) {
        if case .connection(let what) = failure { self.init(.system, what) } else { self.init(.system, "\(failure)") }
    }
}
