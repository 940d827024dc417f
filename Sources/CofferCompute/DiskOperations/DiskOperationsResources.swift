import CofferCore
import CofferModel

/// A disk as `coffer disk inspect` shows it.
struct InspectedDiskResource: Encodable, Sendable {
    struct Layer: Encodable, Sendable {
        let index: Int
        let keyId: String
        let keyVersion: String
        let algorithm: String
    }

    let name: String
    let resourceGroup: String
    let resourceId: String
    /// The disk's own id, which its directory is named by.
    let id: String
    /// `closed`, `open` or `suspended`; `missing` if its host does not have it.
    let state: String
    let isAttached: Bool
    let sizeBytes: UInt64
    let allocatedBytes: UInt64?
    let encryptionType: String
    let diskEncryptionSetId: String?
    let generation: UInt64?
    let dataPath: String
    let headerPath: String
    let layers: [Layer]
    let reason: String?
    let clientCount: Int
    /// While it is open or suspended.
    let nbdUri: String?
    /// The same over TLS, where disks are served so.
    let nbdsUri: String?
    let socketPath: String?
    let exportName: String?
    /// For a virtual machine, over vhost-user.
    let vhostUserPath: String?

    init(_ disk: InspectedDisk, store: DiskStoreLocation, secureAddress: SocketAddress?) {
        let (record, status) = (disk.record, disk.status)
        name = record.id.name
        resourceGroup = record.id.group ?? ""
        resourceId = record.id.text
        id = record.disk.text
        state = status?.state.rawValue ?? "missing"
        isAttached = record.isAttached
        sizeBytes = record.byteCount
        allocatedBytes = status?.allocatedByteCount
        encryptionType = record.encryption.rawValue
        diskEncryptionSetId = record.set?.text
        generation = status?.generation
        dataPath = store.dataPath(of: record.disk)
        headerPath = store.headerPath(of: record.disk)
        layers = (status?.layers ?? []).enumerated().map { index, layer in
            Layer(index: index, keyId: layer.keyID, keyVersion: layer.keyVersion, algorithm: layer.algorithm)
        }
        reason = status?.reason ?? record.reason
        clientCount = status?.clientCount ?? 0
        nbdUri = status?.export?.uri
        nbdsUri = status?.export.flatMap { export in secureAddress.map { export.uri(at: $0) } }
        socketPath = status?.export?.socketPath
        exportName = status?.export?.name
        vhostUserPath = status?.export?.vhostPath
    }
}

/// All disks of a subscription.
struct InspectedDiskList: Encodable, Sendable {
    let value: [InspectedDiskResource]
    let refused: [RefusedDisk]
}

/// Data keys on their way to the CLI, each in a box that only it opens.
struct ExportedKeyResource: Encodable, Sendable {
    struct Layer: Encodable, Sendable {
        let index: Int
        let keyId: String
        /// Base 64 for URLs.
        let sealedKey: String
    }

    let disk: String
    let name: String
    let cipher = DiskLayer.cipher
    let sectorSize = 4096
    let sizeBytes: UInt64
    let dataPath: String
    let layers: [Layer]

    init(_ key: ExportedKey, store: DiskStoreLocation) {
        disk = key.record.disk.text
        name = key.record.id.name
        sizeBytes = key.record.byteCount
        dataPath = store.dataPath(of: key.record.disk)
        layers = zip(key.status.layers, key.sealed).enumerated().map { index, pair in
            Layer(index: index, keyId: pair.0.keyID, sealedKey: Base64URL.encode(pair.1.box))
        }
    }
}

/// The ranges of a disk that were never written.
struct HolesResource: Encodable, Sendable {
    let holes: [ByteRange]
}

/// The ranges in which a snapshot differs from an earlier one.
struct ChangesResource: Encodable, Sendable {
    let changes: [ByteRange]
}

extension DiskExport {
    /// The NBD URI of a client over TLS.
    func uri(at address: SocketAddress) -> String { "nbds://\(address)/\(name)" }

    /// The NBD URI, `nbd+unix:///NAME?socket=PATH`.
    var uri: String {
        var path = ""
        for byte in socketPath.utf8 {
            let isPlain = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || Array("/-._~".utf8).contains(byte)
            path += isPlain ? String(decoding: [byte], as: UTF8.self) : "%" + Hex.encode([byte]).uppercased()
        }
        return "nbd+unix:///\(name)?socket=\(path)"
    }
}
