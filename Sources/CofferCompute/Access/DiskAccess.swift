import CofferCore
import CofferModel
import CofferPlatform

/// A right to a disk's contents over HTTPS, for whoever has its URL: a shared access signature.
struct DiskAccess: Codable, Equatable, Sendable {
    enum Level: String, Codable, Sendable, CaseIterable {
        case read = "Read"
        /// Of a disk that is being uploaded: to write it, and to read what was written.
        case write = "Write"
    }

    /// Names it in its URL: 32 hexadecimal digits, no secret.
    let id: String
    let level: Level
    let expires: Timestamp
    /// SHA-256 of the URL's secret, which is kept nowhere.
    let digest: [UInt8]
    /// Whether its first use is in the audit log.
    var isUsed = false
}

/// A disk that is made to be uploaded, `createOption` Upload.
struct DiskUpload: Codable, Equatable, Sendable {
    /// Of what is uploaded, in bytes: the disk and the footer of a fixed VHD.
    let byteCount: UInt64
    /// Whether anybody was given access to write it.
    var hasBegun = false
    /// Whether the upload was ended, so that it is a disk like others.
    var isComplete = false
}

/// Where the disk of a URL is found. Stays when the access ends, so that later uses of the URL are known for what they are.
struct DiskAccessPlace: Codable, Equatable, Sendable {
    static let collection = "disk-accesses"
    /// How long it is remembered after the access has expired.
    static let memory = Duration.seconds(30 * 86_400)

    let disk: ResourceID
    let expires: Timestamp
}

extension DiskRecord {
    /// Whether its host is to have it open.
    var isServed: Bool { isAttached || access != nil }

    /// Whether it is open to be read alone.
    var isServedReadOnly: Bool { !isAttached && access?.level == .read }

    /// Whether it waits for its contents.
    var isAwaitingUpload: Bool { upload?.isComplete == false }

    /// The access that there is at a moment.
    func access(at now: Timestamp) -> DiskAccess? {
        access.flatMap { now < $0.expires ? $0 : nil }
    }
}

extension ReadTransaction {
    func accessPlace(_ id: String) throws -> DiskAccessPlace? {
        try value(DiskAccessPlace.self, id, in: DiskAccessPlace.collection)?.value
    }
}

extension WriteTransaction {
    /// Remembers where an access is, and forgets some that are long over: those next to it, which are any, as ids are random.
    func remember(_ access: DiskAccess, of disk: ResourceID, now: Timestamp) throws {
        for old in try documents(in: DiskAccessPlace.collection, prefix: "", after: access.id, limit: 100) {
            guard let place = try? JSON.decode(DiskAccessPlace.self, from: old.body), place.expires.adding(DiskAccessPlace.memory) < now else { continue }
            try remove(old.id, in: DiskAccessPlace.collection, if: .any)
        }
        try put(DiskAccessPlace(disk: disk, expires: access.expires), access.id, in: DiskAccessPlace.collection)
    }
}
