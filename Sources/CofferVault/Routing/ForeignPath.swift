import CofferModel

/// Paths of Key Vault's interface that vaults do not have: those of managed HSMs, and of what Azure has retired.
enum ForeignPath {
    /// 404 with a sentence that says who has the path and what to do instead; nil for a path that nobody has.
    static func refusal(_ path: [String]) -> APIError? {
        let words = path.map { $0.lowercased() }
        switch words.first {
        case "storage", "deletedstorage":
            return refusal("Azure has retired managed storage account keys. Keep the key of an account as a secret: az keyvault secret set")
        case "backup", "restore":
            return refusal("Only a managed HSM is backed up and restored as a whole. Back single objects up: az keyvault key backup --help")
        case "settings": return refusal("Only managed HSMs have settings. Show a vault's properties with: az keyvault show")
        case "securitydomain": return refusal("Only managed HSMs have a security domain.")
        case "keys" where words.count == 3 && words[2] == "restore":
            return refusal("Only managed HSMs restore one key of a whole backup. Restore a key's own backup with: az keyvault key restore")
        default:
            guard words.contains("providers") else { return nil }
            return refusal(
                "Only managed HSMs keep role assignments of their own. Assign roles on a vault with: az role assignment create --scope")
        }
    }

    private static func refusal(_ sentence: String) -> APIError {
        APIError(status: 404, code: "NotFound", message: "A vault has no such path. \(sentence)")
    }
}
