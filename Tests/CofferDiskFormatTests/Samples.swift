import CofferCore
@testable import CofferDiskFormat
import CofferModel
import Foundation
import Testing

/// Values that the tests of this target share.
enum Samples {
    static let disk = id("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0")

    static func id(_ text: String) -> DiskID {
        guard let id = DiskID(text) else { preconditionFailure("a test's disk id is wrong") }
        return id
    }

    /// A data key whose byte `i` is `i * step + start`.
    static func key(step: Int, start: Int) -> SecretBytes {
        var bytes = (0..<64).map { UInt8(truncatingIfNeeded: $0 * step + start) }
        return SecretBytes(wiping: &bytes)
    }

    static func innerKey() -> SecretBytes { key(step: 7, start: 3) }
    static func outerKey() -> SecretBytes { key(step: 11, start: 5) }

    static func keys(_ count: Int) -> LayerKeys {
        switch count {
        case 0: LayerKeys()
        case 1: LayerKeys(inner: innerKey())
        default: LayerKeys(inner: innerKey(), outer: outerKey())
        }
    }

    /// The keys that ``job(layers:)`` leads to.
    static func targetKeys(_ count: Int) -> LayerKeys {
        count == 1
            ? LayerKeys(inner: key(step: 13, start: 1)) : LayerKeys(inner: key(step: 13, start: 1), outer: key(step: 17, start: 9))
    }

    static func job(layers: Int, isPaused: Bool = false, bytesPerSecond: UInt64 = 0) throws -> HeaderReencryption {
        let full = try targetKeys(layers).checks(for: disk).map { try HeaderLayer(layer(9), check: $0) }
        return try HeaderReencryption(
            job: [UInt8](repeating: 5, count: 16), isPaused: isPaused, bytesPerSecond: bytesPerSecond, layers: full)
    }

    static func layer(_ version: Int) -> DiskLayer {
        DiskLayer(keyID: "platform:\(version)", algorithm: "A256KW", wrappedKey: [UInt8](repeating: UInt8(version), count: 72))
    }

    static func header(layers: Int, byteCount: UInt64 = 16384, disk: DiskID = disk) throws -> DiskHeader {
        let checks = keys(layers).checks(for: disk)
        let full = try (0..<layers).map { try HeaderLayer(layer(1), check: checks[$0]) }
        return try DiskHeader(disk: disk, byteCount: byteCount, generation: 1, layers: full)
    }

    /// The vector of docs/formats/disk.md.
    static let headerHex = """
        434f46464552444b00000001000000fa0f1e2d3c4b5a69788796a5b4c3d2e1f000000000400000000000000000000007000010000000000200\
        01c39b7878489027de0f2102efed67f2b7004668747470733a2f2f762e7661756c742e6c6f63616c686f73743a383434332f6b6579732f6b2f\
        3031323334353637383961626364656630313233343536373839616263646566000c5253412d4f4145502d3235360008000102030405060700\
        0113dbcbf29787fdb08dfd272269bece2e000a706c6174666f726d3a310006413235364b5700086465666768696a6b007cdeed545754fb680d\
        873d6ab73f101ace809ddfd4a15e62139581e7024d9d
        """
}

/// A directory that goes when the test ends.
final class Scratch {
    let path: String

    init() {
        path = NSTemporaryDirectory() + "coffer-format-\(UUID().uuidString)"
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
