import CofferModel
import CofferPlatform
import Synchronization

/// The disks that are a host's own: temporary disks and ephemeral OS disks of virtual machines. They have no records: whoever has one knows
/// its id. Without encryption at host they are not encrypted; with it a platform key wraps the data key, and only the disk's own header has
/// that.
///
/// Whoever calls holds the machine's turn.
final class LocalDisks: Sendable {
    /// The host's own disks.
    private let hosted: HostedDisks
    private let platformKeys: any KeyService
    /// Whether they may be otherwise than their machines' records say: at the start, after an end of the host, and when it failed to delete one.
    private let mayDiffer = Mutex(true)

    init(hosted: HostedDisks, platformKeys: any KeyService) {
        self.hosted = hosted
        self.platformKeys = platformKeys
    }

    /// Says that the host's disks are to be looked at.
    func distrust() { mayDiffer.withLock { $0 = true } }

    /// Runs `body` if the host's disks are to be looked at, and again next time unless it says that all is in order.
    func settle(_ body: ([DiskStatus]) async throws -> Bool) async throws {
        guard mayDiffer.withLock({ flag in defer { flag = false }; return flag }) else { return }
        do {
            guard try await body(hosted.list().disks) else { return distrust() }
        } catch {
            distrust()
            throw error
        }
    }

    /// What the host says of one of its own disks; nil if there is none.
    func find(_ disk: DiskID) async throws -> DiskStatus? { try await hosted.find(disk) }

    /// Whether there is a whole disk of this size, encrypted or not; one of another kind is none.
    func has(_ disk: DiskID, byteCount: UInt64, isEncrypted: Bool) async throws -> Bool {
        do {
            guard let found = try await hosted.find(disk) else { return false }
            return found.byteCount == byteCount && found.layers.isEmpty != isEncrypted
        } catch let failure as DiskFailure where failure.code == .corruptHeader {
            return false
        }
    }

    /// Makes a disk, empty, in the place of what is there, and opens it.
    func make(_ disk: DiskID, byteCount: UInt64, isEncrypted: Bool, for use: DiskUse) async throws -> DiskExport {
        try await delete(disk)
        return try await hosted.withRecipientKey { publicKey in
            var keys: [WrappedDataKey] = []
            if isEncrypted {
                let recipient = DataKeyRecipient(publicKey: publicKey, disk: disk, layer: 0)
                keys.append(try await platformKeys.makeDataKey(under: DiskKeys.platformKeyID, as: .platform, for: recipient))
            }
            try await hosted.create(disk, byteCount: byteCount, keys: keys)
            return try export(await hosted.open(disk, keys: keys.map(\.sealed), use: use))
        }
    }

    /// Opens a disk that is there; one that is open already stays so.
    func open(_ disk: DiskID, for use: DiskUse) async throws -> DiskExport {
        try await hosted.withRecipientKey { publicKey in
            var keys: [SealedKey] = []
            for (index, layer) in try await hosted.inspect(disk).layers.enumerated() {
                let recipient = DataKeyRecipient(publicKey: publicKey, disk: disk, layer: index)
                keys.append(try await platformKeys.openDataKey(layer, as: .platform, for: recipient))
            }
            return try export(await hosted.open(disk, keys: keys, use: use))
        }
    }

    /// Writes what clients have sent to stable storage, and closes the disk.
    func close(_ disk: DiskID) async throws { try await hosted.close(disk) }

    /// Deletes a disk, its wrapped key first. Repeating it is no error.
    func delete(_ disk: DiskID) async throws {
        do {
            do {
                try await hosted.close(disk)
            } catch let failure as DiskFailure where failure.code == .notFound || failure.code == .corruptHeader {}
            try await hosted.delete(disk)
        } catch {
            distrust()
            throw error
        }
    }

    private func export(_ status: DiskStatus) throws -> DiskExport {
        guard let export = status.export else { throw DiskFailure(.system, "the host of the machine's own disks gave no export") }
        return export
    }
}
