import CLinux

/// A split virtqueue (Virtual I/O Device 1.1 section 2.6): takes chains of buffers that the driver offers, and gives them back in the same
/// order. So whoever goes on after a crash goes on where the used ring ends.
///
/// For one thread. Nothing that is read from the guest's memory is believed: an index beyond the ring, a loop, or an address outside of
/// the memory ends the queue.
@safe
struct SplitRing {
    /// Where the front end says that the parts of a ring are.
    struct Addresses: Equatable, Sendable {
        let descriptors: UInt64
        let used: UInt64
        let available: UInt64
    }

    /// A piece of a chain.
    @safe
    struct Segment {
        let bytes: UnsafeMutableRawBufferPointer
        /// Whether the device writes it.
        let isWritable: Bool
    }

    private struct Descriptor {
        static let byteCount = 16
        static let hasNext: UInt16 = 1
        static let isWritable: UInt16 = 2
        static let isIndirect: UInt16 = 4

        let address: UInt64
        let count: UInt32
        let flags: UInt16
        let next: UInt16
    }

    /// Descriptors of one chain, however the driver links them.
    private static let longestChain = 1024

    private let memory: GuestMemory
    private let size: UInt16
    private let usesEventIndex: Bool
    private let descriptors: UnsafeMutableRawBufferPointer
    private let available: UnsafeMutableRawBufferPointer
    private let used: UnsafeMutableRawBufferPointer
    /// How many chains were taken, and how many given back.
    private(set) var taken: UInt16
    private var given: UInt16
    /// How many were given back when the driver was last told.
    private var told: UInt16

    /// - Parameters:
    ///   - size: Of the ring, a power of two up to 32768.
    ///   - taken: Where to go on.
    /// - Throws: ``VhostError/badRing(_:)`` if the ring is not in the guest's memory.
    init(_ memory: GuestMemory, size: UInt16, at addresses: Addresses, taken: UInt16, usesEventIndex: Bool) throws(VhostError) {
        guard size > 0, size <= 32768, size & (size - 1) == 0 else { throw .badRing("a ring of \(size) descriptors") }
        let count = Int(size)
        guard let descriptors = unsafe memory.userRange(addresses.descriptors, count * Descriptor.byteCount),
            let available = unsafe memory.userRange(addresses.available, 6 + 2 * count),
            let used = unsafe memory.userRange(addresses.used, 6 + 8 * count),
            addresses.available % 2 == 0, addresses.used % 4 == 0, addresses.descriptors % 16 == 0
        else { throw .badRing("a ring that is not in the guest's memory") }
        self.memory = memory
        self.size = size
        self.usesEventIndex = usesEventIndex
        unsafe self.descriptors = descriptors
        unsafe self.available = available
        unsafe self.used = used
        self.taken = taken
        // Chains are given back in their order, so the used ring says how far the device came.
        given = unsafe Self.load(used, 2)
        told = given
    }

    /// Takes the next chain that the driver offers.
    ///
    /// - Parameter segments: Emptied, and filled with the chain's pieces.
    /// - Returns: The chain's number, or nil if none is offered.
    /// - Throws: ``VhostError/badRing(_:)``.
    mutating func take(_ segments: inout [Segment]) throws(VhostError) -> UInt16? {
        segments.removeAll(keepingCapacity: true)
        guard unsafe Self.loadAcquire(available, 2) != taken else { return nil }
        let head: UInt16 = unsafe Self.load(available, 4 + 2 * Int(taken % size))
        taken &+= 1
        try unsafe follow(head, in: descriptors, isIndirect: false, &segments)
        return head
    }

    private func follow(
        _ first: UInt16, in table: UnsafeMutableRawBufferPointer, isIndirect: Bool, _ segments: inout [Segment]
    ) throws(VhostError) {
        var index = first
        let count = table.count / Descriptor.byteCount
        for _ in 0..<Self.longestChain {
            guard Int(index) < count else { throw .badRing("a descriptor beyond its table") }
            let descriptor = unsafe Self.descriptor(table, Int(index))
            if descriptor.flags & Descriptor.isIndirect != 0 {
                guard !isIndirect, descriptor.flags & Descriptor.hasNext == 0, descriptor.count > 0,
                    Int(descriptor.count) % Descriptor.byteCount == 0,
                    Int(descriptor.count) <= Self.longestChain * Descriptor.byteCount,
                    let inner = unsafe memory.range(descriptor.address, Int(descriptor.count))
                else { throw .badRing("an indirect table that is none") }
                return try unsafe follow(0, in: inner, isIndirect: true, &segments)
            }
            guard let bytes = unsafe memory.range(descriptor.address, Int(descriptor.count)) else {
                throw .badRing("a buffer outside of the guest's memory")
            }
            unsafe segments.append(Segment(bytes: bytes, isWritable: descriptor.flags & Descriptor.isWritable != 0))
            guard segments.count <= Self.longestChain else { break }
            guard descriptor.flags & Descriptor.hasNext != 0 else { return }
            index = descriptor.next
        }
        throw .badRing("a chain without an end")
    }

    /// Gives a chain back.
    ///
    /// - Parameter written: Bytes that were written into it.
    mutating func give(_ head: UInt16, written: Int) {
        let place = 4 + 8 * Int(given % size)
        unsafe used.storeBytes(of: UInt32(head).littleEndian, toByteOffset: place, as: UInt32.self)
        unsafe used.storeBytes(of: UInt32(clamping: written).littleEndian, toByteOffset: place + 4, as: UInt32.self)
        given &+= 1
        unsafe Self.storeRelease(used, 2, given)
    }

    /// Whether the driver wants to be told of what was given back since the last time.
    mutating func shouldTell() -> Bool {
        guard given != told else { return false }
        coffer_full_fence()
        defer { told = given }
        guard usesEventIndex else {
            let flags: UInt16 = unsafe Self.load(available, 0)
            return flags & 1 == 0
        }
        // The driver wants to be told when this many were given back (section 2.6.7.2).
        let event: UInt16 = unsafe Self.load(available, 4 + 2 * Int(size))
        return given &- event &- 1 < given &- told
    }

    /// Asks to be woken by the next chain.
    ///
    /// - Returns: Whether one is there already.
    mutating func awaitMore() -> Bool {
        if usesEventIndex { unsafe Self.storeRelease(used, 4 + 8 * Int(size), taken) }
        coffer_full_fence()
        return unsafe Self.loadAcquire(available, 2) != taken
    }

    private static func descriptor(_ table: UnsafeMutableRawBufferPointer, _ index: Int) -> Descriptor {
        let place = index * Descriptor.byteCount
        return unsafe Descriptor(
            address: UInt64(littleEndian: table.loadUnaligned(fromByteOffset: place, as: UInt64.self)),
            count: UInt32(littleEndian: table.loadUnaligned(fromByteOffset: place + 8, as: UInt32.self)),
            flags: UInt16(littleEndian: table.loadUnaligned(fromByteOffset: place + 12, as: UInt16.self)),
            next: UInt16(littleEndian: table.loadUnaligned(fromByteOffset: place + 14, as: UInt16.self)))
    }

    private static func load(_ bytes: UnsafeMutableRawBufferPointer, _ place: Int) -> UInt16 {
        unsafe UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt16.self))
    }

    private static func loadAcquire(_ bytes: UnsafeMutableRawBufferPointer, _ place: Int) -> UInt16 {
        guard let base = bytes.baseAddress else { return 0 }
        return unsafe UInt16(littleEndian: coffer_load_acquire((base + place).assumingMemoryBound(to: UInt16.self)))
    }

    private static func storeRelease(_ bytes: UnsafeMutableRawBufferPointer, _ place: Int, _ value: UInt16) {
        guard let base = bytes.baseAddress else { return }
        unsafe coffer_store_release((base + place).assumingMemoryBound(to: UInt16.self), value.littleEndian)
    }
}
