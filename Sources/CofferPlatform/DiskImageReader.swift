package import CofferModel

/// Disk images of other programs' formats, which disks are imported from. Answered by CofferImport with qemu-img.
package protocol DiskImageReader: Sendable {
    /// Finds out whether a file may be imported, and how large the disk in it is.
    ///
    /// - Parameter uri: As a client named it.
    /// - Throws: ``APIError`` that says why it may not or cannot be imported.
    func inspect(_ uri: String) async throws -> DiskImage
    /// Writes an image's contents to a disk that is exported, and returns when all of it was taken.
    ///
    /// Ends early, leaving nothing behind, if the task is cancelled.
    ///
    /// - Parameter progress: Called with how much is done, of 100.
    /// - Throws: ``APIError`` that says what went wrong, `CancellationError`.
    func write(_ image: DiskImage, to export: DiskExport, progress: @escaping @Sendable (Double) -> Void) async throws
}

/// A file that a disk can be imported from.
package struct DiskImage: Equatable, Sendable {
    /// The formats, by qemu's names.
    package enum Format: String, Sendable, CaseIterable {
        case raw
        case qcow2
        /// VHD, fixed or dynamic.
        case vhd = "vpc"
        case vhdx
        case vmdk
    }

    /// An absolute path without symbolic links.
    package let path: String
    package let format: Format
    /// The size of the disk in it, in bytes.
    package let byteCount: UInt64

    package init(path: String, format: Format, byteCount: UInt64) {
        self.path = path
        self.format = format
        self.byteCount = byteCount
    }
}
