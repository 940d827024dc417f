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
    refused("ResourceNotFound", client.vaults.get_deleted, name, LOCATION)


def children():
    """Keys and secrets as resources of their vault, as templates make them."""
    client, vault = management(), sys.argv[3]
    made = client.keys.create_if_not_exist(GROUP, vault, "child", models.KeyCreateParameters(properties=models.KeyProperties(kty="RSA", key_size=2048)))
    assert made.properties.key_uri_with_version, made
    assert client.keys.get(GROUP, vault, "child").name == "child"
    assert "child" in [each.name for each in client.keys.list(GROUP, vault)]
    version = made.properties.key_uri_with_version.rsplit("/", 1)[1]
    assert client.keys.get_version(GROUP, vault, "child", version).properties.key_uri_with_version == made.properties.key_uri_with_version
    assert len(list(client.keys.list_versions(GROUP, vault, "child"))) == 1
    properties = models.SecretProperties(value="from a template", content_type="text/plain")
    client.secrets.create_or_update(GROUP, vault, "child-secret", models.SecretCreateOrUpdateParameters(properties=properties))
    found = client.secrets.get(GROUP, vault, "child-secret")
    assert found.properties.value is None and found.properties.content_type == "text/plain"
    patch = models.SecretPatchParameters(properties=models.SecretPatchProperties(content_type="text/html"))
    assert client.secrets.update(GROUP, vault, "child-secret", patch).properties.content_type == "text/html"
    assert "child-secret" in [each.name for each in client.secrets.list(GROUP, vault)]


def lists():
    assert sys.argv[3] in [each.name for each in management().vaults.list()]


run({"vaults": vaults, "children": children, "lists": lists})
