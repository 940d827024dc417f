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
