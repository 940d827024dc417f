import CofferModel
import CofferPlatform
import Synchronization

/// What is in disks, by their exports' names, in blocks of 4096 bytes.
final class DiskContentsDouble: DiskContents {
    private struct Contents: Sendable {
        var blocks: [String: [UInt64: [UInt8]]] = [:]
        var failure: DiskFailure?
        var onOpen: (@Sendable () async throws -> Void)?
    }

    private let contents = Mutex(Contents())

    /// Makes everything fail.
    func fail(with failure: DiskFailure?) { contents.withLock { $0.failure = failure } }

    /// Whether nothing was ever written.
    var isEmpty: Bool { contents.withLock { $0.blocks.isEmpty } }

    /// Has `body` run whenever somebody connects.
    func onOpen(_ body: (@Sendable () async throws -> Void)?) { contents.withLock { $0.onOpen = body } }

    func open(_ export: DiskExport) async throws -> any DiskContent {
        let onOpen = try contents.withLock { contents in
            if let failure = contents.failure { throw failure }
            return contents.onOpen
        }
        try await onOpen?()
        return Connection(disks: self, name: export.name)
    }

    private struct Connection: DiskContent {
        let disks: DiskContentsDouble
        let name: String
        let byteCount: UInt64 = 8 << 30

        func read(_ range: ByteRange) async throws -> [UInt8] {
            disks.contents.withLock { contents in
                (range.offset..<range.offset + range.length).map { contents.blocks[name]?[$0 / 4096]?[Int($0 % 4096)] ?? 0 }
            }
        }

        func write(_ bytes: [UInt8], at offset: UInt64) async throws {
            disks.contents.withLock { contents in
                for (index, byte) in bytes.enumerated() {
                    let place = offset + UInt64(index)
                    contents.blocks[name, default: [:]][place / 4096, default: [UInt8](repeating: 0, count: 4096)][Int(place % 4096)] = byte
                }
            }
        }

        func clear(_ range: ByteRange) async throws {
            disks.contents.withLock { contents in
                for block in contents.blocks[name, default: [:]].keys {
                    for index in 0..<4096 where (range.offset..<range.offset + range.length).contains(block * 4096 + UInt64(index)) {
                        contents.blocks[name]?[block]?[index] = 0
                    }
                }
            }
        }

        func allocated(_ range: ByteRange) async throws -> [ByteRange] {
            disks.contents.withLock { contents in
                (contents.blocks[name] ?? [:]).filter { $0.value.contains { $0 != 0 } }.keys.sorted()
                    .map { ByteRange(offset: $0 * 4096, length: 4096) }
                    .filter { $0.offset < range.offset + range.length && $0.offset + $0.length > range.offset }
                    .map { part in
                        let start = max(part.offset, range.offset)
                        return ByteRange(offset: start, length: min(part.offset + part.length, range.offset + range.length) - start)
                    }
            }
        }
    }
}
