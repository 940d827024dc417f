import CofferBlock
import Synchronization

/// One disk's place in the service: what is open, under the lock that orders commands for the disk.
final class DiskUnit: Sendable {
    let open = Mutex<EncryptedDisk?>(nil)
}
