package import CofferPlatform

extension ImageCatalogue: PlatformImages {
    /// What can be used; what cannot, `coffer image list` tells with the reason.
    package func images() async throws -> [PlatformImage] {
        list().images.map { entry in
            let record = entry.record
            return PlatformImage(
                publisher: record.name.publisher, offer: record.name.offer, sku: record.name.sku, version: record.name.version.description,
                osType: record.osType.rawValue, generation: record.hyperVGeneration.rawValue, byteCount: record.sizeBytes, path: entry.diskPath)
        }
    }
}
