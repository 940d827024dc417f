"""azure-mgmt-keyvault: vaults, access policies, and what was deleted."""
from azure.mgmt.keyvault import models

from clients import *

GROUP, LOCATION = "g", "uksouth"


def vaults():
    client, name = management(), sys.argv[3]
    tenant = os.environ["AZURE_TENANT_ID"]
    properties = models.VaultProperties(
        tenant_id=tenant, sku=models.Sku(family="A", name="standard"), enable_rbac_authorization=False, access_policies=[])
    made = client.vaults.begin_create_or_update(
        GROUP, name, models.VaultCreateOrUpdateParameters(location=LOCATION, properties=properties)).result()
    assert made.name == name and made.properties.vault_uri.startswith(f"https://{name}.")
    assert not client.vaults.check_name_availability(models.VaultCheckNameAvailabilityParameters(name=name, type="Microsoft.KeyVault/vaults")).name_available
    entry = models.AccessPolicyEntry(
        tenant_id=tenant, object_id=os.environ["COFFER_PRINCIPAL_ID"], permissions=models.Permissions(keys_property=["get", "list"]))
    parameters = models.VaultAccessPolicyParameters(properties=models.VaultAccessPolicyProperties(access_policies=[entry]))
    client.vaults.update_access_policy(GROUP, name, "add", parameters)
    assert len(client.vaults.get(GROUP, name).properties.access_policies) == 1
    client.vaults.update_access_policy(GROUP, name, "remove", parameters)
    patched = client.vaults.update(GROUP, name, models.VaultPatchParameters(tags={"a": "b"}))
    assert patched.tags == {"a": "b"}
    assert name in [each.name for each in client.vaults.list_by_resource_group(GROUP)]
    assert name in [each.name for each in client.vaults.list_by_subscription()]
    client.vaults.delete(GROUP, name)
    assert name in [each.name for each in client.vaults.list_deleted()]
    assert client.vaults.get_deleted(name, LOCATION).name == name
    client.vaults.begin_purge_deleted(name, LOCATION).wait()
    refused("DeletedVaultNotFound", client.vaults.get_deleted, name, LOCATION)


run({"vaults": vaults})
