package import CofferModel

/// The contents of disks in clear. Answered by CofferNBDClient over the disk host's exports: the keys stay with the host.
package protocol DiskContents: Sendable {
    /// Connects to a disk that its host exports.
    ///
    /// - Throws: ``DiskFailure`` if the host cannot be reached or refuses, such as while the disk is suspended.
    func open(_ export: DiskExport) async throws -> any DiskContent
}

/// One disk's contents. The connection lasts as long as this value; what is asked of it is done one after the other.
package protocol DiskContent: Sendable {
    /// The size in bytes.
    var byteCount: UInt64 { get }
    /// - Throws: ``DiskFailure``, here as in the others, also if the disk ends where the range does not.
    func read(_ range: ByteRange) async throws -> [UInt8]
    /// Returns when the bytes are on stable storage.
    func write(_ bytes: [UInt8], at offset: UInt64) async throws
    /// Makes a range read as zeros. Returns when that is on stable storage.
    func clear(_ range: ByteRange) async throws
    /// The parts of a range that may hold something else than zeros, in order.
    func allocated(_ range: ByteRange) async throws -> [ByteRange]
}
