@testable import CofferDiskFormat
import CofferModel
import Foundation
import Synchronization
import Testing

/// What a change of a disk leaves behind on a real file system when its process is killed at any of its steps.
@Suite(.serialized)
struct KillTests {
    /// Where in a step the process dies.
    enum Moment: String, Codable, CaseIterable {
        case before, halfway, after
    }

    /// The system's files, and death at one step.
    struct DeadlyFiles: FileLayer {
        final class Counter: Sendable {
            private let count = Atomic<Int>(0)
            func next() -> Int { count.add(1, ordering: .relaxed).oldValue }
        }

        let system = SystemFiles()
        let counter = Counter()
        let step: Int
        let moment: Moment

        func perform(_ step: FileStep) throws(FileError) {
            guard counter.next() == self.step else { return try system.perform(step) }
            switch moment {
            case .before: break
            case .halfway:
                // Half a write is all of the step that a process can be killed in; other steps are one call.
                if case .write(let path, let bytes) = step { try system.perform(.write(path, Array(bytes.prefix(bytes.count / 2)))) }
            case .after: try system.perform(step)
            }
            kill(getpid(), SIGKILL)
            while true { pause() }
        }

        func read(_ path: String, limit: Int) throws(FileError) -> [UInt8] { try system.read(path, limit: limit) }
        func names(in directory: String) throws(FileError) -> [String] { try system.names(in: directory) }
        func byteCount(of path: String) -> UInt64? { system.byteCount(of: path) }
    }

    private static func run(_ change: String, on shelf: DiskShelf) throws {
        switch change {
        case "create": try shelf.create(Samples.header(layers: 2))
        case "rewrap": try shelf.replaceHeader(with: shelf.header(of: Samples.disk).rewrapped(layer: 0, to: Samples.layer(2)))
        default: try shelf.delete(Samples.disk)
        }
    }

    private static func start(_ change: String, at path: String) throws -> DiskShelf {
        let shelf = DiskShelf(path: "\(path)/disks")
        _ = try shelf.recover()
        if change != "create" {
            try shelf.create(Samples.header(layers: 2))
            try Data(repeating: 0xA5, count: 16384).write(to: URL(fileURLWithPath: shelf.dataPath(of: Samples.disk)))
        }
        return shelf
    }

    private static func stepCount(_ change: String) throws -> Int {
        let scratch = Scratch()
        let shelf = try start(change, at: scratch.path)
        let files = DeadlyFiles(step: -1, moment: .before)
        try run(change, on: DiskShelf(path: shelf.path, files: files))
        return files.counter.next()
    }

    @Test(arguments: ["create", "rewrap", "delete"], Moment.allCases)
    func aKilledProcessLeavesTheDiskAsItWasOrAsItWasToBe(change: String, moment: Moment) async throws {
        let old = try Samples.header(layers: 2)
        let new = try old.rewrapped(layer: 0, to: Samples.layer(2))
        for step in 0..<(try Self.stepCount(change)) {
            let scratch = Scratch()
            let shelf = try Self.start(change, at: scratch.path)
            let path = shelf.path
            await #expect(processExitsWith: .signal(SIGKILL)) { [change = change as String, moment = moment as Moment, step = step as Int, path = path as String] in
                try Self.run(change, on: DiskShelf(path: path, files: DeadlyFiles(step: step, moment: moment)))
            }
            let found = try shelf.recover()
            let story: Comment = "\(change) killed \(moment) step \(step)"
            #expect(found.refused.isEmpty, story)
            switch change {
            case "create": #expect(found.headers.isEmpty || found.headers == [old], story)
            case "rewrap": #expect(found.headers == [old] || found.headers == [new], story)
            default: #expect(found.headers.isEmpty || found.headers == [old], story)
            }
            let left = try FileManager.default.contentsOfDirectory(atPath: path)
            #expect(left == found.headers.map(\.disk.text), story)
            guard let header = found.headers.first else { continue }
            try header.prove(Samples.keys(2))
            let data = try Data(contentsOf: URL(fileURLWithPath: shelf.dataPath(of: Samples.disk)))
            #expect(data == Data(repeating: change == "create" ? 0 : 0xA5, count: 16384), story)
        }
    }
}
