import CofferModel
import CofferPlatform

/// Finds the images that virtual machines and disks name.
struct MachineImages: Sendable {
    let images: any PlatformImages
    let store: any Store

    /// What a machine's OS disk is made of.
    struct Choice: Sendable {
        let wish: DiskCreationWish
        let osType: String
        let generation: String
        /// As it is shown, with the version that was chosen.
        let reference: JSONValue
    }

    /// - Parameter reference: `imageReference` of a virtual machine.
    /// - Throws: ``APIError`` if it names none.
    func choose(_ reference: JSONValue) async throws -> Choice {
        if let text = reference["id"]?.string {
            guard let id = ResourceID(text) else { throw APIError.imageReferenceNotValid() }
            if id.isType("\(ResourceID.computeNamespace)/\(ImagesRoutes.type)") {
                guard let image = try await store.read({ try $0.image(id) }) else { throw APIError.imageNotFound(text) }
                return Choice(
                    wish: .image(id, lun: nil), osType: image.osType, generation: image.hyperVGeneration ?? "V1", reference: ["id": .string(id.text)])
            }
            throw APIError.imageNotFound(text)
        }
        guard let publisher = reference["publisher"]?.string, let offer = reference["offer"]?.string, let sku = reference["sku"]?.string else {
            throw APIError.imageReferenceNotValid()
        }
        let version = reference["version"]?.string ?? "latest"
        let image = try await platformImage(publisher: publisher, offer: offer, sku: sku, version: version)
        return Choice(
            wish: .platformImage(image), osType: image.osType, generation: image.generation,
            reference: [
                "publisher": .string(publisher), "offer": .string(offer), "sku": .string(sku), "version": .string(version),
                "exactVersion": .string(image.version),
            ])
    }

    /// - Parameter version: `latest`, or one that there is.
    func platformImage(publisher: String, offer: String, sku: String, version: String) async throws -> PlatformImage {
        let found = try await images.images().filter { image in
            image.publisher.lowercased() == publisher.lowercased() && image.offer.lowercased() == offer.lowercased()
                && image.sku.lowercased() == sku.lowercased() && (version.lowercased() == "latest" || image.version == version)
        }
        guard let image = found.max(by: { $0.versionNumbers.lexicographicallyPrecedes($1.versionNumbers) }) else {
            throw APIError.imageNotFound("\(publisher):\(offer):\(sku):\(version)")
        }
        return image
    }
}
