import CofferModel
import Testing

@Suite struct LocationTests {
    @Test(arguments: [
        (["uksouth", "UK West"], "uk"), (["eastus", "westus3", "southcentralus", "North Central US"], "us"),
        (["westeurope", "northeurope"], "europe"), (["germanywestcentral"], "germany"), (["australiaeast", "australiasoutheast"], "australia"),
        (["southeastasia", "eastasia"], "asia"), (["southindia", "centralindia"], "india"), (["southafricanorth"], "africa"),
    ])
    func regionsOfOnePartOfTheWorldHaveOneGeography(regions: [String], geography: String) {
        for region in regions { #expect(Location.geography(of: region) == geography) }
    }
}
