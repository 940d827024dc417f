import CofferModel
import CofferPlatform

/// The short names of images that `az vm create --image` takes, such as `Debian12`. Clients read them without a token.
enum ImageAliases {
    static let documentName = "vmimagealiases.json"

    /// The document in the shape of the one that Azure's clouds have.
    static func document(of images: [PlatformImage]) -> JSONValue {
        var systems: [String: [String: JSONValue]] = ["Linux": [:], "Windows": [:]]
        for image in images.sorted(by: { ($0.publisher, $0.offer, $0.sku) < ($1.publisher, $1.offer, $1.sku) }) {
            systems[image.osType, default: [:]][alias(of: image.offer)] = [
                "publisher": .string(image.publisher), "offer": .string(image.offer), "sku": .string(image.sku), "version": "latest",
                "architecture": "x64",
            ]
        }
        let value = JSONValue.object(systems.mapValues(JSONValue.object))
        return ["outputs": ["aliases": ["type": "object", "value": value]]]
    }

    /// `debian-12` is `Debian12`.
    private static func alias(of offer: String) -> String {
        offer.split { !$0.isLetter && !$0.isNumber }.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }
}
