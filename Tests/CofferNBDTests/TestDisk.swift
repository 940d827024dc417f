import CofferBlock
import CofferCore
import CofferDiskFormat
import CofferModel
import Foundation

/// A disk in a directory that goes when the test ends.
final class TestDisk {
    static let id: DiskID = {
        guard let id = DiskID("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0") else { preconditionFailure("a test's disk id is wrong") }
        return id
    }()

    let directory: String
    let header: DiskHeader
    let layers: Int

    init(byteCount: UInt64, layers: Int, under parent: String = NSTemporaryDirectory()) throws {
        directory = "\(parent)/coffer-block-\(UUID().uuidString)"
        self.layers = layers
        let checks = Self.keys(layers).checks(for: Self.id)
        let full = try checks.map { try HeaderLayer(DiskLayer(keyID: "platform:1", algorithm: "A256KW", wrappedKey: [1]), check: $0) }
        header = try DiskHeader(disk: Self.id, byteCount: byteCount, generation: 1, layers: full)
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        guard FileManager.default.createFile(atPath: path, contents: nil), unsafe truncate(path, off_t(byteCount)) == 0 else {
            preconditionFailure("a test's disk cannot be made")
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    var path: String { "\(directory)/data" }

    func open(isReadOnly: Bool = false) throws -> EncryptedDisk {
        try EncryptedDisk(DataFile(path: path, isReadOnly: isReadOnly), byteCount: header.byteCount, keys: Self.keys(layers), isReadOnly: isReadOnly)
    }

    func ciphertext() throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }

    /// A data key whose byte `i` is `i * step + start`.
    static func key(step: Int, start: Int) -> SecretBytes {
        var bytes = (0..<64).map { UInt8(truncatingIfNeeded: $0 * step + start) }
        return SecretBytes(wiping: &bytes)
    }

    static func keys(_ count: Int) -> LayerKeys {
        count == 1 ? LayerKeys(inner: key(step: 7, start: 3)) : LayerKeys(inner: key(step: 7, start: 3), outer: key(step: 11, start: 5))
    }
}
