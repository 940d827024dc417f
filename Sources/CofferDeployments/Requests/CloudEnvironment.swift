import CofferModel
import CofferTemplates

/// What `environment()` gives: the cloud's metadata in the spelling that templates use.
enum CloudEnvironment {
    static func value(of cloud: JSONValue) -> JSONValue {
        var members = cloud.object ?? [:]
        var suffixes = cloud.member("suffixes")?.object ?? [:]
        if let vaults = suffixes["keyVaultDns"]?.string {
            suffixes["keyVaultDns"] = nil
            suffixes["keyvaultDns"] = .string(vaults.hasPrefix(".") ? vaults : ".\(vaults)")
        }
        members["suffixes"] = .object(suffixes)
        return .object(members)
    }
}
