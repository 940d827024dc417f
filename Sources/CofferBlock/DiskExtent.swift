/// A stretch of a disk that either holds data or was never written.
package struct DiskExtent: Equatable, Sendable {
    /// In bytes, a multiple of 4096 unless the stretch is cut by the range that was asked for.
    package let offset: UInt64
    /// In bytes, at least 1.
    package let length: UInt64
    /// Whether it reads as zeros and occupies no space.
    package let isHole: Bool

    package init(offset: UInt64, length: UInt64, isHole: Bool) {
        self.offset = offset
        self.length = length
        self.isHole = isHole
    }
}
