/// Where the disks of an installation are kept.
package enum DiskStoreLocation: Hashable, Sendable {
    /// As files below this directory.
    case files(String)
    /// As RBD images in a pool of a Ceph cluster.
    case pool(RBDPoolName)

    /// Names a disk's ciphertext: a path, or `rbd:` and what the `rbd` command calls the image.
    package func dataPath(of disk: DiskID) -> String {
        switch self {
        case .files(let directory): "\(directory)/\(disk.text)/data"
        case .pool(let pool): "\(pool)/\(RBDPoolName.image(of: disk))"
        }
    }

    /// Names a disk's header: a path, or `rbd:`, the pool, the object and the key in its map.
    package func headerPath(of disk: DiskID) -> String {
        switch self {
        case .files(let directory): "\(directory)/\(disk.text)/header"
        case .pool(let pool): "\(pool)/\(RBDPoolName.directory)#\(disk.text)"
        }
    }
}

/// A pool of a Ceph cluster, or a namespace of one, written `rbd:POOL` or `rbd:POOL/NAMESPACE`.
package struct RBDPoolName: Hashable, Sendable, CustomStringConvertible {
    /// The object whose map has the headers of all disks.
    package static let directory = "coffer.directory"
    private static let scheme = "rbd:"

    package let pool: String
    /// Empty for none.
    package let nameSpace: String

    /// - Returns: nil unless `text` names a pool.
    package init?(_ text: some StringProtocol) {
        guard text.hasPrefix(Self.scheme) else { return nil }
        let parts = text.dropFirst(Self.scheme.count).split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        let isFit = parts.allSatisfy { (1...128).contains($0.utf8.count) && $0.unicodeScalars.allSatisfy { $0.value > 0x20 && $0 != "@" && $0 != "#" } }
        guard isFit, let pool = parts.first, parts.count <= 2 else { return nil }
        self.pool = String(pool)
        nameSpace = parts.count == 2 ? String(parts[1]) : ""
    }

    package var description: String { nameSpace.isEmpty ? "\(Self.scheme)\(pool)" : "\(Self.scheme)\(pool)/\(nameSpace)" }

    /// What the image with a disk's ciphertext is called.
    package static func image(of disk: DiskID) -> String { "coffer.\(disk.text)" }

    /// The disk whose ciphertext an image has, or nil for an image that is none of Coffer's.
    package static func disk(of image: String) -> DiskID? {
        image.hasPrefix("coffer.") ? DiskID(image.dropFirst("coffer.".count)) : nil
    }

    /// What the object with the journal of a disk's re-encryption is called.
    package static func journal(of disk: DiskID) -> String { "coffer.journal.\(disk.text)" }
}
