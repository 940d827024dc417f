import CofferModel

/// The URL by which a virtual machine names an unmanaged disk, `vhd.uri`: the disk's id below this installation's address, and `.vhd`.
struct UnmanagedDiskURL: Equatable, Sendable {
    private static let prefix = "/coffer/v1"
    private static let suffix = ".vhd"

    let disk: ResourceID

    init(_ disk: ResourceID) { self.disk = disk }

    /// - Returns: nil unless `text` is such a URL. The address in it is not looked at: a machine has disks of its own installation only.
    init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0].hasSuffix(":"), parts[1].isEmpty, !parts[2].isEmpty else { return nil }
        let words = "/" + parts[3]
        guard words.hasPrefix(Self.prefix + "/"), words.lowercased().hasSuffix(Self.suffix),
            let id = ResourceID(String(words.dropFirst(Self.prefix.count).dropLast(Self.suffix.count))),
            id.isType("Microsoft.Compute/\(UnmanagedDisksRoutes.type)"), id.group != nil
        else { return nil }
        disk = id
    }

    /// - Parameter authority: Of this installation, such as `https://localhost:8443`.
    func text(at authority: String) -> String { "\(authority)\(Self.prefix)\(disk.text)\(Self.suffix)" }
}
