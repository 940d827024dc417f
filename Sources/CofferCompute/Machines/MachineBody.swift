import CofferModel

/// The body of a PUT or PATCH of a virtual machine, as far as it changes anything. What is only kept is read as JSON beside it.
struct MachineBody: Decodable {
    struct Properties: Decodable {
        let hardwareProfile: Hardware?
        let storageProfile: Storage?
        let networkProfile: Network?
        let osProfile: JSONValue?
        let securityProfile: Security?
        let userData: String?
    }

    struct Hardware: Decodable {
        let vmSize: String?
    }

    struct Storage: Decodable {
        let imageReference: JSONValue?
        let osDisk: Disk?
        let dataDisks: [Disk]?
    }

    struct Disk: Decodable {
        let lun: Int?
        let name: String?
        let createOption: String?
        let caching: String?
        let diskSizeGB: Int64?
        /// The same as `az vm create --os-disk-size-gb` spells it.
        let diskSizeGb: Int64?
        let osType: String?
        let deleteOption: String?
        let managedDisk: ManagedDisk?
        let diffDiskSettings: Ephemeral?
        let vhd: Blob?
        let image: JSONValue?
        let encryptionSettings: EncryptionSettings?
        let writeAcceleratorEnabled: Bool?
        let toBeDetached: Bool?
    }

    struct Ephemeral: Decodable {
        let option: String?
        let placement: String?
        let enableFullCaching: Bool?
    }

    struct Blob: Decodable {
        let uri: String?
    }

    struct EncryptionSettings: Decodable {
        let enabled: Bool?
    }

    struct ManagedDisk: Decodable {
        let id: String?
        let storageAccountType: String?
        let diskEncryptionSet: Reference?
    }

    struct Network: Decodable {
        let networkInterfaces: [Interface]?
        let networkInterfaceConfigurations: [JSONValue]?
    }

    struct Interface: Decodable {
        struct Properties: Decodable {
            let primary: Bool?
            let deleteOption: String?
        }

        let id: String?
        let properties: Properties?
    }

    struct Security: Decodable {
        let encryptionAtHost: Bool?
        let securityType: String?
    }

    struct Reference: Decodable {
        let id: String?
    }

    let location: String?
    let tags: [String: String]?
    let zones: [String]?
    let identity: IdentityBody?
    let properties: Properties?
}
