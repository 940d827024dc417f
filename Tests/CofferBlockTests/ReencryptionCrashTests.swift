@testable import CofferBlock
import CofferCore
@testable import CofferDiskFormat
import CofferTesting
import Foundation
import Glibc
import Testing

/// What a re-encryption leaves behind when it ends at any of its steps, while a guest writes.
struct ReencryptionCrashTests {
    /// The files of a disk at one moment.
    private struct Files {
        var data: [UInt8]
        var journal: [UInt8]

        init(of test: ReencryptedDisk) throws {
            data = [UInt8](try Data(contentsOf: URL(filePath: test.disk.path)))
            journal = [UInt8](try Data(contentsOf: URL(filePath: test.journalPath)))
        }

        init(_ data: [UInt8], _ journal: [UInt8]) { (self.data, self.journal) = (data, journal) }

        func put(into test: ReencryptedDisk) throws {
            try Data(data).write(to: URL(filePath: test.disk.path))
            try Data(journal).write(to: URL(filePath: test.journalPath))
        }
    }

    private struct Moment {
        let step: Reencryption.Step
        let files: Files
        let model: [UInt8]
    }

    private static let layers = [(1, 1), (1, 2), (2, 1)]

    /// Runs a job with a guest that writes after each step, everywhere where nobody holds the sectors, and keeps the files and what the
    /// guest wrote at each step.
    private static func record(_ from: Int, _ to: Int, seed: UInt64) throws -> (test: ReencryptedDisk, moments: [Moment]) {
        let test = try ReencryptedDisk(sectorCount: 64, layers: from, targetLayers: to)
        var model = try test.fill()
        let disk = try test.open()
        let guest = try disk.makeChannel()
        var random = SeededRandom(seed: seed)
        var moments: [Moment] = []
        var problem: (any Error)?
        var marks = [0, 0]
        let job = try test.job(on: disk, sectorsPerWindow: 8) { step in
            do {
                moments.append(Moment(step: step, files: try Files(of: test), model: model))
                // Below the window before and above this one nobody is held up.
                let mark = Int(disk.reencryptedByteCount)
                if marks[1] != mark { marks = [marks[1], mark] }
                for _ in 0..<3 {
                    let isBelow = Bool.random(using: &random)
                    let range = isBelow ? 0..<marks[0] : min(model.count, mark + 40 * 4096)..<model.count
                    guard range.count > 5000 else { continue }
                    let offset = Int.random(in: range.lowerBound..<range.upperBound - 5000, using: &random)
                    let bytes = (0..<Int.random(in: 1...5000, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
                    try guest.write(bytes, at: UInt64(offset))
                    model.replaceSubrange(offset..<offset + bytes.count, with: bytes)
                }
            } catch {
                problem = error
            }
        }
        #expect(try job.run() == .complete)
        if let problem { throw problem }
        moments.append(Moment(step: .settled, files: try Files(of: test), model: model))
        try disk.close()
        return (test, moments)
    }

    /// Opens what a crash left, holds it against the model, lets the job end, and does so again.
    private static func check(_ test: ReencryptedDisk, _ files: Files, _ model: [UInt8], _ story: Comment) throws {
        try files.put(into: test)
        let disk = try test.open()
        #expect(try disk.makeChannel().read(model.count, at: 0) == model, story)
        #expect(try test.job(on: disk).run() == .complete, story)
        try disk.close()
        #expect(try test.openTarget().makeChannel().read(model.count, at: 0) == model, story)
    }

    @Test(arguments: layers) func aKilledJobGoesOn(from: Int, to: Int) throws {
        let (test, moments) = try Self.record(from, to, seed: 1)
        #expect(Set(moments.map(\.step)) == Set(Reencryption.Step.allCases))
        for (number, moment) in moments.enumerated() {
            try Self.check(test, moment.files, moment.model, "\(number): \(moment.step)")
        }
    }

    @Test(arguments: layers) func aKillDuringTheReplayDoesNoHarm(from: Int, to: Int) throws {
        let (test, moments) = try Self.record(from, to, seed: 2)
        for (number, moment) in moments.enumerated() where moment.step == .journaled {
            try moment.files.put(into: test)
            // The replay wrote in place and then the process ended: its journal is that of before.
            try #require(try test.journal()).replay(to: DataFile(path: test.disk.path, isReadOnly: false))
            let files = Files(try Files(of: test).data, moment.files.journal)
            try Self.check(test, files, moment.model, "\(number)")
        }
    }

    /// Writes that were not synced are there, are not there, or are torn, in any combination.
    @Test(arguments: layers, [512, 4096]) func aPowerCutLosesNothing(from: (Int, Int), block: Int) throws {
        let (test, moments) = try Self.record(from.0, from.1, seed: 3)
        var random = SeededRandom(seed: 4)
        for number in 1..<moments.count {
            let (before, now) = (moments[number - 1], moments[number])
            for round in 0..<3 {
                let story: Comment = "\(number): \(now.step), round \(round)"
                switch now.step {
                case .journaled:
                    // The record was being written: the one before counts. What the guest wrote since is as if synced.
                    let journal = Self.mix(before.files.journal, now.files.journal, block, &random)
                    try Self.check(test, Files(now.files.data, journal), now.model, story)
                case .written, .synced:
                    // In place some is there: the record counts. Only the window is mixed, for the guest's writes are as if synced.
                    let window = Self.window(of: now.files.journal)
                    var data = now.files.data
                    data.replaceSubrange(window, with: Self.mix(Array(before.files.data[window]), Array(now.files.data[window]), block, &random))
                    try Self.check(test, Files(data, now.files.journal), now.model, story)
                case .settled:
                    let journal = Self.mix(before.files.journal, now.files.journal, block, &random)
                    try Self.check(test, Files(now.files.data, journal), now.model, story)
                }
            }
        }
    }

    @Test func withoutTheJournalNothingIsGuessed() throws {
        let (test, moments) = try Self.record(1, 1, seed: 5)
        let moment = try #require(moments.first { $0.step == .written })
        let zeros = [UInt8](repeating: 0, count: moment.files.journal.count)
        try Files(moment.files.data, zeros).put(into: test)
        #expect(try test.journal() == nil)
        #expect(throws: DiskFormatError.self) { try test.open() }
    }

    /// The journal's newest record, which names the window in flight.
    private static func window(of journal: [UInt8]) -> Range<Int> {
        let slots = [journal[...], journal.dropFirst(JournalRecord.slotByteCount)]
        let newest = slots.compactMap { JournalRecord.read(Array($0))?.record }.max { $0.sequence < $1.sequence }
        guard let newest else { return 0..<0 }
        return Int(newest.offset)..<Int(newest.offset) + newest.windowByteCount
    }

    /// `new` with some of its blocks as they were. Of a journal only what windows of 8 sectors reach is looked at.
    private static func mix(_ old: [UInt8], _ new: [UInt8], _ block: Int, _ random: inout SeededRandom) -> [UInt8] {
        var mixed = new
        let reach = JournalRecord.headByteCount + 8 * DiskHeader.sectorByteCount
        for start in stride(from: 0, to: new.count, by: block)
        where start % JournalRecord.slotByteCount < reach && Bool.random(using: &random) {
            let end = min(start + block, new.count)
            let before = old[min(start, old.count)..<min(end, old.count)]
            mixed.replaceSubrange(start..<end, with: Array(before) + [UInt8](repeating: 0, count: end - start - before.count))
        }
        return mixed
    }
}
