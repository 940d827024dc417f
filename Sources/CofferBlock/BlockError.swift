/// Why a disk did not do a piece of I/O. None of these says anything of the data.
package enum BlockError: Error, Equatable, Sendable {
    /// The data keys are gone until the disk is resumed.
    case suspended
    /// The disk was closed.
    case closed
    /// The range does not lie within the disk.
    case outOfRange
    /// The disk was opened for reading.
    case readOnly
    /// The file system is full.
    case noSpace
    /// An earlier write could not be put on stable storage, so that nothing can be promised until the disk is opened anew.
    case writesLost
    /// A data key that OpenSSL does not take.
    case badKey
    /// What the bytes are kept in refused, for the reason given, a sentence without the place.
    case refused(String)
    /// The operating system refused, with this `errno`.
    case system(Int32)
}
