"""What Key Vault's interface has and Coffer has not: one plain, well-formed request for each, and the refusal it must get.

With sdk_vault this writes the record from which compatibility.py makes docs/COMPATIBILITY.md.
"""
from openapi import specification
from stage import *

HSM = "Managed HSMs are not supported"
LINKS = "below a vault in Azure Resource Manager is not supported"
# By an operation's id, the part before its underscore, or the file it stands in; the first that is there counts.
# Status, code, and a part of the sentence.
REFUSALS = {
    "release": (400, "BadParameter", "Key release is not supported"),
    "storage": (404, "NotFound", "retired managed storage account keys"),
    "rbac": (404, "NotFound", "Only managed HSMs keep role assignments of their own"),
    "settings": (404, "NotFound", "Only managed HSMs have settings"),
    "securitydomain": (404, "NotFound", "Only managed HSMs have a security domain"),
    "SelectiveKeyRestoreOperation": (404, "NotFound", "Only managed HSMs restore one key of a whole backup"),
    "backuprestore": (404, "NotFound", "Only a managed HSM is backed up and restored as a whole"),
    "PrivateEndpointConnections": (405, "NotSupported", LINKS),
    "PrivateLinkResources": (405, "NotSupported", LINKS),
    "ManagedHsms_CheckMhsmNameAvailability": (404, "InvalidResourceType", "checkMhsmNameAvailability"),
    "ManagedHsms_GetDeleted": (405, "NotSupported", HSM),
    "ManagedHsms_PurgeDeleted": (405, "NotSupported", HSM),
    "ManagedHsms_Get": (404, "ResourceNotFound", "was not found"),
    "managedHsm": (405, "NotSupported", HSM),
    "keysManagedHsm": (405, "NotSupported", HSM),
}
# There is nothing of these, so that their lists are empty.
EMPTY = {"ManagedHsms_ListDeleted", "ManagedHsms_ListBySubscription", "ManagedHsms_ListByResourceGroup"}
VALUES = {"resourceGroupName": "g", "location": "uksouth", "key-name": "k", "keyName": "k", "key-version": "", "scope": "keys", "name": "pool"}


def set_up(stage):
    if specification() is None:
        raise Skip("../shared/specs is not there, which says what the operations are")
    stage.start_server()
    stage.make_group()
    stage.kept["vault"] = stage.make_vault(purge_protection=False)
    stage.assign("Key Vault Administrator", stage.principal, stage.vault_id(stage.kept["vault"]))
    stage.make_key(stage.kept["vault"], "k")
    stage.kept["record"] = PACKAGE / ".build/exchanges-refusals.jsonl"
    stage.kept["record"].unlink(missing_ok=True)


def refusal_of(operation):
    names = (operation.id, operation.id.split("_")[0], operation.group)
    return next((REFUSALS[name] for name in names if name in REFUSALS), None)


def address(stage, operation):
    path = operation.path
    values = {**VALUES, "vaultName": stage.kept["vault"], "subscriptionId": stage.subscription.split("/")[-1]}
    for name in [part.split("}")[0] for part in path.split("{")[1:]]:
        path = path.replace("{%s}" % name, values.get(name, "00000000-0000-0000-0000-000000000001"))
    return path.replace("//", "/")


def plain(schema, depth=0):
    """The least that the schema asks for."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if kind == "object":
        wanted = schema.get("required", [])
        return {name: plain(each, depth + 1) for name, each in schema.get("properties", {}).items() if name in wanted or depth == 0}
    return {"array": [], "integer": 1, "number": 1, "boolean": True}.get(kind, "eA")


def body(operation):
    rules = specification()
    for parameter in operation.definition.get("parameters", []):
        _, parameter = rules.resolve(rules.folder / operation.file, parameter)
        if parameter.get("in") == "body":
            return plain(rules.schema(rules.folder / operation.file, parameter["schema"]))
    return None


def ask(stage, operation):
    is_resource = operation.file.startswith("resource-manager")
    base, token = (stage.url, stage.token()) if is_resource else (stage.vault_url(stage.kept["vault"]), stage.vault_token())
    version = "2023-07-01" if is_resource else "7.5"
    return stage.request(operation.method, f"{base}{address(stage, operation)}?api-version={version}", body(operation), token)


def record(stage, operation, reply, **more):
    with open(stage.kept["record"], "a") as file:
        line = {"operation": operation.id, "file": operation.file, "method": operation.method, "status": reply.status, **more}
        file.write(json.dumps(line) + "\n")


def test_each_refused_operation_is_refused_with_its_sentence(stage):
    count = 0
    for operation in specification().operations:
        wanted = refusal_of(operation)
        if wanted is None or operation.id in EMPTY:
            continue
        reply = ask(stage, operation)
        what = f"{operation.method} {operation.path}: {reply}"
        expect_equal((reply.status, reply.code), wanted[:2], what)
        message = reply.json["error"]["message"]
        expect_in(wanted[2], message, what)
        record(stage, operation, reply, code=reply.code, message=message.replace(stage.kept["vault"], "VAULT").replace(stage.subscription, "…"))
        count += 1
    expect(count > 50, f"only {count} operations were asked for")


def test_lists_of_what_there_is_none_of_are_empty(stage):
    for operation in specification().operations:
        if operation.id not in EMPTY:
            continue
        reply = ask(stage, operation)
        expect_equal((reply.status, reply.json["value"]), (200, []), f"{operation.id}: {reply}")
        expect_equal(specification().find(operation.method, operation.path).file, operation.file, "file of the operation")
        record(stage, operation, reply, note="always empty")


def test_the_providers_operations_are_listed(stage):
    operation = next(each for each in specification().operations if each.id == "Operations_List")
    reply = ask(stage, operation)
    expect_equal(reply.status, 200, f"{reply}")
    names = {each["name"]: each["isDataAction"] for each in reply.json["value"]}
    expect_equal(names["Microsoft.KeyVault/vaults/keys/sign/action"], True, "whether signing is a data action")
    expect_equal(names["Microsoft.KeyVault/vaults/write"], False, "whether making a vault is a data action")
    expect_equal(stage.request("GET", f"{stage.url}{operation.path}?api-version=2023-07-01").status, 401, "status without a token")
    record(stage, operation, reply)
