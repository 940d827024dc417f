/// The images that virtual machines are made of by publisher, offer, SKU and version. Answered by CofferImport.
package protocol PlatformImages: Sendable {
    /// All images of this installation, in no particular order.
    func images() async throws -> [PlatformImage]
}

/// A disk that operating systems start from, in a file of this installation.
package struct PlatformImage: Equatable, Sendable {
    package let publisher: String
    package let offer: String
    package let sku: String
    /// Three numbers with points between.
    package let version: String
    /// `Linux` or `Windows`.
    package let osType: String
    /// `V1`, started by a BIOS, or `V2`, by UEFI.
    package let generation: String
    /// Of the disk in it, in bytes.
    package let byteCount: UInt64
    /// The file, a raw disk.
    package let path: String

    package init(
        publisher: String, offer: String, sku: String, version: String, osType: String, generation: String, byteCount: UInt64, path: String
    ) {
        self.publisher = publisher
        self.offer = offer
        self.sku = sku
        self.version = version
        self.osType = osType
        self.generation = generation
        self.byteCount = byteCount
        self.path = path
    }

    /// Its version as numbers, for the order of versions.
    package var versionNumbers: [UInt64] { version.split(separator: ".").map { UInt64($0) ?? 0 } }
}
