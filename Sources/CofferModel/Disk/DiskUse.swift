/// What a disk is opened for.
package enum DiskUse: Codable, Equatable, Sendable {
    /// Whoever connects to its export.
    case client
    /// A virtual machine of this host.
    ///
    /// - Parameter encryptsAtHost: Whether the host has the data keys, so that the data is ciphertext on its way to the storage service and
    ///   in the host's cache.
    case machine(cache: DiskCache, encryptsAtHost: Bool)
    /// A virtual machine as its temporary disk, which its guest knows by the serial number `coffer-temp`. Only the host's own disks are.
    case temporary
}

/// What a host keeps of a disk that its storage service has; Azure's `caching`.
package enum DiskCache: String, Codable, Sendable {
    case none
    /// Reads may be answered by the host.
    case readOnly
    /// Writes too may be answered by the host, until the guest flushes.
    case readWrite
}
