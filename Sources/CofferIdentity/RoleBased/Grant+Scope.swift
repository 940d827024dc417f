import CofferModel
import CofferPlatform

extension Grant {
    /// Whether this grant, given for a resource of Microsoft.Authorization or for what it extends, is good for `place`.
    func covers(_ place: ResourceID) -> Bool {
        guard scope.namespace?.lowercased() == "microsoft.authorization" else { return scope.contains(place) }
        return (scope.extendedScope ?? scope.parent)?.contains(place) == true
    }
}
