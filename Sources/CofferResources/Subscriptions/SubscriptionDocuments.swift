import CofferModel

/// Subscriptions, tenants and regions as Azure Resource Manager shows them. An installation has one of each of the first
/// two.
struct SubscriptionDocuments {
    let settings: ResourcesSettings

    var subscription: JSONValue {
        [
            "id": .string("/subscriptions/\(settings.subscriptionID)"),
            "subscriptionId": .string(settings.subscriptionID),
            "tenantId": .string(settings.tenantID),
            "displayName": .string(settings.subscriptionName),
            "state": "Enabled",
            "subscriptionPolicies": ["locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off"],
            "authorizationSource": "RoleBased",
            "managedByTenants": [],
        ]
    }

    var tenant: JSONValue {
        [
            "id": .string("/tenants/\(settings.tenantID)"),
            "tenantId": .string(settings.tenantID),
            "displayName": "Coffer",
            "tenantCategory": "Home",
            "defaultDomain": "coffer.localhost",
        ]
    }

    var locations: JSONValue {
        let names = [settings.region] + Regions.names.filter { $0 != settings.region }
        return ["value": .array(names.map { name in
            [
                "id": .string("/subscriptions/\(settings.subscriptionID)/locations/\(name)"),
                "name": .string(name),
                "displayName": .string(name),
                "regionalDisplayName": .string(name),
                "type": "Region",
                "metadata": ["regionType": "Physical", "regionCategory": "Recommended"],
            ]
        })]
    }
}

/// The regions that a resource may be placed in. They are names here, all served by this installation, so that templates
/// written for Azure need no change.
enum Regions {
    static let names = [
        "uksouth", "ukwest", "westeurope", "northeurope", "francecentral", "germanywestcentral", "swedencentral",
        "norwayeast", "switzerlandnorth", "italynorth", "polandcentral", "spaincentral", "eastus", "eastus2", "westus",
        "westus2", "westus3", "centralus", "southcentralus", "northcentralus", "canadacentral", "canadaeast", "brazilsouth",
        "southeastasia", "eastasia", "japaneast", "japanwest", "koreacentral", "australiaeast", "australiasoutheast",
        "centralindia", "southindia", "uaenorth", "southafricanorth", "qatarcentral", "israelcentral",
    ]
}
