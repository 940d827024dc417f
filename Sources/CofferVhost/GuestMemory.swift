import Glibc

/// A guest's memory as its front end shares it: some regions, each a part of a file.
///
/// Its bytes may change under every read. Whoever uses it takes what it decides by out once and checks that copy.
@safe
final class GuestMemory: @unchecked Sendable {
    // SAFETY: the mappings are made in `init` and undone in `deinit`; ranges are handed out by those who hold this object.

    /// A region as the front end describes it.
    struct Description: Equatable, Sendable {
        /// Where the guest sees it.
        let guestAddress: UInt64
        let byteCount: UInt64
        /// Where the front end has it, by which it names rings.
        let userAddress: UInt64
        /// Where it begins in its file.
        let fileOffset: UInt64

        /// - Returns: nil if addresses overflow, so that no range could be checked against it.
        init?(guestAddress: UInt64, byteCount: UInt64, userAddress: UInt64, fileOffset: UInt64) {
            let ends = [guestAddress, userAddress, fileOffset].map { $0.addingReportingOverflow(byteCount) }
            guard byteCount > 0, ends.allSatisfy({ !$0.overflow }), ends[2].partialValue <= UInt64(Int.max / 2) else { return nil }
            self.guestAddress = guestAddress
            self.byteCount = byteCount
            self.userAddress = userAddress
            self.fileOffset = fileOffset
        }
    }

    @safe
    private struct Region {
        let description: Description
        let mapping: UnsafeMutableRawPointer
        let mappedByteCount: Int
    }

    private var regions: [Region] = []

    /// Maps the regions.
    ///
    /// - Parameter files: One for each, which stay the caller's.
    /// - Throws: ``VhostError/system(_:)`` if one cannot be mapped, ``VhostError/badMessage(_:)`` if its file is shorter.
    init(_ descriptions: [Description], _ files: [Int32]) throws(VhostError) {
        guard descriptions.count == files.count else { throw .badMessage("a region of memory has no file") }
        for (description, file) in zip(descriptions, files) {
            let count = Int(description.fileOffset + description.byteCount)
            var status = stat()
            guard unsafe fstat(file, &status) == 0 else { throw .system(errno) }
            // A page beyond the end of its file would end this process when it is touched.
            guard status.st_size >= count else { throw .badMessage("a region of memory is longer than its file") }
            let mapping = unsafe mmap(nil, count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
            guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else { throw .system(errno) }
            unsafe regions.append(Region(description: description, mapping: mapping, mappedByteCount: count))
        }
    }

    /// A range by the guest's addresses, or nil if it does not lie within one region.
    func range(_ address: UInt64, _ count: Int) -> UnsafeMutableRawBufferPointer? {
        unsafe find(address, count) { $0.guestAddress }
    }

    /// A range by the front end's addresses.
    func userRange(_ address: UInt64, _ count: Int) -> UnsafeMutableRawBufferPointer? {
        unsafe find(address, count) { $0.userAddress }
    }

    private func find(_ address: UInt64, _ count: Int, _ start: (Description) -> UInt64) -> UnsafeMutableRawBufferPointer? {
        guard count >= 0 else { return nil }
        for region in regions {
            let description = region.description
            let first = start(description)
            guard address >= first, address - first <= description.byteCount, UInt64(count) <= description.byteCount - (address - first)
            else { continue }
            return unsafe UnsafeMutableRawBufferPointer(
                start: region.mapping + Int(description.fileOffset + (address - first)), count: count)
        }
        return nil
    }

    deinit {
        for region in regions { _ = unsafe munmap(region.mapping, region.mappedByteCount) }
    }
}

/// Why a front end is cut off.
enum VhostError: Error, Equatable, Sendable {
    /// It said what makes no sense; the text is for the log.
    case badMessage(String)
    /// A ring or a request in it makes no sense.
    case badRing(String)
    /// The operating system refused, with this `errno`.
    case system(Int32)
}
