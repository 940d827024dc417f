import CofferModel
import CofferPlatform

extension PlatformImage {
    /// The type of an image's id, with the words as Azure spells them.
    static let resourceType = "Microsoft.Compute/Locations/Publishers/ArtifactTypes/Offers/Skus/Versions"

    /// `/subscriptions/S/Providers/Microsoft.Compute/Locations/L/Publishers/P/ArtifactTypes/VMImage/Offers/O/Skus/K/Versions/V`.
    func idText(subscription: String, location: String) -> String {
        "/subscriptions/\(subscription)/providers/\(ResourceID.computeNamespace)/Locations/\(location)/Publishers/\(publisher)"
            + "/ArtifactTypes/VMImage/Offers/\(offer)/Skus/\(sku)/Versions/\(version)"
    }

    /// The same as an id; nil if a part of it is no name.
    func id(subscription: String, location: String) -> ResourceID? { ResourceID(idText(subscription: subscription, location: location)) }
}
