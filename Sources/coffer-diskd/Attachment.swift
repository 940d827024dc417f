import CofferBlock
import CofferDiskLink
import CofferModel
import Synchronization

/// A disk of a storage service that this host serves to a virtual machine.
struct Attachment {
    let disk: EncryptedDisk
    let link: LinkStorage
    /// What lies between them; nil of a disk that is not cached.
    let cache: HostCache?
    /// What the service said of it.
    let storage: DiskStatus

    /// Whether this host has the keys.
    var isEncryptedHere: Bool { storage.header != nil }
}

/// One disk's place in the host: what is attached, under the lock that orders commands for the disk.
final class AttachmentUnit: Sendable {
    let attached = Mutex<Attachment?>(nil)
}
