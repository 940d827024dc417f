import CofferModel

/// What `az cloud register` and SDKs read to find the endpoints of this cloud.
enum MetadataDocument {
    /// - Parameter apiVersion: 2022-09-01 and 2015-01-01 want one object, 2019-05-01 an array of clouds.
    static func document(for settings: ResourcesSettings, apiVersion: String) -> JSONValue {
        let authority = JSONValue.string(settings.authority)
        let document: JSONValue = [
            "name": "Coffer",
            "portal": authority,
            "resourceManager": authority,
            "gallery": authority,
            "batch": authority,
            "media": authority,
            "graph": authority,
            "graphAudience": authority,
            "sqlManagement": authority,
            "vmImageAliasDoc": .string("\(settings.authority)/vmimagealiases.json"),
            "microsoftGraphResourceId": .string("\(settings.authority)/"),
            "logAnalyticsResourceId": authority,
            "activeDirectoryDataLake": authority,
            "authentication": [
                "loginEndpoint": authority,
                "audiences": [.string("\(settings.authority)/"), authority],
                "tenant": .string(settings.tenantID),
                "identityProvider": "AAD",
            ],
            "suffixes": [
                "keyVaultDns": .string(settings.vaultSuffix),
                "mhsmDns": .string("managedhsm." + settings.vaultSuffix),
                "storage": .string("storage." + settings.vaultSuffix),
                "sqlServerHostname": .string("database." + settings.vaultSuffix),
                "acrLoginServer": .string("registry." + settings.vaultSuffix),
            ],
        ]
        return apiVersion.hasPrefix("2019") || apiVersion.hasPrefix("2018") ? [document] : document
    }
}
