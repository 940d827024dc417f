"""The Azure SDK's client of deployments, as az's own environment has it: URL SUBSCRIPTION GROUP, and the token in COFFER_TOKEN."""
import os
import sys
import time

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.resource.deployments import DeploymentsMgmtClient


class GivenToken:
    def get_token(self, *scopes, **options):
        return AccessToken(os.environ["COFFER_TOKEN"], int(time.time()) + 3600)


url, subscription, group = sys.argv[1:]
client = DeploymentsMgmtClient(GivenToken(), subscription, base_url=url, credential_scopes=[url + "//.default"])
TEMPLATE = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0",
    "parameters": {"name": {"type": "string"}},
    "resources": [{
        "type": "Microsoft.ManagedIdentity/userAssignedIdentities", "apiVersion": "2023-01-31", "name": "[parameters('name')]", "location": "uksouth"}],
    "outputs": {"id": {"type": "string", "value": "[resourceId('Microsoft.ManagedIdentity/userAssignedIdentities', parameters('name'))]"}},
}


def body(**more):
    return {"properties": {"mode": "Incremental", "template": TEMPLATE, "parameters": {"name": {"value": "by-sdk"}}, **more}}


valid = client.deployments.begin_validate(group, "sdk", body()).result()
assert valid.properties.provisioning_state == "Succeeded", valid
told = client.deployments.begin_what_if(group, "sdk", body()).result()
assert [change.change_type for change in told.changes if change.resource_id.endswith("/by-sdk")] == ["Create"], told
made = client.deployments.begin_create_or_update(group, "sdk", body()).result()
assert made.properties.provisioning_state == "Succeeded", made
assert made.properties.outputs["id"]["value"].endswith("/by-sdk"), made.properties.outputs
assert client.deployments.check_existence(group, "sdk")
assert client.deployments.export_template(group, "sdk").template == TEMPLATE
assert [each.name for each in client.deployments.list_by_resource_group(group, filter="provisioningState eq 'Succeeded'", top=1)] == ["sdk"]
operations = list(client.deployment_operations.list(group, "sdk"))
assert [each.properties.target_resource.resource_name for each in operations] == ["by-sdk"], operations
assert client.deployment_operations.get(group, "sdk", operations[0].operation_id).properties.status_code in ("OK", "Created")
again = client.deployments.begin_what_if(group, "sdk", body(whatIfSettings={"resultFormat": "FullResourcePayloads"})).result()
assert [change.change_type for change in again.changes if change.resource_id.endswith("/by-sdk")] == ["NoChange"], again
try:
    client.deployments.begin_create_or_update(group, "sdk-broken", {"properties": {"mode": "Incremental", "template": {**TEMPLATE, "resources": "none"}}}).result()
    raise AssertionError("a broken template was taken")
except HttpResponseError as error:
    assert error.error.code == "InvalidTemplate", error
client.deployments.begin_delete(group, "sdk").result()
try:
    client.deployments.get(group, "sdk")
    raise AssertionError("a deleted deployment is there")
except ResourceNotFoundError as error:
    assert error.error.code == "DeploymentNotFound", error
