import CofferCore
@testable import CofferDiskFormat
import CofferModel
import Testing

/// Headers of disks that are being re-encrypted, and the journal's records.
struct HeaderReencryptionTests {
    @Test(arguments: [0, 1, 2], [1, 2])
    func itReadsBackAsItWasWritten(layers: Int, targetLayers: Int) throws {
        let job = try Samples.job(layers: targetLayers, isPaused: true, bytesPerSecond: 1 << 40)
        let header = try Samples.header(layers: layers).reencrypting(job)
        #expect(header.generation == 2)
        #expect(header.bytes[11] == (layers == 0 ? 3 : 2))
        #expect(try DiskHeader(bytes: header.bytes) == header)
        let ended = try header.reencrypted()
        #expect(ended.bytes[11] == 1)
        #expect(ended.layers == job.layers)
        try ended.prove(Samples.targetKeys(targetLayers))
        #expect(throws: DiskFormatError.self) { try ended.prove(Samples.keys(targetLayers)) }
    }

    @Test func anyByteChangedIsRefused() throws {
        let bytes = try Samples.header(layers: 1).reencrypting(Samples.job(layers: 2)).bytes
        for position in bytes.indices {
            var changed = bytes
            changed[position] ^= 1
            #expect(throws: DiskFormatError.self) { try DiskHeader(bytes: changed) }
        }
    }

    @Test func theLargestOfAllFits() throws {
        let check = KeyCheck(of: Samples.innerKey(), disk: Samples.disk, layer: 0)
        let text = String(repeating: "k", count: HeaderLayer.maximumKeyIDByteCount)
        let layer = try HeaderLayer(
            DiskLayer(keyID: text, algorithm: String(repeating: "a", count: 32), wrappedKey: [UInt8](repeating: 1, count: 1024)), check: check)
        let job = try HeaderReencryption(job: [UInt8](repeating: 1, count: 16), layers: [layer, layer])
        let header = try DiskHeader(disk: Samples.disk, byteCount: 4096, generation: 1, layers: [layer, layer], reencryption: job)
        #expect(try DiskHeader(bytes: header.bytes) == header)
    }

    @Test func bothSetsOfKeysAreProvedAndWrappedAnew() throws {
        let header = try Samples.header(layers: 2).reencrypting(Samples.job(layers: 1))
        try header.prove(Samples.keys(2))
        try header.proveTarget(Samples.targetKeys(1))
        #expect(throws: DiskFormatError.wrongKey(layer: 2)) { try header.proveTarget(Samples.keys(1)) }
        #expect(throws: DiskFormatError.wrongKey(layer: 3)) { try header.proveTarget(Samples.targetKeys(2)) }
        let rewrapped = try header.rewrapped(layer: 2, to: Samples.layer(7))
        #expect(rewrapped.layers == header.layers)
        #expect(rewrapped.reencryption?.layers.first?.layer == Samples.layer(7))
        #expect(rewrapped.reencryption?.layers.first?.check == header.reencryption?.layers.first?.check)
        #expect(try header.rewrapped(layer: 1, to: Samples.layer(7)).reencryption == header.reencryption)
        #expect(throws: DiskFormatError.self) { try header.rewrapped(layer: 3, to: Samples.layer(7)) }
        #expect(throws: DiskFormatError.self) { try Samples.header(layers: 1).rewrapped(layer: 2, to: Samples.layer(7)) }
    }

    @Test func thereIsOneAtATime() throws {
        let header = try Samples.header(layers: 1)
        #expect(throws: DiskFormatError.self) { try header.reencrypted() }
        #expect(throws: DiskFormatError.self) { try header.steered(isPaused: true, bytesPerSecond: 0) }
        let begun = try header.reencrypting(Samples.job(layers: 1))
        #expect(throws: DiskFormatError.self) { try begun.reencrypting(Samples.job(layers: 1)) }
        let steered = try begun.steered(isPaused: true, bytesPerSecond: 77)
        #expect(steered.reencryption?.isPaused == true && steered.reencryption?.bytesPerSecond == 77)
        #expect(try begun.grown(to: 1 << 20).reencryption == begun.reencryption)
    }

    @Test func aRecordReadsBackAndAnyDamageIsNoticed() throws {
        let isWritten = (0..<13).map { $0 % 3 == 0 }
        let data = (0..<5 * 4096).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let record = try JournalRecord(
            disk: Samples.disk, job: [UInt8](repeating: 5, count: 16), sequence: 9, offset: 40960, isWritten: isWritten)
        #expect(record.dataByteCount == data.count)
        #expect(record.place == UInt64(JournalRecord.slotByteCount))
        let bytes = record.bytes(data)
        let read = try #require(JournalRecord.read(bytes + [1, 2, 3]))
        #expect(read.record == record && read.data == data)
        #expect(JournalRecord.read(bytes.dropLast()) == nil)
        for position in Array(0..<200) + Array(stride(from: 200, to: bytes.count, by: 97)) {
            var changed = bytes
            changed[position] ^= 0x10
            #expect(JournalRecord.read(changed) == nil, "byte \(position)")
        }
    }

    @Test func aRecordThatNoJobWritesIsNone() throws {
        let job = [UInt8](repeating: 5, count: 16)
        #expect(throws: DiskFormatError.self) { try JournalRecord(disk: Samples.disk, job: [1], sequence: 0, offset: 0) }
        #expect(throws: DiskFormatError.self) { try JournalRecord(disk: Samples.disk, job: job, sequence: 0, offset: 1) }
        #expect(throws: DiskFormatError.self) { try JournalRecord(disk: Samples.disk, job: job, sequence: 0, offset: 0, isWritten: [true, false]) }
        #expect(throws: DiskFormatError.self) {
            try JournalRecord(disk: Samples.disk, job: job, sequence: 0, offset: 0, isWritten: [Bool](repeating: true, count: 257))
        }
    }

    @Test func theOldWrappedKeysAreOverwritten() throws {
        let files = ForgetfulFiles()
        let shelf = DiskShelf(path: "disks", files: files)
        _ = try shelf.recover()
        try shelf.create(Samples.header(layers: 1))
        let begun = try shelf.beginReencryption(of: shelf.header(of: Samples.disk), Samples.job(layers: 1))
        files.plan(.smooth)
        _ = try shelf.endReencryption(of: begun)
        // After each step the old header is in place or, under its other name, zeros soon; cut short, the next start overwrites it.
        let count = files.stepCount
        for step in 0..<count {
            let again = ForgetfulFiles()
            let other = DiskShelf(path: "disks", files: again)
            _ = try other.recover()
            try other.create(Samples.header(layers: 1))
            let begun = try other.beginReencryption(of: other.header(of: Samples.disk), Samples.job(layers: 1))
            again.plan(.powerCut(step: step))
            _ = try? other.endReencryption(of: begun)
            again.plan(.smooth)
            _ = try other.recover()
            #expect(try !again.names(in: other.directory(of: Samples.disk)).contains("header.new"), "step \(step)")
        }
    }
}
