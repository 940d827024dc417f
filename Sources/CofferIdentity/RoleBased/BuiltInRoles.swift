/// The role definitions of every installation: one table. Ids, actions and data actions are Azure's (contract section 3.1;
/// Microsoft's lists "built-in roles" for the categories privileged, general, security, compute, networking, storage and identity),
/// descriptions are our own words. Two rows need a second look when the lists change: Key Vault Data Access Administrator,
/// whose condition is `assignableRoles`, and Coffer's own role at the end.
enum BuiltInRoles {
    /// The role with this id, in any case.
    static func role(_ id: String) -> RoleDefinition? { byID[id.lowercased()] }

    static let all: [RoleDefinition] = general + vault + compute + [recoveryOperator]

    static let owner = RoleDefinition(
        id: "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", name: "Owner",
        description: "Manages everything, including who may do what.", actions: ["*"]
    )

    private static let byID = Dictionary(all.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })

    private static let general: [RoleDefinition] = [
        owner,
        RoleDefinition(
            id: "b24988ac-6180-42a0-ab88-20f7382dd24c", name: "Contributor",
            description: "Manages everything except who may do what.", actions: ["*"],
            notActions: [
                "Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write",
                "Microsoft.Authorization/elevateAccess/Action", "Microsoft.Blueprint/blueprintAssignments/write",
                "Microsoft.Blueprint/blueprintAssignments/delete", "Microsoft.Compute/galleries/share/action",
                "Microsoft.Purview/consents/write", "Microsoft.Purview/consents/delete",
                "Microsoft.Resources/deploymentStacks/manageDenySetting/action", "Microsoft.Subscription/cancel/action",
                "Microsoft.Subscription/enable/action",
            ]
        ),
        RoleDefinition(
            id: "acdd72a7-3385-48ef-bd42-f606fba81ae7", name: "Reader",
            description: "Sees everything and changes nothing.", actions: ["*/read"]
        ),
        RoleDefinition(
            id: "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", name: "User Access Administrator",
            description: "Manages who may do what.", actions: ["*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"]
        ),
        RoleDefinition(
            id: "f58310d9-a9f6-439a-9e8d-f62e7b41a168", name: "Role Based Access Control Administrator",
            description: "Manages who may do what by role assignments, and by nothing else.",
            actions: [
                "Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/delete", "*/read",
                "Microsoft.Support/*",
            ]
        ),
        RoleDefinition(
            id: "f1a07417-d97a-45cb-824c-7a7467783830", name: "Managed Identity Operator",
            description: "Reads user-assigned identities and assigns them to resources.",
            actions: [
                "Microsoft.ManagedIdentity/userAssignedIdentities/*/read",
                "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action", "Microsoft.Authorization/*/read",
                "Microsoft.Insights/alertRules/*", "Microsoft.Resources/deployments/*",
                "Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.Support/*",
            ]
        ),
    ]

    /// What most roles of Key Vault may do on the management plane.
    private static let vaultReading: [ActionPattern] = [
        "Microsoft.Authorization/*/read", "Microsoft.Insights/alertRules/*", "Microsoft.Resources/deployments/*",
        "Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.Support/*",
        "Microsoft.KeyVault/checkNameAvailability/read", "Microsoft.KeyVault/deletedVaults/read",
        "Microsoft.KeyVault/locations/*/read", "Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/operations/read",
    ]

    private static let vault: [RoleDefinition] = [
        RoleDefinition(
            id: "00482a5a-887f-4fb3-b363-3b7fe8e74483", name: "Key Vault Administrator",
            description: "Does everything with the objects of a vault, but manages neither the vault nor who may use it.",
            actions: vaultReading, dataActions: ["Microsoft.KeyVault/vaults/*"]
        ),
        RoleDefinition(
            id: "21090545-7ca7-4776-b22c-e363652d74d2", name: "Key Vault Reader",
            description: "Reads the properties of a vault and its objects, but no secret values and no key material.",
            actions: vaultReading,
            dataActions: ["Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/vaults/secrets/readMetadata/action"]
        ),
        RoleDefinition(
            id: "f25e0fa2-a7c8-4377-a976-54943a77a395", name: "Key Vault Contributor",
            description: "Manages vaults, but not who may use them, and none of their objects.",
            actions: [
                "Microsoft.Authorization/*/read", "Microsoft.Insights/alertRules/*", "Microsoft.KeyVault/*",
                "Microsoft.Resources/deployments/*", "Microsoft.Resources/subscriptions/resourceGroups/read",
                "Microsoft.Support/*",
            ],
            notActions: [
                "Microsoft.KeyVault/locations/deletedVaults/purge/action", "Microsoft.KeyVault/hsmPools/*",
                "Microsoft.KeyVault/managedHsms/*",
            ]
        ),
        RoleDefinition(
            id: "a4417e6f-fecd-4de8-b567-7b0420556985", name: "Key Vault Certificates Officer",
            description: "Does everything with the certificates of a vault except manage who may use them.",
            actions: vaultReading,
            dataActions: [
                "Microsoft.KeyVault/vaults/certificatecas/*", "Microsoft.KeyVault/vaults/certificates/*",
                "Microsoft.KeyVault/vaults/certificatecontacts/write",
            ]
        ),
        RoleDefinition(
            id: "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba", name: "Key Vault Certificate User",
            description: "Reads certificates with their secrets and keys.",
            dataActions: [
                "Microsoft.KeyVault/vaults/certificates/read", "Microsoft.KeyVault/vaults/secrets/getSecret/action",
                "Microsoft.KeyVault/vaults/secrets/readMetadata/action", "Microsoft.KeyVault/vaults/keys/read",
            ]
        ),
        RoleDefinition(
            id: "14b46e9e-c2b7-41b4-b07b-48a6ebf60603", name: "Key Vault Crypto Officer",
            description: "Does everything with the keys of a vault except manage who may use them.", actions: vaultReading,
            dataActions: ["Microsoft.KeyVault/vaults/keys/*", "Microsoft.KeyVault/vaults/keyrotationpolicies/*"]
        ),
        RoleDefinition(
            id: "e147488a-f6f5-4113-8e2d-b22465e65bf6", name: "Key Vault Crypto Service Encryption User",
            description: "Reads the properties of keys, wraps and unwraps with them: what a disk encryption set needs.",
            actions: [
                "Microsoft.EventGrid/eventSubscriptions/write", "Microsoft.EventGrid/eventSubscriptions/read",
                "Microsoft.EventGrid/eventSubscriptions/delete",
            ],
            dataActions: [
                "Microsoft.KeyVault/vaults/keys/read", "Microsoft.KeyVault/vaults/keys/wrap/action",
                "Microsoft.KeyVault/vaults/keys/unwrap/action",
            ]
        ),
        RoleDefinition(
            id: "12338af0-0e69-4776-bea7-57ae8d297424", name: "Key Vault Crypto User",
            description: "Uses keys for cryptographic operations.",
            dataActions: [
                "Microsoft.KeyVault/vaults/keys/read", "Microsoft.KeyVault/vaults/keys/update/action",
                "Microsoft.KeyVault/vaults/keys/backup/action", "Microsoft.KeyVault/vaults/keys/encrypt/action",
                "Microsoft.KeyVault/vaults/keys/decrypt/action", "Microsoft.KeyVault/vaults/keys/wrap/action",
                "Microsoft.KeyVault/vaults/keys/unwrap/action", "Microsoft.KeyVault/vaults/keys/sign/action",
                "Microsoft.KeyVault/vaults/keys/verify/action",
            ]
        ),
        RoleDefinition(
            id: "08bbd89e-9f13-488c-ac41-acfcb10c90ab", name: "Key Vault Crypto Service Release User",
            description: "Releases keys.", dataActions: ["Microsoft.KeyVault/vaults/keys/release/action"]
        ),
        RoleDefinition(
            id: "b86a8fe4-44ce-4948-aee5-eccb2c155cd7", name: "Key Vault Secrets Officer",
            description: "Does everything with the secrets of a vault except manage who may use them.",
            actions: vaultReading, dataActions: ["Microsoft.KeyVault/vaults/secrets/*"]
        ),
        RoleDefinition(
            id: "4633458b-17de-408a-b874-0445c86b69e6", name: "Key Vault Secrets User",
            description: "Reads the values of secrets.",
            dataActions: [
                "Microsoft.KeyVault/vaults/secrets/getSecret/action",
                "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
            ]
        ),
        RoleDefinition(
            id: "8b54135c-b56d-4d72-a534-26097cfdc8d8", name: "Key Vault Data Access Administrator",
            description: "Gives and takes the roles that use the objects of a vault.",
            actions: [
                "Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/delete",
                "Microsoft.Authorization/*/read", "Microsoft.Resources/deployments/*",
                "Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.Resources/subscriptions/read",
                "Microsoft.Management/managementGroups/read", "Microsoft.Support/*", "Microsoft.KeyVault/vaults/*/read",
            ],
            assignableRoles: [
                "00482a5a-887f-4fb3-b363-3b7fe8e74483", "a4417e6f-fecd-4de8-b567-7b0420556985",
                "14b46e9e-c2b7-41b4-b07b-48a6ebf60603", "e147488a-f6f5-4113-8e2d-b22465e65bf6",
                "12338af0-0e69-4776-bea7-57ae8d297424", "21090545-7ca7-4776-b22c-e363652d74d2",
                "b86a8fe4-44ce-4948-aee5-eccb2c155cd7", "4633458b-17de-408a-b874-0445c86b69e6",
            ]
        ),
        RoleDefinition(
            id: "a68e7c17-0ab2-4c09-9a58-125dae29748c", name: "Key Vault Purge Operator",
            description: "Purges deleted vaults for good.",
            actions: [
                "Microsoft.Authorization/*/read", "Microsoft.Insights/alertRules/*", "Microsoft.Resources/deployments/*",
                "Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.KeyVault/deletedVaults/read",
                "Microsoft.KeyVault/locations/deletedVaults/read",
                "Microsoft.KeyVault/locations/deletedVaults/purge/action",
                "Microsoft.KeyVault/locations/operationResults/read",
            ]
        ),
    ]

    private static let compute: [RoleDefinition] = [
        RoleDefinition(
            id: "9980e02c-c2be-4d73-94e8-173b1dc7cf3c", name: "Virtual Machine Contributor",
            description: "Manages virtual machines, but not who signs in to them, nor their networks and storage accounts.",
            actions: [
                "Microsoft.Authorization/*/read", "Microsoft.Compute/availabilitySets/*", "Microsoft.Compute/locations/*",
                "Microsoft.Compute/virtualMachines/*", "Microsoft.Compute/virtualMachineScaleSets/*",
                "Microsoft.Compute/cloudServices/*", "Microsoft.Compute/disks/write", "Microsoft.Compute/disks/read",
                "Microsoft.Compute/disks/delete", "Microsoft.Compute/hostgroups/write",
                "Microsoft.Compute/hostgroups/hosts/write", "Microsoft.DevTestLab/schedules/*",
                "Microsoft.Insights/alertRules/*",
                "Microsoft.Network/applicationGateways/backendAddressPools/join/action",
                "Microsoft.Network/loadBalancers/backendAddressPools/join/action",
                "Microsoft.Network/loadBalancers/inboundNatPools/join/action",
                "Microsoft.Network/loadBalancers/inboundNatRules/join/action",
                "Microsoft.Network/loadBalancers/probes/join/action", "Microsoft.Network/loadBalancers/read",
                "Microsoft.Network/locations/*", "Microsoft.Network/networkInterfaces/*",
                "Microsoft.Network/networkSecurityGroups/join/action", "Microsoft.Network/networkSecurityGroups/read",
                "Microsoft.Network/publicIPAddresses/join/action", "Microsoft.Network/publicIPAddresses/read",
                "Microsoft.Network/virtualNetworks/read", "Microsoft.Network/virtualNetworks/subnets/join/action",
                "Microsoft.RecoveryServices/locations/*",
                "Microsoft.RecoveryServices/Vaults/backupFabrics/backupProtectionIntent/write",
                "Microsoft.RecoveryServices/Vaults/backupFabrics/protectionContainers/protectedItems/*/read",
                "Microsoft.RecoveryServices/Vaults/backupFabrics/protectionContainers/protectedItems/read",
                "Microsoft.RecoveryServices/Vaults/backupFabrics/protectionContainers/protectedItems/write",
                "Microsoft.RecoveryServices/Vaults/backupPolicies/read",
                "Microsoft.RecoveryServices/Vaults/backupPolicies/write", "Microsoft.RecoveryServices/Vaults/read",
                "Microsoft.RecoveryServices/Vaults/usages/read", "Microsoft.RecoveryServices/Vaults/write",
                "Microsoft.ResourceHealth/availabilityStatuses/read", "Microsoft.Resources/deployments/*",
                "Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.SerialConsole/serialPorts/connect/action",
                "Microsoft.SqlVirtualMachine/*", "Microsoft.Storage/storageAccounts/listKeys/action",
                "Microsoft.Storage/storageAccounts/read", "Microsoft.Support/*",
            ]
        ),
        RoleDefinition(
            id: "4d97b98b-1d4f-4787-a291-c67834d212e7", name: "Network Contributor",
            description: "Manages networks, but not who may use them.",
            actions: [
                "Microsoft.Authorization/*/read", "Microsoft.Insights/alertRules/*", "Microsoft.Network/*",
                "Microsoft.ResourceHealth/availabilityStatuses/read", "Microsoft.Resources/deployments/*",
                "Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.Support/*",
            ]
        ),
        RoleDefinition(
            id: "3e5e47e6-65f7-47ef-90b5-e5dd4d455f24", name: "Disk Backup Reader",
            description: "Reads disks to back them up.",
            actions: [
                "Microsoft.Authorization/*/read", "Microsoft.Compute/disks/read",
                "Microsoft.Compute/disks/beginGetAccess/action",
            ]
        ),
        RoleDefinition(
            id: "7efff54f-a5b4-42b5-a1c5-5411624893ce", name: "Disk Snapshot Contributor",
            description: "Manages the snapshots that backups make.",
            actions: [
                "Microsoft.Authorization/*/read", "Microsoft.Resources/subscriptions/resourceGroups/read",
                "Microsoft.Compute/snapshots/delete", "Microsoft.Compute/snapshots/write",
                "Microsoft.Compute/snapshots/read", "Microsoft.Compute/snapshots/beginGetAccess/action",
                "Microsoft.Compute/snapshots/endGetAccess/action", "Microsoft.Compute/disks/beginGetAccess/action",
                "Microsoft.Storage/storageAccounts/listkeys/action", "Microsoft.Storage/storageAccounts/write",
                "Microsoft.Storage/storageAccounts/read", "Microsoft.Storage/storageAccounts/delete",
            ]
        ),
        RoleDefinition(
            id: "959f8984-c045-4866-89c7-12bf9737be2e", name: "Data Operator for Managed Disks",
            description: "Uploads to empty disks and downloads detached disks and snapshots.",
            dataActions: [
                "Microsoft.Compute/disks/download/action", "Microsoft.Compute/disks/upload/action",
                "Microsoft.Compute/snapshots/download/action", "Microsoft.Compute/snapshots/upload/action",
            ]
        ),
    ]

    /// Coffer's own: Azure never gives out the key of a disk.
    private static let recoveryOperator = RoleDefinition(
        id: "c0ffe12d-15c5-4ec0-8e12-0b5a11d15c01", name: "Coffer Disk Recovery Operator",
        description: "Exports the data key of a disk, so that its data can be read without Coffer. Every export is audited.",
        actions: ["Microsoft.Authorization/*/read", "Microsoft.Compute/disks/read"],
        dataActions: ["Microsoft.Compute/disks/exportKey/action"]
    )
}
