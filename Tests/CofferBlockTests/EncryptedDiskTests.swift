@testable import CofferBlock
import CofferCore
import CofferCrypto
import CofferDiskFormat
import CofferModel
import CofferTesting
import Foundation
import Testing

struct EncryptedDiskTests {
    private static let size: UInt64 = 1 << 20

    @Test(arguments: [1, 2], 0..<4)
    func aDiskDoesWhatAnArrayOfBytesWouldDo(layers: Int, seed: Int) throws {
        let test = try TestDisk(byteCount: Self.size, layers: layers)
        let disk = try test.open()
        let channel = try disk.makeChannel()
        var model = [UInt8](repeating: 0, count: Int(Self.size))
        var random = SeededRandom(seed: UInt64(seed))
        for round in 0..<150 {
            // Half of the ranges begin and end at sectors.
            let unit = Bool.random(using: &random) ? 4096 : 1
            let offset = Int.random(in: 0..<Int(Self.size) / unit, using: &random) * unit
            let length = min(Int.random(in: 1...max(1, 70_000 / unit), using: &random) * unit, Int(Self.size) - offset)
            let range = offset..<offset + length
            switch Int.random(in: 0..<6, using: &random) {
            case 0, 1:
                let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ round) }
                try channel.write(bytes, at: UInt64(offset), isDurable: round % 16 == 0)
                model.replaceSubrange(range, with: bytes)
            case 2:
                try channel.writeZeroes(at: UInt64(offset), count: UInt64(length), keepsSpace: round % 2 == 0)
                model.replaceSubrange(range, with: repeatElement(0, count: length))
            case 3:
                try channel.trim(at: UInt64(offset), count: UInt64(length))
                let whole = (offset + 4095) / 4096 * 4096..<max((offset + 4095) / 4096, (offset + length) / 4096) * 4096
                model.replaceSubrange(whole, with: repeatElement(0, count: whole.count))
            default:
                #expect(try channel.read(length, at: UInt64(offset)) == Array(model[range]), "seed \(seed), round \(round)")
            }
        }
        #expect(try channel.read(Int(Self.size), at: 0) == model)
        channel.end()
        try disk.close()
        let again = try test.open(isReadOnly: true)
        #expect(try again.makeChannel().read(Int(Self.size), at: 0) == model)
    }

    /// The digests were computed by another program: AES-256-XTS per 4096-byte sector, tweak = sector index, layer 0 then layer 1.
    @Test(arguments: [
        (1, "97f786a546dcdf1cafd488ec2a5ec3cae45f5dccd13461b9aa2722a8cd388fd8"),
        (2, "f33b8261b25c661e15d3f9b8b2e557de0a2ce2cd497b2c378eb0926149da4f0e"),
    ])
    func theFileHoldsTheDocumentedCiphertext(layers: Int, digest: String) throws {
        let test = try TestDisk(byteCount: Self.size, layers: layers)
        let plain = (0..<16384).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ ($0 >> 8)) }
        try test.open().makeChannel().write(plain, at: 5 * 4096)
        let stored = Array(try test.ciphertext()[5 * 4096..<9 * 4096])
        #expect(Hex.encode(DigestAlgorithm.sha256.hash(stored)) == digest)
    }

    @Test func theFileDecryptsWithXTSAndTheSectorIndex() throws {
        let test = try TestDisk(byteCount: Self.size, layers: 2)
        let plain = (0..<8192).map { UInt8(truncatingIfNeeded: $0 &* 29) }
        try test.open().makeChannel().write(plain, at: 77 * 4096)
        var stored = Array(try test.ciphertext()[77 * 4096..<79 * 4096])
        let outer = try XTSCipher(key: TestDisk.key(step: 11, start: 5))
        let inner = try XTSCipher(key: TestDisk.key(step: 7, start: 3))
        unsafe stored.withUnsafeMutableBytes { buffer in
            unsafe outer.decrypt(buffer, first: 77)
            unsafe inner.decrypt(buffer, first: 77)
        }
        #expect(stored == plain)
    }

    @Test func nothingOfThePlaintextReachesTheFile() throws {
        let test = try TestDisk(byteCount: Self.size, layers: 1)
        let canary = Array("the canary that nobody may find".utf8)
        let channel = try test.open().makeChannel()
        for offset in stride(from: UInt64(13), to: 200_000, by: 5003) { try channel.write(canary, at: offset) }
        #expect(Data(try test.ciphertext()).range(of: Data(canary.prefix(8))) == nil)
    }

    @Test func whatWasNeverWrittenReadsAsZerosAndIsAHole() throws {
        let test = try TestDisk(byteCount: Self.size, layers: 1)
        let channel = try test.open().makeChannel()
        try channel.write([1, 2, 3], at: 64 * 1024 + 5)
        #expect(try channel.read(4096, at: 64 * 1024) == [0, 0, 0, 0, 0, 1, 2, 3] + [UInt8](repeating: 0, count: 4088))
        let extents = try channel.allExtents(at: 0, count: Self.size)
        #expect(extents == [
            DiskExtent(offset: 0, length: 65536, isHole: true), DiskExtent(offset: 65536, length: 4096, isHole: false),
            DiskExtent(offset: 69632, length: Self.size - 69632, isHole: true),
        ])
        #expect(try channel.allExtents(at: 65530, count: 10) == [
            DiskExtent(offset: 65530, length: 6, isHole: true), DiskExtent(offset: 65536, length: 4, isHole: false),
        ])
        let holes = try DiskHoles.ranges(in: DataFile(path: test.path, isReadOnly: true), byteCount: Self.size)
        #expect(holes.map(\.offset) == [0, 69632])
    }

    @Test func trimmedAndZeroedSectorsGiveTheirSpaceBack() throws {
        let test = try TestDisk(byteCount: Self.size, layers: 1)
        let disk = try test.open()
        let channel = try disk.makeChannel()
        try channel.write([UInt8](repeating: 7, count: 1 << 18), at: 0)
        let before = disk.allocatedByteCount
        try channel.trim(at: 1000, count: 100_000)
        try channel.writeZeroes(at: 131_072, count: 65_536, keepsSpace: false)
        #expect(disk.allocatedByteCount <= before - 65_536 - 96 * 1024 + 4096)
        #expect(try channel.read(1000, at: 0) == [UInt8](repeating: 7, count: 1000))
        #expect(try channel.read(65_536, at: 131_072) == [UInt8](repeating: 0, count: 65_536))
        let kept = disk.allocatedByteCount
        try channel.writeZeroes(at: 196_608, count: 65_536, keepsSpace: true)
        #expect(disk.allocatedByteCount >= kept)
        #expect(try channel.read(65_536, at: 196_608) == [UInt8](repeating: 0, count: 65_536))
    }

    /// What the list of holes does not name has to be zeros under any decryptor, on file systems of every kind.
    @Test(arguments: [NSTemporaryDirectory(), "/dev/shm"])
    func zeroesThatAreNoHolesAreEncrypted(parent: String) throws {
        let test = try TestDisk(byteCount: Self.size, layers: 1, under: parent)
        let channel = try test.open().makeChannel()
        try channel.write([UInt8](repeating: 7, count: 1 << 18), at: 0)
        try channel.writeZeroes(at: 5000, count: 100_000, keepsSpace: true)
        try channel.writeZeroes(at: 150_000, count: 50_000, keepsSpace: false)
        try channel.trim(at: 210_000, count: 20_000)
        var bytes = try test.ciphertext()
        let cipher = try XTSCipher(key: TestDisk.key(step: 7, start: 3))
        unsafe bytes.withUnsafeMutableBytes { buffer in unsafe cipher.decrypt(buffer, first: 0) }
        for hole in try DiskHoles.ranges(in: DataFile(path: test.path, isReadOnly: true), byteCount: Self.size) {
            bytes.replaceSubrange(Int(hole.offset)..<Int(hole.offset + hole.length), with: repeatElement(0, count: Int(hole.length)))
        }
        #expect(try channel.read(Int(Self.size), at: 0) == bytes)
    }

    @Test func rangesBeyondTheEndAreRefused() throws {
        let channel = try TestDisk(byteCount: Self.size, layers: 1).open().makeChannel()
        for (offset, count) in [(Self.size, 1), (Self.size - 1, 2), (.max, 1), (.max - 1, 4096)] as [(UInt64, Int)] {
            #expect(throws: BlockError.outOfRange) { try channel.read(count, at: offset) }
            #expect(throws: BlockError.outOfRange) { try channel.write([UInt8](repeating: 1, count: count), at: offset) }
            #expect(throws: BlockError.outOfRange) { try channel.trim(at: offset, count: UInt64(count)) }
            #expect(throws: BlockError.outOfRange) { try channel.writeZeroes(at: offset, count: .max, keepsSpace: false) }
            #expect(throws: BlockError.outOfRange) { try channel.allExtents(at: offset, count: UInt64(count)) }
        }
    }

    @Test func aReadOnlyDiskRefusesChanges() throws {
        let channel = try TestDisk(byteCount: Self.size, layers: 1).open(isReadOnly: true).makeChannel()
        #expect(throws: BlockError.readOnly) { try channel.write([1], at: 0) }
        #expect(throws: BlockError.readOnly) { try channel.trim(at: 0, count: 4096) }
        #expect(throws: BlockError.readOnly) { try channel.writeZeroes(at: 0, count: 4096, keepsSpace: false) }
        #expect(try channel.read(10, at: 0) == [UInt8](repeating: 0, count: 10))
        try channel.flush()
    }

    @Test func aSuspendedDiskFailsUntilItHasItsKeysAgain() throws {
        let disk = try TestDisk(byteCount: Self.size, layers: 2).open()
        let channel = try disk.makeChannel()
        try channel.write([9, 8, 7], at: 100)
        disk.suspend(reason: "the key is disabled")
        #expect(disk.suspensionReason == "the key is disabled")
        #expect(disk.holds(TestDisk.key(step: 7, start: 3), asLayer: 0) == nil)
        #expect(throws: BlockError.suspended) { try channel.read(3, at: 100) }
        #expect(throws: BlockError.suspended) { try channel.write([1], at: 0) }
        #expect(throws: BlockError.suspended) { try channel.flush() }
        #expect(throws: BlockError.suspended) { try channel.allExtents(at: 0, count: 10) }
        let late = try disk.makeChannel()
        #expect(throws: BlockError.suspended) { try late.read(3, at: 100) }
        try disk.resume(with: TestDisk.keys(2))
        #expect(disk.suspensionReason == nil)
        #expect(try channel.read(3, at: 100) == [9, 8, 7])
        #expect(try late.read(3, at: 100) == [9, 8, 7])
        #expect(disk.holds(TestDisk.key(step: 7, start: 3), asLayer: 0) == true)
        #expect(disk.holds(TestDisk.key(step: 7, start: 3), asLayer: 1) == false)
    }

    @Test func aClosedDiskDoesNothingMore() throws {
        let disk = try TestDisk(byteCount: Self.size, layers: 1).open()
        let channel = try disk.makeChannel()
        try disk.close()
        #expect(throws: BlockError.suspended) { try channel.read(1, at: 0) }
        #expect(throws: BlockError.closed) { try disk.makeChannel() }
        #expect(throws: BlockError.closed) { try disk.resume(with: TestDisk.keys(1)) }
    }

    @Test func keysWithEqualHalvesAreRefused() throws {
        let test = try TestDisk(byteCount: Self.size, layers: 1)
        let weak = LayerKeys(inner: SecretBytes(count: 64) { (_: inout MutableRawSpan) in })
        #expect(throws: BlockError.badKey) { try EncryptedDisk(DataFile(path: test.path, isReadOnly: false), byteCount: test.header.byteCount, keys: weak.copy(), isReadOnly: false) }
    }
}

extension LayerKeys {
    fileprivate borrowing func copy() -> LayerKeys {
        switch inner {
        case .some(let key): LayerKeys(inner: key.clone())
        case .none: LayerKeys()
        }
    }
}
