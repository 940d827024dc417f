import CofferModel

extension Demo {
    /// Step 1: the deployment that Azure's documentation describes, word for word.
    func deploy() throws(DemoFailure) {
        try tools.json("az", ["group", "create", "-n", group, "-l", location])
        try makeVault()
        try makeKey()
        try makeEncryptionSet()
        try makeDisk()
    }

    private func makeVault() throws(DemoFailure) {
        let vault = try tools.json("az", [
            "keyvault", "create", "-n", vaultName, "-g", group, "-l", location, "--enable-rbac-authorization", "true",
            "--enable-purge-protection", "true", "--retention-days", "90", "--sku", hasToken ? "premium" : "standard",
        ])
        vaultID = try text(vault, "id")
        DemoTerminal.evidence("vault", try text(vault, "properties.vaultUri"))
        DemoTerminal.evidence("purge protection", try text(vault, "properties.enablePurgeProtection"))
        DemoTerminal.evidence("retention", "\(try text(vault, "properties.softDeleteRetentionInDays")) days")
    }

    private func makeKey() throws(DemoFailure) {
        // The administrator owns the subscription, and still may do nothing with keys: owning is no data action.
        try assign(role: "Key Vault Crypto Officer", to: try tools.exported("COFFER_PRINCIPAL_ID", "AZURE_OBJECT_ID"), scope: vaultID)
        let key = try tools.json("az", ["keyvault", "key", "create", "--vault-name", vaultName, "-n", keyName, "--kty", hasToken ? "RSA-HSM" : "RSA"])
        keyID = try text(key, "key.kid")
        DemoTerminal.evidence("key", keyID)
        DemoTerminal.evidence("its type", try text(key, "key.kty"))
    }

    private func makeEncryptionSet() throws(DemoFailure) {
        let set = try tools.json("az", [
            "disk-encryption-set", "create", "-n", setName, "-g", group, "-l", location, "--key-url", keyID,
            "--source-vault", vaultName,
        ])
        DemoTerminal.evidence("encryption type", try text(set, "encryptionType"))
        DemoTerminal.evidence("its identity", try text(set, "identity.principalId"))
        try assign(role: "Key Vault Crypto Service Encryption User", to: try text(set, "identity.principalId"), scope: vaultID)
    }

    private func makeDisk() throws(DemoFailure) {
        let disk = try tools.json("az", [
            "disk", "create", "-n", diskName, "-g", group, "--size-gb", "1", "--disk-encryption-set", setName,
        ])
        diskID = try text(disk, "id")
        DemoTerminal.evidence("disk", "\(try text(disk, "diskSizeGB")) GiB, \(try text(disk, "provisioningState"))")
        DemoTerminal.evidence("encryption", try text(disk, "encryption.type"))
        let header = try inspect()
        dataPath = try text(header, "dataPath")
        DemoTerminal.evidence("data key wrapped under", try wrappingKey(header))
        try DemoFailure.unless(try wrappingKey(header) == keyID, "the disk's data key is not wrapped under \(keyID)")
    }

    /// Assigns a role with `az`, to an identity that is given by its object id.
    func assign(role: String, to principal: String, scope: String) throws(DemoFailure) {
        try tools.json("az", [
            "role", "assignment", "create", "--role", role, "--assignee-object-id", principal,
            "--assignee-principal-type", "ServicePrincipal", "--scope", scope,
        ])
    }

    /// The id, with its version, of the key that wraps the data key of the layer next to the guest.
    func wrappingKey(_ header: JSONValue) throws(DemoFailure) -> String {
        guard let layer = header["layers"]?.array?.first else { throw DemoFailure("coffer disk inspect names no layers") }
        let id = try text(layer, "keyId")
        guard let version = layer["keyVersion"]?.string, !id.hasSuffix(version) else { return id }
        return "\(id)/\(version)"
    }
}
