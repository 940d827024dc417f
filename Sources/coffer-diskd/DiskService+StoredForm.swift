import CofferBlock
import CofferDiskFormat
import CofferModel
import CofferNBD
import Synchronization

/// Disks as they are stored: those of machines with encryption at host, whose hosts have the keys. The storage service gives and takes what
/// is in the data file, and has no keys of it.
extension DiskService {
    private var isStorage: Bool { role == .storage }

    func isStoredForm(_ use: DiskUse?) -> Bool {
        if isStorage, case .machine(_, encryptsAtHost: true)? = use { true } else { false }
    }

    func isStoredForm(_ disk: DiskID) -> Bool { isStoredForm(use(of: disk)) }

    func use(of disk: DiskID) -> DiskUse? { uses.withLock { $0[disk] } }

    func note(_ use: DiskUse?, of disk: DiskID) {
        uses.withLock { $0[disk] = use }
        server.set(disk.text, isForMachine: use?.isMachines == true)
    }

    /// Refuses to serve a disk as it is stored while that is under two keys.
    func checkStoredForm(_ header: DiskHeader, _ use: DiskUse) throws(DiskFailure) {
        guard isStoredForm(use), header.reencryption != nil else { return }
        throw DiskFailure(.busy, "the disk is being re-encrypted, and can be encrypted by a host when that is done")
    }

    /// Has an open disk serve another use.
    ///
    /// - Throws: ``DiskFailure`` if it is open in another form, or a host has it and what it keeps of it would not be seen.
    func change(to use: DiskUse, of disk: DiskID) throws(DiskFailure) {
        guard isStorage, let old = self.use(of: disk), old != use else { return note(use, of: disk) }
        if use == .client { throw DiskFailure(.busy, "the disk is in use by a virtual machine's host") }
        guard isStoredForm(old) == isStoredForm(use) else { throw DiskFailure(.busy, "the disk is open in another form: close it first") }
        note(use, of: disk)
    }

    /// Opens a disk's data as it is stored.
    func openStored(_ header: DiskHeader, isReadOnly: Bool) throws(DiskFailure) -> EncryptedDisk {
        let path = store.dataPlace(of: header.disk)
        do throws(BlockError) {
            let storage = try store.open(header, isReadOnly: isReadOnly)
            return try EncryptedDisk(storage, byteCount: header.byteCount, keys: LayerKeys(), isReadOnly: isReadOnly, engine: engine)
        } catch {
            throw DiskFailure(error, path: path)
        }
    }
}

extension DiskUse {
    /// Whether a virtual machine's host may have the disk.
    var isMachines: Bool { if case .machine = self { true } else { false } }
}
