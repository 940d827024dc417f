"""Things that most journeys need, made over HTTP because az takes a second for each."""
import concurrent.futures
import urllib.parse
import uuid

from expectations import eventually, expect

CRYPTO_OFFICER = "Key Vault Crypto Officer"
CRYPTO_USER = "Key Vault Crypto User"
SERVICE_ENCRYPTION_USER = "Key Vault Crypto Service Encryption User"
RECOVERY_OPERATOR = "Coffer Disk Recovery Operator"

PLATFORM_KEY = "EncryptionAtRestWithPlatformKey"
CUSTOMER_KEY = "EncryptionAtRestWithCustomerKey"
BOTH_KEYS = "EncryptionAtRestWithPlatformAndCustomerKeys"


class Deployments:
    """The part of a stage that makes groups, vaults, keys, sets, disks and role assignments."""

    def make_group(self, group="g"):
        self.arm("PUT", f"/resourcegroups/{group}", "2024-11-01", {"location": "uksouth"})
        return group

    def make_vault(self, group="g", purge_protection=True):
        """A vault on which the administrator may use keys. Its name."""
        vault = f"kv-{uuid.uuid4().hex[:8]}"
        properties = {
            "tenantId": self.tenant, "sku": {"family": "A", "name": "standard"}, "enableRbacAuthorization": True,
            "enableSoftDelete": True, "softDeleteRetentionInDays": 90,
        }
        if purge_protection:
            properties["enablePurgeProtection"] = True
        self.arm("PUT", self.vault_path(vault, group), "2023-07-01", {"location": "uksouth", "properties": properties})
        self.assign(CRYPTO_OFFICER, self.principal, self.vault_id(vault, group))
        return vault

    def make_network(self, group="g", name="v", prefix="10.0.0.0/16"):
        """A virtual network with one subnet `s` of all its addresses. The subnet's id."""
        path = f"/resourceGroups/{group}/providers/Microsoft.Network/virtualNetworks/{name}"
        subnets = [{"name": "s", "properties": {"addressPrefix": prefix}}]
        self.arm("PUT", path, "2023-11-01", {
            "location": "uksouth", "properties": {"addressSpace": {"addressPrefixes": [prefix]}, "subnets": subnets}})
        return f"{self.subscription}{path}/subnets/s"

    def make_interface(self, name, subnet, group="g"):
        """A network interface with a public IP address of the same name. Its private and its public address."""
        network = f"/resourceGroups/{group}/providers/Microsoft.Network"
        address = self.arm("PUT", f"{network}/publicIPAddresses/{name}", "2023-11-01", {"location": "uksouth"}).json
        configuration = {"name": "c", "properties": {"subnet": {"id": subnet}, "publicIPAddress": {"id": address["id"]}}}
        interface = self.arm("PUT", f"{network}/networkInterfaces/{name}", "2023-11-01", {
            "location": "uksouth", "properties": {"ipConfigurations": [configuration]}}).json
        return interface["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"], address["properties"]["ipAddress"]

    def make_interfaces(self, count, subnet, group="g"):
        """That many at once; all addresses that they got."""
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda number: self.make_interface(f"many{number}", subnet, group), range(count)))
        return [address for pair in made for address in pair]

    def vault_path(self, vault, group="g"):
        return f"/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{vault}"

    def vault_id(self, vault, group="g"):
        return self.subscription + self.vault_path(vault, group)

    def make_key(self, vault, key="k", size=2048):
        """An RSA key; its versioned id."""
        return self.keys("POST", vault, f"keys/{key}/create", {"kty": "RSA", "key_size": size}).json["key"]["kid"]

    def rotate_key(self, vault, key="k"):
        return self.keys("POST", vault, f"keys/{key}/rotate").json["key"]["kid"]

    def enable_key(self, vault, kid, enabled):
        path = urllib.parse.urlsplit(kid).path.lstrip("/")
        self.keys("PATCH", vault, path, {"attributes": {"enabled": enabled}})

    def assign(self, role, principal, scope):
        """Assigns a role by its name; the assignment's id."""
        filter_ = urllib.parse.quote(f"roleName eq '{role}'")
        found = self.arm("GET", f"{scope}/providers/Microsoft.Authorization/roleDefinitions?$filter={filter_}", "2022-04-01")
        definitions = found.json["value"]
        expect(len(definitions) == 1, f"{len(definitions)} role definitions are named {role!r}")
        assignment = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
        body = {"properties": {
            "roleDefinitionId": definitions[0]["id"], "principalId": principal, "principalType": "ServicePrincipal"}}
        return self.arm("PUT", assignment, "2022-04-01", body).json["id"]

    def make_set(self, vault, kid, name="des", group="g", type_=CUSTOMER_KEY, auto_rotation=False, role=True):
        """A disk encryption set whose identity may use the vault's keys; the set as JSON."""
        path = f"/resourceGroups/{group}/providers/Microsoft.Compute/diskEncryptionSets/{name}"
        body = {
            "location": "uksouth", "identity": {"type": "SystemAssigned"},
            "properties": {
                "encryptionType": type_, "rotationToLatestKeyVersionEnabled": auto_rotation,
                "activeKey": {"keyUrl": kid, "sourceVault": {"id": self.vault_id(vault, group)}}},
        }
        made = self.wait_succeeded(path, "2023-04-02", body)
        if role:
            self.assign(SERVICE_ENCRYPTION_USER, made["identity"]["principalId"], self.vault_id(vault, group))
        return made

    def get_set(self, name="des", group="g"):
        path = f"/resourceGroups/{group}/providers/Microsoft.Compute/diskEncryptionSets/{name}"
        return self.arm("GET", path, "2023-04-02").json

    def make_disk(self, name="d", set_id=None, type_=None, gigabytes=1, group="g"):
        path = f"/resourceGroups/{group}/providers/Microsoft.Compute/disks/{name}"
        properties = {"creationData": {"createOption": "Empty"}, "diskSizeGB": gigabytes}
        if set_id:
            properties["encryption"] = {"type": type_ or CUSTOMER_KEY, "diskEncryptionSetId": set_id}
        return self.wait_succeeded(path, "2024-03-02", {"location": "uksouth", "properties": properties})

    def wait_succeeded(self, path, api, body):
        self.arm("PUT", path, api, body)

        def finished():
            value = self.arm("GET", path, api).json
            state = value["properties"]["provisioningState"]
            expect(state != "Failed", f"{path}: {value}")
            return value if state == "Succeeded" else None

        return eventually(finished, 30, f"{path} is provisioned")

    def make_encrypted_disk(self, name="d", auto_rotation=False, type_=CUSTOMER_KEY):
        """Group, vault, key, set and disk in one; keeps vault, key id and set id."""
        if "vault" not in self.kept:
            self.make_group()
            vault = self.make_vault()
            kid = self.make_key(vault)
            made = self.make_set(vault, kid, auto_rotation=auto_rotation, type_=type_)
            self.kept.update(vault=vault, kid=kid, set_id=made["id"])
        return self.make_disk(name, self.kept["set_id"], type_)
