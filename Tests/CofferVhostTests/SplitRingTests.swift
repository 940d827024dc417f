@testable import CofferVhost
import Testing

@Suite struct SplitRingTests {
    @Test func chainsAreTakenAndGivenBackInOrder() throws {
        let file = try SharedFile()
        let ring = try file.ring()
        #expect(try ring.take() == nil)
        file.describe(3, address: SharedFile.guest + 16384, count: 16, flags: 1, next: 5)
        file.describe(5, address: SharedFile.guest + 20480, count: 512, flags: 2)
        for round in 0..<20 as Range<UInt16> {
            file.offer(3)
            #expect(try ring.take() == TestRing.Taken(head: 3, counts: [16, 512], areWritable: [false, true]))
            #expect(try ring.take() == nil)
            ring.give(3, 512)
            #expect(file.get(SharedFile.used + 2, as: UInt16.self) == round + 1)
            #expect(file.get(SharedFile.used + 4 + 8 * Int(round % SharedFile.size), as: UInt32.self) == 3)
            #expect(file.get(SharedFile.used + 8 + 8 * Int(round % SharedFile.size), as: UInt32.self) == 512)
            #expect(ring.shouldTell())
            #expect(!ring.shouldTell())
        }
        #expect(ring.taken == 20)
    }

    @Test func indirectTablesAreFollowed() throws {
        let file = try SharedFile()
        let ring = try file.ring()
        file.describe(0, in: 32768, address: SharedFile.guest + 16384, count: 16, flags: 1, next: 1)
        file.describe(1, in: 32768, address: SharedFile.guest + 20480, count: 1, flags: 2)
        file.describe(0, address: SharedFile.guest + 32768, count: 32, flags: 4)
        file.offer(0)
        #expect(try ring.take() == TestRing.Taken(head: 0, counts: [16, 1], areWritable: [false, true]))
    }

    @Test func aDriverIsToldWhenItWantsToBe() throws {
        let file = try SharedFile()
        let ring = try file.ring(usesEventIndex: true)
        // The event index of the driver is behind the available ring.
        let event = SharedFile.available + 4 + 2 * Int(SharedFile.size)
        file.put(UInt16(2), at: event)
        ring.give(0)
        #expect(!ring.shouldTell())
        ring.give(0)
        ring.give(0)
        #expect(ring.shouldTell())
        // That of the device is behind the used ring.
        #expect(!ring.awaitMore())
        #expect(file.get(SharedFile.used + 4 + 8 * Int(SharedFile.size), as: UInt16.self) == 0)
        file.offer(0)
        #expect(ring.awaitMore())
        let plain = try SharedFile().ring()
        plain.give(0)
        #expect(plain.shouldTell())
    }

    /// What a guest can write into its rings to harm the host.
    @Test func ringsThatMakeNoSenseAreRefused() throws {
        func refused(_ prepare: (SharedFile) -> Void) throws -> Bool {
            let file = try SharedFile()
            prepare(file)
            let ring = try file.ring()
            do {
                _ = try ring.take()
                return false
            } catch {
                return true
            }
        }
        let good = SharedFile.guest + 16384
        #expect(try !refused { $0.describe(0, address: good, count: 16); $0.offer(0) })
        #expect(try refused { $0.offer(8) })
        #expect(try refused { $0.offer(.max) })
        #expect(try refused { $0.describe(0, address: good, count: 16, flags: 1, next: 0); $0.offer(0) })
        #expect(try refused { $0.describe(0, address: good, count: 16, flags: 1, next: 200); $0.offer(0) })
        #expect(try refused { $0.describe(0, address: 0, count: 16); $0.offer(0) })
        #expect(try refused { $0.describe(0, address: .max, count: .max); $0.offer(0) })
        #expect(try refused { $0.describe(0, address: SharedFile.guest + UInt64(SharedFile.byteCount) - 8, count: 16); $0.offer(0) })
        #expect(try refused { $0.describe(0, address: good, count: 0, flags: 4); $0.offer(0) })
        #expect(try refused { $0.describe(0, address: good, count: 24, flags: 4); $0.offer(0) })
        #expect(try refused { $0.describe(0, address: good, count: 16, flags: 5); $0.offer(0) })
        // A table in a table.
        #expect(try refused { file in
            file.describe(0, in: 16384, address: good, count: 16, flags: 4)
            file.describe(0, address: good, count: 16, flags: 4)
            file.offer(0)
        })
        // A table whose only descriptor leads to itself.
        #expect(try refused { file in
            file.describe(0, in: 16384, address: good, count: 16, flags: 1, next: 0)
            file.describe(0, address: good, count: 16, flags: 4)
            file.offer(0)
        })
    }

    @Test func ringsOutsideOfTheMemoryAreRefused() throws {
        let file = try SharedFile()
        let inside = SharedFile.user
        for (size, descriptors, used, available) in [
            (0, inside, inside + 8192, inside + 4096), (3, inside, inside + 8192, inside + 4096), (8, 0, inside + 8192, inside + 4096),
            (8, inside, inside + 65530, inside + 4096), (8, inside, inside + 8192, .max), (8, inside + 1, inside + 8192, inside + 4096),
            (32768, inside, inside + 8192, inside + 4096),
        ] as [(UInt16, UInt64, UInt64, UInt64)] {
            #expect(throws: VhostError.self) {
                try SplitRing(
                    file.memory, size: size, at: SplitRing.Addresses(descriptors: descriptors, used: used, available: available), taken: 0,
                    usesEventIndex: true)
            }
        }
    }

    @Test func memoryThatIsLongerThanItsFileIsRefused() throws {
        #expect(throws: VhostError.badMessage("a region of memory is longer than its file")) { try SharedFile(byteCount: 4096) }
        #expect(GuestMemory.Description(guestAddress: .max, byteCount: 2, userAddress: 0, fileOffset: 0) == nil)
        #expect(GuestMemory.Description(guestAddress: 0, byteCount: 0, userAddress: 0, fileOffset: 0) == nil)
        #expect(GuestMemory.Description(guestAddress: 0, byteCount: .max, userAddress: 0, fileOffset: 0) == nil)
    }

    @Test func headsOfMessagesAreRead() {
        #expect(VhostHeader([1, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0])?.payloadByteCount == 8)
        #expect(VhostHeader([1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0])?.wantsReply == true)
        // Another version, a reply, a payload that is too long, too few bytes.
        #expect(VhostHeader([1, 0, 0, 0, 2, 0, 0, 0, 8, 0, 0, 0]) == nil)
        #expect(VhostHeader([1, 0, 0, 0, 5, 0, 0, 0, 8, 0, 0, 0]) == nil)
        #expect(VhostHeader([1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0]) == nil)
        #expect(VhostHeader([1, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0]) == nil)
    }

    @Test func theConfigurationHasItsForm() {
        let bytes = BlockConfiguration(byteCount: 1 << 30, queueCount: 4).bytes
        #expect(bytes.count == 60)
        #expect(Array(bytes[..<8]) == UInt64(1 << 21).littleEndianBytes)
        #expect(Array(bytes[34..<36]) == [4, 0])
    }
}
