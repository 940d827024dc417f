/// What `coffer-diskd` answers.
package enum DiskReply: Codable, Equatable, Sendable {
    case greeting(DiskHostGreeting)
    /// To all commands that are about one disk, but delete, holes and changes: the disk as it is now.
    case disk(DiskStatus)
    /// To list: every disk, and every directory that holds none that can be read.
    case disks([DiskStatus], refused: [RefusedDisk])
    case holes([ByteRange])
    case changes([ByteRange])
    case statistics(DiskStatistics)
    /// To delete, sync and quitIfIdle.
    case done
    case failure(DiskFailure)
}

/// A disk host's introduction.
package struct DiskHostGreeting: Codable, Equatable, Sendable {
    package let version: Int
    package let processID: Int32
    /// The X25519 public key (32 bytes) to which data keys for this process are sealed. A new process has a new one.
    package let recipientKey: [UInt8]
    /// The same for the keys of disks that are the host's own, and of machines with encryption at host. Another process may have it.
    package let hostRecipientKey: [UInt8]
    package let role: DiskHostRole
    /// The pool that has the disks, as ``RBDPoolName`` writes it; nil for files of the data directory.
    package let store: String?

    package init(
        version: Int, processID: Int32, recipientKey: [UInt8], hostRecipientKey: [UInt8], role: DiskHostRole = .both, store: String? = nil
    ) {
        self.version = version
        self.processID = processID
        self.recipientKey = recipientKey
        self.hostRecipientKey = hostRecipientKey
        self.role = role
        self.store = store
    }
}

/// What a process is of a cloud's disks.
package enum DiskHostRole: String, Codable, Sendable {
    /// Storage service and host in one: no link, no caches.
    case both
    /// The service that has the disks.
    case storage
    /// The host of virtual machines.
    case host
}

/// A disk as its host sees it.
package struct DiskStatus: Codable, Equatable, Sendable {
    package enum State: String, Codable, Sendable {
        /// At rest, no data key in memory unless it is being re-encrypted.
        case closed
        /// Exported and serving.
        case open
        /// Exported, but its data keys are gone; I/O fails.
        case suspended
        /// Being copied from another; it cannot be opened yet.
        case copying
        /// Copying it failed, for the reason given; nothing is left of it but this notice.
        case failed
    }

    package let disk: DiskID
    package let state: State
    /// The size that a guest sees, in bytes; a multiple of 4096.
    package let byteCount: UInt64
    /// Bytes that the data file occupies.
    package let allocatedByteCount: UInt64
    /// Counts the headers written for this disk, from 1.
    package let generation: UInt64
    package let layers: [DiskLayer]
    /// Where clients reach it while it is open or suspended: the path of a Unix socket and the export's name.
    package let export: DiskExport?
    /// Why it is suspended or failed.
    package let reason: String?
    /// How much of it is copied, in bytes from its start, while it is being copied.
    package let copiedByteCount: UInt64?
    /// Connected clients: of NBD, and a virtual machine over vhost-user.
    package let clientCount: Int
    /// What its clients are held to; nil if nothing, or it is closed.
    package let limits: DiskLimits?
    /// Its re-encryption, while there is one.
    package let reencryption: DiskReencryptionStatus?
    /// What it is open for.
    package let use: DiskUse?
    /// Its header, of a disk that is served as it is stored: whoever encrypts it elsewhere proves the keys by it.
    package let header: [UInt8]?
    /// Whether a virtual machine's front end has connected and said nothing for ``silence``: QEMU says nothing when it has lost a disk.
    package let hasSilentFrontEnd: Bool?

    /// Longer than any front end that goes on needs for its first word.
    package static let silence = Duration.seconds(5)

    package init(
        disk: DiskID, state: State, byteCount: UInt64, allocatedByteCount: UInt64, generation: UInt64,
        layers: [DiskLayer], export: DiskExport?, reason: String?, clientCount: Int,
        copiedByteCount: UInt64? = nil, limits: DiskLimits? = nil, reencryption: DiskReencryptionStatus? = nil, use: DiskUse? = nil,
        header: [UInt8]? = nil, hasSilentFrontEnd: Bool? = nil
    ) {
        self.disk = disk
        self.state = state
        self.byteCount = byteCount
        self.allocatedByteCount = allocatedByteCount
        self.generation = generation
        self.layers = layers
        self.export = export
        self.reason = reason
        self.clientCount = clientCount
        self.copiedByteCount = copiedByteCount
        self.limits = limits
        self.reencryption = reencryption
        self.use = use
        self.header = header
        self.hasSilentFrontEnd = hasSilentFrontEnd
    }
}

/// A re-encryption in progress as the disk's host sees it.
package struct DiskReencryptionStatus: Codable, Equatable, Sendable {
    package enum State: String, Codable, Sendable {
        /// At work.
        case running
        /// It rests until it is told to go on.
        case paused
        /// It goes on when the disk is opened, or by ``DiskCommand/continueReencryption(disk:keys:)``.
        case waiting
        /// It stopped for the reason given, at a point from which it can go on.
        case failed
    }

    package let state: State
    /// The layers that it leads to.
    package let layers: [DiskLayer]
    /// How much is done, in bytes from the start of the disk.
    package let doneByteCount: UInt64
    /// The limit, in bytes of the disk a second; 0 for none.
    package let bytesPerSecond: UInt64
    /// Why it failed.
    package let reason: String?

    package init(state: State, layers: [DiskLayer], doneByteCount: UInt64, bytesPerSecond: UInt64, reason: String?) {
        self.state = state
        self.layers = layers
        self.doneByteCount = doneByteCount
        self.bytesPerSecond = bytesPerSecond
        self.reason = reason
    }
}

/// An NBD export on a Unix socket.
package struct DiskExport: Codable, Equatable, Sendable {
    package let socketPath: String
    /// The export's name: the disk id.
    package let name: String
    /// The path of the Unix socket that a virtual machine connects to over vhost-user; nil if there is none.
    package let vhostPath: String?

    package init(socketPath: String, name: String, vhostPath: String? = nil) {
        self.socketPath = socketPath
        self.name = name
        self.vhostPath = vhostPath
    }
}

/// A directory under `disks` that is not a disk that can be opened.
package struct RefusedDisk: Codable, Equatable, Sendable {
    package let path: String
    package let reason: String

    package init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }
}

/// A range of bytes of a disk as a guest sees it.
package struct ByteRange: Codable, Equatable, Sendable {
    package let offset: UInt64
    package let length: UInt64

    package init(offset: UInt64, length: UInt64) {
        self.offset = offset
        self.length = length
    }
}

/// Why a disk host did not do what it was asked.
package struct DiskFailure: Error, Codable, Equatable, Sendable {
    package enum Code: String, Codable, Sendable {
        /// No such disk.
        case notFound
        /// The disk exists and is another one than the command would make.
        case exists
        /// The disk is open, or has clients, and the command needs it otherwise.
        case busy
        /// The header's generation is not the one that the command expects.
        case generationChanged
        /// The header cannot be read: its path and the reason are in the message.
        case corruptHeader
        /// A sealed key was not made for this host, or is not this disk's data key.
        case wrongKey
        /// The file system is full.
        case noSpace
        /// The command makes no sense, such as a size that is no multiple of 4096.
        case badCommand
        /// The operating system refused; the message says what.
        case system
    }

    package let code: Code
    /// A sentence for people, naming paths but no secrets.
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
