/// What the control plane asks of `coffer-diskd`.
///
/// When you add a case: it is a change of the control protocol, so raise ``DiskControlVersion/current`` and describe it in
/// docs/formats/disk-control.md.
package indirect enum DiskCommand: Codable, Equatable, Sendable {
    /// Who is there. Answered by ``DiskReply/greeting(_:)``; the only command that any version understands.
    case hello(version: Int)
    /// Makes a disk: an empty data file and a header of generation 1. Repeating it with the same layers is no error.
    ///
    /// `keys` are the layers' data keys, sealed to the host's recipient key; each leaves its check value in the header. Without layers the
    /// disk is not encrypted.
    case create(disk: DiskID, byteCount: UInt64, layers: [DiskLayer], keys: [SealedKey])
    /// Opens a disk and exports it over NBD. A disk that is open already answers with its export. No `use` is ``DiskUse/client``.
    case open(disk: DiskID, keys: [SealedKey], isReadOnly: Bool, use: DiskUse? = nil)
    /// Ends the export: connections are closed, everything is synced, the data keys are wiped.
    case close(disk: DiskID)
    /// Replaces the wrapped key of one layer, if the header still has the generation `from`.
    ///
    /// The layers that a re-encryption in progress leads to have the numbers from 2 on, here and wherever keys are sealed for them.
    /// `key` is what the *new* wrap gives, so that the host can prove that both wraps give the same data key.
    case rewrap(disk: DiskID, layer: Int, to: DiskLayer, key: SealedKey, from: UInt64)
    /// Wipes an open disk's data keys. Until ``resume(disk:keys:)`` its I/O fails with EIO and new clients are told `reason`.
    case suspend(disk: DiskID, reason: String)
    /// Like ``suspend(disk:reason:)``, but I/O of clients that are connected waits instead of failing. A disk that is suspended already
    /// begins to wait, and the other way round.
    case pause(disk: DiskID, reason: String)
    /// Gives a suspended disk its data keys again.
    case resume(disk: DiskID, keys: [SealedKey])
    /// Makes a disk larger. Clients that are connected go on with the size that they know. Repeating it is no error.
    case resize(disk: DiskID, byteCount: UInt64)
    /// Makes a disk of what another holds at the moment of this command, with the same data keys. Repeating it is no error.
    ///
    /// `layers` wrap the source's data keys for the new disk; `keys` are these keys, sealed for the new disk. The answer may come
    /// before everything is copied: the disk's state is `copying` until then.
    case copy(disk: DiskID, source: DiskID, layers: [DiskLayer], keys: [SealedKey])
    /// Brings the data of a disk, open or closed, from its data keys to new ones, and its layers to others. Repeating it is no error.
    ///
    /// `keys` are the data keys of the present layers, then those of `to`, which are new. The answer comes when the work has begun.
    /// `bytesPerSecond` limits it; 0 is no limit.
    case reencrypt(disk: DiskID, to: [DiskLayer], keys: [SealedKey], bytesPerSecond: UInt64)
    /// Lets the re-encryption of a disk go on that has no keys, such as after a start of the host. `keys` are those of the present layers,
    /// then those that it leads to. One that is at work or paused stays so.
    case continueReencryption(disk: DiskID, keys: [SealedKey])
    /// Lets a re-encryption rest or go on, or changes its limit; nil leaves things as they are. It stays so after a start of the host.
    case steerReencryption(disk: DiskID, isPaused: Bool?, bytesPerSecond: UInt64?)
    /// Destroys the header, and with it the wrapped keys, then the data; ends a copy in progress. Repeating it is no error.
    case delete(disk: DiskID)
    /// One disk's header and state.
    case inspect(disk: DiskID)
    /// All disks of this host.
    case list
    /// The ranges that were never written or were trimmed, which read as zeros here but not under another decryptor.
    case holes(disk: DiskID)
    /// The ranges whose ciphertext is not that of `base`: what changed between two copies of one disk. Needs no keys.
    case changes(disk: DiskID, base: DiskID)
    /// What the clients of an open disk have done since it was opened.
    case statistics(disk: DiskID)
    /// Holds the clients of an open disk to limits from now on, until it is closed. Repeating it is no error.
    case limit(disk: DiskID, to: DiskLimits)
    /// A command about a disk that is the host's own, such as a temporary disk, and not one of the storage service. Its keys are sealed
    /// to the ``DiskHostGreeting/hostRecipientKey``.
    case atHost(DiskCommand)
    /// Has a host serve a disk that its storage service has open for a ``DiskUse/machine(cache:encryptsAtHost:)``, as the service's answer
    /// `storage` says. Repeating it is no error. From then on commands about the disk, such as close, suspend and resume, are about what the
    /// host does with it, until it is closed there.
    ///
    /// `keys` are the data keys, sealed to this host, of a disk that is encrypted here; otherwise there are none.
    case attach(storage: DiskStatus, keys: [SealedKey], isReadOnly: Bool)
    /// Serves the disks over TCP and TLS too, as told, instead of as told before; nil: no longer. Connections that there are go on.
    case listen(on: DiskListener?)
    /// Writes everything that clients have sent to stable storage.
    case sync
    /// Ends the process if no disk is open.
    case quitIfIdle
}

/// The version of the control protocol, in ``DiskCommand/hello(version:)``.
package enum DiskControlVersion {
    package static let current = 7
}
