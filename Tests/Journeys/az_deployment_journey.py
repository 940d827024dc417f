"""The real az deploys templates: a vault, its key, an encryption set and disks in one, and what goes wrong."""
import pathlib

from stage import *

GROUP = "g"
TEMPLATES = pathlib.Path(__file__).resolve().parent / "templates"
PASSWORD = "Correct-Horse-7f3a9c"


def set_up(stage):
    stage.start_server()
    stage.login()
    stage.make_group(GROUP)
    stage.kept["vault"] = f"kv-{uuid.uuid4().hex[:8]}"


def deploy(stage, template, name, *parameters, command="create", more=(), ok=True):
    words = ["--template-file", template, "--name", name]
    if parameters:
        words += ["--parameters", *parameters]
    result = stage.az(f"deployment group {command} -g {GROUP}", *[str(word) for word in words], *more, "-o", "json", ok=ok)
    return result.json if ok else result


def write(stage, name, template):
    """A template file of the journey's own."""
    path = stage.root / name
    if isinstance(template, dict):
        template = {
            "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0",
            "resources": [], **template}
        template = json.dumps(template)
    path.write_text(template)
    return path


def test_a_vault_key_set_role_and_disks_are_made_in_one_deployment(stage):
    made = deploy(
        stage, TEMPLATES / "encrypted-disk.json", "first", f"vaultName={stage.kept['vault']}", "diskCount=2", "withSecret=true", f"password={PASSWORD}")
    properties = made["properties"]
    expect_equal(properties["provisioningState"], "Succeeded", "state")
    expect_equal(properties["outputs"]["vaultUri"]["value"].rstrip("/"), stage.vault_url(stage.kept["vault"]), "output")
    expect_equal(properties["outputs"]["diskStates"]["value"], ["Unattached", "Unattached"], "a loop over outputs")
    expect("value" not in properties["outputs"]["password"], "a secret output is shown")
    disk = stage.az_json(f"disk show -n disk-02 -g {GROUP}")
    expect_equal(disk["encryption"]["diskEncryptionSetId"].lower(), properties["outputs"]["setId"]["value"].lower(), "encryption set")
    shown = stage.az_json(f"keyvault show -n {stage.kept['vault']}")
    expect_equal(shown["tags"], {"made-by": "first"}, "the deployment's name as a tag")


def test_the_same_template_again_changes_nothing(stage):
    made = deploy(stage, TEMPLATES / "encrypted-disk.json", "again", f"vaultName={stage.kept['vault']}", "diskCount=2")
    expect_equal(made["properties"]["provisioningState"], "Succeeded", "state")


def test_operations_are_listed_and_deployments_shown_exported_and_deleted(stage):
    operations = stage.az_json(f"deployment operation group list -g {GROUP} -n first")
    types = sorted(each["properties"]["targetResource"]["resourceType"] for each in operations if each["properties"].get("targetResource"))
    expect_equal(types, [
        "Microsoft.Authorization/roleAssignments", "Microsoft.Compute/diskEncryptionSets", "Microsoft.Compute/disks", "Microsoft.Compute/disks",
        "Microsoft.KeyVault/vaults", "Microsoft.KeyVault/vaults/keys", "Microsoft.KeyVault/vaults/secrets"], "operations")
    expect({each["properties"]["provisioningState"] for each in operations} == {"Succeeded"}, "an operation did not succeed")
    one = stage.az_json(f"deployment operation group show -g {GROUP} -n first --operation-ids {operations[0]['operationId']}")
    expect_equal(one[0]["id"], operations[0]["id"], "one operation")
    expect_equal({each["name"] for each in stage.az_json(f"deployment group list -g {GROUP}")}, {"first", "again"}, "deployments")
    exported = stage.az_json(f"deployment group export -g {GROUP} -n first")
    expect_equal(exported["variables"]["set"], "des", "the template that is exported")
    shown = stage.az_json(f"deployment group show -g {GROUP} -n first")["properties"]
    expect("value" not in shown["parameters"]["password"], "a secret parameter is shown")
    expect_equal(len(shown["outputResources"]), 7, "resources of the deployment")
    stage.az(f"deployment group delete -g {GROUP} -n again")
    stage.az_refused(f"deployment group show -g {GROUP} -n again", code="DeploymentNotFound")


def test_the_secret_parameter_is_nowhere_in_clear(stage):
    found = [path for path in stage.root.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]
    expect(not found, f"the secret parameter is in {found}")


def test_a_compiled_module_with_types_functions_and_symbolic_names_deploys(stage):
    made = deploy(stage, TEMPLATES / "module.json", "compiled", f"vaultName={stage.kept['vault']}")["properties"]
    outputs = {name: each.get("value") for name, each in made["outputs"].items()}
    names = outputs["joined"].split(",")
    expect_equal([name.split("-")[0] for name in names], ["one", "two"], "names of the loop's disks")
    expect_equal(outputs["note"], None, "a parameter that may be null")
    disk = stage.az_json(f"disk show -g {GROUP} -n {names[1]}")
    expect_equal((disk["diskSizeGB"], disk["sku"]["name"], disk["tags"]), (2, "StandardSSD_LRS", {"purpose": "data"}), "the second disk")
    identity = stage.az_json(f"identity show -g {GROUP} -n id-2")
    expect_equal(identity["principalId"], outputs["principal"], "an output of the module")


def test_a_vault_with_policies_and_a_list_of_secrets_is_made(stage):
    vault = f"kv-{uuid.uuid4().hex[:8]}"
    secrets = {"list": [{"name": "one", "value": "Value-Of-One-81"}, {"name": "two", "value": "Value-Of-Two-82"}]}
    made = deploy(
        stage, TEMPLATES / "vault-with-secrets.json", "secrets", f"vaultName={vault}", f"objectId={stage.principal}", f"secrets={json.dumps(secrets)}")
    expect_equal(len(made["properties"]["outputs"]["uris"]["value"]), 2, "outputs")
    expect_equal(stage.az_json(f"keyvault secret show --vault-name {vault} -n two")["value"], "Value-Of-Two-82", "the second secret")
    expect_equal(len(stage.az_json(f"keyvault show -n {vault}")["properties"]["accessPolicies"]), 2, "access policies")
    refused = deploy(stage, TEMPLATES / "vault-with-secrets.json", "refused", f"vaultName={vault}", "objectId=x", "skuName=gold", f"secrets={json.dumps(secrets)}", ok=False)
    expect_in("standard, premium", refused.errors, "allowed values")


def test_what_would_be_is_told_and_not_done(stage):
    template = write(stage, "change.json", {"parameters": {"word": {"type": "securestring"}}, "resources": [
        {"type": "Microsoft.Compute/disks", "apiVersion": "2024-03-02", "name": "disk-01", "location": "uksouth", "tags": {"new": "yes"},
         "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}},
        {"type": "Microsoft.KeyVault/vaults/secrets", "apiVersion": "2023-07-01", "name": f"{stage.kept['vault']}/fresh",
         "properties": {"value": "[parameters('word')]"}}]})
    told = stage.az_json(
        f"deployment group what-if -g {GROUP} --template-file {template} --no-pretty-print --parameters", f"word={PASSWORD}")
    changes = {each["resourceId"].rsplit("/", 1)[1]: each for each in told["changes"]}
    expect_equal((changes["disk-01"]["changeType"], changes["fresh"]["changeType"], changes["des"]["changeType"]), ("Modify", "Create", "Ignore"), "changes")
    paths = {each["path"]: each["propertyChangeType"] for each in changes["disk-01"]["delta"]}
    expect_equal(paths["properties.diskSizeGB"], "Modify", "the change of the size")
    expect(PASSWORD not in json.dumps(told), "a secret parameter is shown")
    pretty = stage.az(f"deployment group what-if -g {GROUP} --template-file {template} --parameters", f"word={PASSWORD}").output
    expect_in("1 to create", pretty, "what az prints")
    expect_equal(stage.az_json(f"disk show -g {GROUP} -n disk-01")["diskSizeGB"], 1, "size of the disk")


def test_templates_that_cannot_be_deployed_are_refused_before_anything_is(stage):
    for template, words in (
        ({"resources": [{"type": "Microsoft.Storage/storageAccounts", "apiVersion": "2021-04-01", "name": "s"}]}, ["Microsoft.Storage", "Coffer serves"]),
        ({"resources": [{"type": "Microsoft.Compute/disks", "apiVersion": "2024-03-02", "name": "[noSuch('x')]"}]}, ["noSuch"]),
        ({"resources": [{"type": "Microsoft.Compute/disks", "apiVersion": "2024-03-02", "name": "a", "dependsOn": ["b"]},
                        {"type": "Microsoft.Compute/disks", "apiVersion": "2024-03-02", "name": "b", "dependsOn": ["a"]}]}, ["Circular dependency"]),
    ):
        path = write(stage, "refused.json", template)
        for command in ("validate", "create", "what-if"):
            result = deploy(stage, path, "refused", command=command, ok=False)
            for word in words:
                expect_in(word, result.errors, f"az deployment group {command}")
    stage.az_refused(f"deployment group show -g {GROUP} -n refused", code="DeploymentNotFound")
    valid = deploy(stage, TEMPLATES / "encrypted-disk.json", "valid", f"vaultName={stage.kept['vault']}", command="validate")
    expect_equal(len(valid["properties"]["validatedResources"]), 5, "validated resources")


def test_a_failed_resource_is_named_and_the_others_are_there(stage):
    disk = {"type": "Microsoft.Compute/disks", "apiVersion": "2024-03-02", "location": "uksouth"}
    plain = {"creationData": {"createOption": "Empty"}, "diskSizeGB": 1}
    missing = f"{stage.subscription}/resourceGroups/{GROUP}/providers/Microsoft.Compute/diskEncryptionSets/missing"
    template = write(stage, "failing.json", {"resources": [
        {**disk, "name": "good", "properties": plain},
        {**disk, "name": "bad", "properties": {**plain, "encryption": {"type": CUSTOMER_KEY, "diskEncryptionSetId": missing}}},
        {**disk, "name": "after", "dependsOn": ["bad"], "properties": plain}]})
    result = deploy(stage, template, "failing", ok=False)
    expect_in("DeploymentFailed", result.errors, "az")
    expect_in("diskEncryptionSets/missing", result.errors, "az")
    expect_in("Microsoft.Compute/disks/after", result.errors, "az")
    expect_equal({each["name"] for each in stage.az_json(f"disk list -g {GROUP}")} & {"good", "bad", "after"}, {"good"}, "disks")
    states = {
        each["properties"]["targetResource"]["resourceName"]: each["properties"]["provisioningState"]
        for each in stage.az_json(f"deployment operation group list -g {GROUP} -n failing")}
    expect_equal(states, {"good": "Succeeded", "bad": "Failed"}, "operations")


def test_complete_mode_leaves_what_the_template_has(stage):
    stage.make_group("c")
    stage.make_disk("old", group="c")
    stage.make_disk("kept", group="c")
    template = write(stage, "complete.json", {"resources": [
        {"type": "Microsoft.Compute/disks", "apiVersion": "2024-03-02", "name": "kept", "location": "uksouth",
         "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 1}}]})
    stage.az(f"deployment group create -g c -n complete --mode Complete --template-file {template}")
    expect_equal([each["name"] for each in stage.az_json("disk list -g c")], ["kept"], "disks")


def test_a_subscription_gets_a_group_with_a_vault_in_it(stage):
    vault = f"kv-{uuid.uuid4().hex[:8]}"
    made = stage.az_json(
        f"deployment sub create -n sub -l ukwest --template-file {TEMPLATES / 'subscription.json'} --parameters group=made vaultName={vault}")
    expect_equal(made["properties"]["outputs"]["uri"]["value"], stage.vault_url(vault), "output")
    group = stage.az_json("group show -n made")
    expect_equal((group["location"], group["tags"]), ("ukwest", {"by": "sub"}), "the group")
    expect_equal(stage.az_json(f"keyvault show -n {vault}")["resourceGroup"], "made", "group of the vault")
    expect_equal([each["name"] for each in stage.az_json("deployment sub list")], ["sub"], "deployments")
    expect_equal(len(stage.az_json("deployment operation sub list -n sub")), 2, "operations")
    stage.az("deployment sub validate", "-l", "ukwest", "--template-file", TEMPLATES / "subscription.json", "--parameters", "group=other", f"vaultName={vault}x")
    stage.az("deployment sub delete -n sub")


def test_a_secret_of_a_vault_is_a_parameter_where_the_vault_allows_it(stage):
    stage.make_group("s")
    source = stage.make_vault("s", purge_protection=False)
    stage.assign("Key Vault Secrets Officer", stage.principal, stage.vault_id(source, "s"))
    stage.keys("PUT", source, "secrets/from", {"value": "Battery-Staple-5521"})
    template = write(stage, "secret.json", {"parameters": {"word": {"type": "securestring"}}, "resources": [
        {"type": "Microsoft.KeyVault/vaults/secrets", "apiVersion": "2023-07-01", "name": f"{source}/to", "properties": {"value": "[parameters('word')]"}}]})
    parameters = write(stage, "secret.parameters.json", json.dumps({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#", "contentVersion": "1.0.0.0",
        "parameters": {"word": {"reference": {"keyVault": {"id": stage.vault_id(source, "s")}, "secretName": "from"}}}}))
    line = f"deployment group create -g s -n secret --template-file {template} --parameters @{parameters}"
    stage.az_refused(line, code="--enabled-for-template-deployment true")
    stage.az(f"keyvault update -n {source} --enabled-for-template-deployment true")
    stage.az(line)
    expect_equal(stage.keys("GET", source, "secrets/to").json["value"], "Battery-Staple-5521", "the secret that was deployed")
    readings = [event for event in stage.audit_events("SecretGet") if event["properties"].get("clientInfo") == "Coffer-Deployments"]
    expect_equal([event["properties"]["httpStatusCode"] for event in readings][-1], 200, "the reading in the audit log")


def test_whoever_may_not_make_a_resource_may_not_deploy_it(stage):
    made = stage.az_json("ad sp create-for-rbac -n deployer")
    principal = stage.az_json(f"ad sp show --id {made['appId']}")["id"]
    token = stage.token(client=made["appId"], secret=made["password"])
    scope = f"{stage.subscription}/resourceGroups/{GROUP}"
    path = f"{scope}/providers/Microsoft.Resources/deployments/foreign"
    body = {"properties": {"mode": "Incremental", "template": {
        "$schema": "s", "contentVersion": "1.0.0.0", "resources": [
            {"type": "Microsoft.Compute/disks", "apiVersion": "2024-03-02", "name": "foreign", "location": "uksouth",
             "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 1}}]}}}
    stage.arm("PUT", path, "2021-04-01", body, status=403, token=token)
    # It has all permissions on vaults and on deployments, and none on disks.
    stage.assign("Key Vault Contributor", principal, scope)
    stage.arm("PUT", path, "2021-04-01", body, token=token)

    def ended():
        properties = stage.arm("GET", path, "2021-04-01", token=token).json["properties"]
        return properties if properties["provisioningState"] != "Running" else None

    properties = eventually(ended, 20, "the deployment ends")
    expect_equal(properties["error"]["details"][0]["code"], "AuthorizationFailed", "why it failed")
    expect("foreign" not in {each["name"] for each in stage.az_json(f"disk list -g {GROUP}")}, "the disk was made")


def keys_made(stage):
    return [each["name"] for each in stage.arm("GET", stage.vault_path(stage.kept["vault"]) + "/keys", "2023-07-01").json["value"] if each["name"].startswith("slow")]


def test_a_running_deployment_is_canceled(stage):
    deploy(stage, TEMPLATES / "keys.json", "slow", f"vaultName={stage.kept['vault']}", more=["--no-wait"])
    eventually(lambda: keys_made(stage), 30, "the first key is made")
    refused = deploy(stage, TEMPLATES / "keys.json", "slow", f"vaultName={stage.kept['vault']}", ok=False)
    expect_in("DeploymentActive", refused.errors, "a second one of the same name")
    stage.az(f"deployment group cancel -g {GROUP} -n slow")
    expect_equal(stage.az_json(f"deployment group show -g {GROUP} -n slow")["properties"]["provisioningState"], "Canceled", "state")
    time.sleep(3)
    count = len(keys_made(stage))
    time.sleep(2)
    expect_equal(len(keys_made(stage)), count, "keys after the cancellation")
    expect(count < 60, "all keys were made")


def test_a_killed_server_ends_the_deployment_and_it_can_be_deployed_again(stage):
    deploy(stage, TEMPLATES / "keys.json", "killed", f"vaultName={stage.kept['vault']}", "count=40", more=["--no-wait"])
    time.sleep(1)
    stage.server.kill()
    stage.start_server()
    path = f"/resourceGroups/{GROUP}/providers/Microsoft.Resources/deployments/killed"

    def ended():
        properties = stage.arm("GET", path, "2021-04-01").json["properties"]
        return properties if properties["provisioningState"] != "Running" else None

    properties = eventually(ended, 40, "the deployment is taken for dead")
    expect_equal((properties["provisioningState"], properties["error"]["code"]), ("Failed", "DeploymentInterrupted"), "how it ended")
    made = deploy(stage, TEMPLATES / "keys.json", "killed", f"vaultName={stage.kept['vault']}", "count=3")
    expect_equal(made["properties"]["provisioningState"], "Succeeded", "the same once more")


def test_the_sdk_deploys_asks_and_exports(stage):
    program = pathlib.Path(__file__).resolve().parent / "sdk" / "deployment_steps.py"
    python = pathlib.Path(stage.az_path).parent / "python"
    stage.run([python, program, stage.url, stage.subscription.rsplit("/", 1)[1], GROUP], environment={"COFFER_TOKEN": stage.token()})
