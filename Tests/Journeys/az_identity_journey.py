"""Who may do what, by the real az: service principals, users and groups, roles on one key, custom roles, and locks."""
import json
import os
import shutil

from stage import *

GROUP = "identity"


def set_up(stage):
    stage.start_server()
    stage.login()
    stage.make_group(GROUP)
    stage.kept["vault"] = stage.make_vault(GROUP)
    for key in ("k1", "k2"):
        stage.make_key(stage.kept["vault"], key)


def vault(stage):
    return stage.kept["vault"]


def key_scope(stage, key):
    return f"{stage.vault_id(vault(stage), GROUP)}/keys/{key}"


def az_as(stage, line, *more, ok=True):
    """Runs az as the service principal `ci`."""
    return stage.run(
        [stage.az_path, *line.split(), *more], ok=ok, environment={"AZURE_CONFIG_DIR": str(stage.kept["ci_config"])})


def refused_as(stage, line, *more, code):
    expect_in(code, az_as(stage, line, *more, ok=False).errors, f"az {line} as ci")


def sees(stage, key, ok=True):
    return az_as(stage, f"keyvault key show --vault-name {vault(stage)} -n {key}", ok=ok)


def test_a_service_principal_signs_in_with_the_secret_that_az_printed(stage):
    made = stage.az_json("ad sp create-for-rbac -n ci")
    expect_equal(made["tenant"], stage.tenant, "tenant")
    stage.kept["ci"] = made["appId"]
    stage.kept["ci_object"] = stage.az_json(f"ad sp show --id {made['appId']}")["id"]
    secret = stage.root / "ci-secret"
    secret.touch(mode=0o600)
    secret.write_text(made["password"])
    stage.kept["ci_config"] = stage.root / "azure-ci"
    shutil.copytree(stage.environment["AZURE_CONFIG_DIR"], stage.kept["ci_config"])
    az_as(stage, f"login --service-principal -u {made['appId']} --tenant {stage.tenant} -p @{secret}")
    account = az_as(stage, "account show -o json").json
    expect_equal(account["user"], {"name": made["appId"], "type": "servicePrincipal"}, "who is signed in")
    refused_as(stage, "group list", code="AuthorizationFailed")
    secret.write_text("wrong" + made["password"])
    result = az_as(stage, f"login --service-principal -u {made['appId']} --tenant {stage.tenant} -p @{secret}", ok=False)
    expect_in("AADSTS7000215", result.errors, "az login with another secret")


def test_making_it_again_replaces_its_secret(stage):
    again = stage.az_json("ad sp create-for-rbac -n ci")
    expect_equal(again["appId"], stage.kept["ci"], "application")
    credentials = stage.az_json(f"ad app credential list --id {again['appId']}")
    expect_equal([each["displayName"] for each in credentials], ["rbac"], "secrets")
    secret = stage.root / "ci-secret"
    secret.write_text(again["password"])
    az_as(stage, f"login --service-principal -u {again['appId']} --tenant {stage.tenant} -p @{secret}")
    listed = stage.az_json("ad sp list --display-name ci")
    expect_equal([each["appId"] for each in listed], [again["appId"]], "service principals of the name")


def test_users_are_made_listed_and_removed(stage):
    user = stage.az_json(
        "ad user create --user-principal-name ann@coffer.localhost --display-name", "Ann B", "--password", "Correct-horse-1")
    stage.kept["ann"] = user["id"]
    expect_equal(stage.az_json("ad user show --id ann@coffer.localhost")["id"], user["id"], "user by name")
    expect_equal([each["id"] for each in stage.az_json("ad user list --upn ann@coffer.localhost")], [user["id"]], "users")
    stage.az("ad user create --user-principal-name bob@coffer.localhost --display-name Bob --password Correct-horse-1")
    stage.az("ad user delete --id bob@coffer.localhost")
    expect_equal(stage.az("ad user show --id bob@coffer.localhost", ok=False).status, 3, "exit status for who is gone")


def test_groups_have_members(stage):
    group = stage.az_json("ad group create --display-name operators --mail-nickname operators --description", "who operate")
    inner = stage.az_json("ad group create --display-name robots --mail-nickname robots")
    stage.kept["operators"] = group["id"]
    expect_equal(stage.az_json("ad group create --display-name robots --mail-nickname robots")["id"], inner["id"], "made twice")
    stage.az(f"ad group member add -g operators --member-id {stage.kept['ann']}")
    stage.az(f"ad group member add -g operators --member-id {inner['id']}")
    stage.az(f"ad group member add -g robots --member-id {stage.kept['ci_object']}")
    members = stage.az_json("ad group member list -g operators")
    expect_equal({each["id"] for each in members}, {stage.kept["ann"], inner["id"]}, "members")
    check = stage.az_json(f"ad group member check -g operators --member-id {stage.kept['ci_object']}")
    expect_equal(check["value"], True, "member of a group in the group")
    groups = stage.az_json(f"ad user get-member-groups --id {stage.kept['ann']}")
    expect_equal(groups, [{"displayName": "operators", "id": group["id"]}], "groups of the user")
    stage.az(f"ad group member add -g operators --member-id {stage.kept['ann']}", ok=False)


def test_a_group_gets_a_role_on_one_key(stage):
    sees(stage, "k1", ok=False)
    made = stage.az_json(
        f"role assignment create --assignee-object-id {stage.kept['operators']} --assignee-principal-type Group"
        f" --scope {key_scope(stage, 'k1')} --role", CRYPTO_USER)
    expect_equal(made["principalType"], "Group", "type of the principal")
    expect_in("/keys/k1", sees(stage, "k1").json["key"]["kid"], "key id")
    expect_in("ForbiddenByRbac", sees(stage, "k2", ok=False).errors, "another key")
    listed = stage.az_json(
        f"role assignment list --assignee {stage.kept['ci']} --include-groups --scope {key_scope(stage, 'k1')}")
    expect_equal([(each["principalType"], each["principalName"]) for each in listed], [("Group", "operators")], "assignments")
    by_itself = stage.az_json(f"role assignment list --assignee {stage.kept['ci']} --scope {key_scope(stage, 'k1')}")
    expect_equal(by_itself, [], "assignments to the service principal itself")


def test_who_leaves_a_group_loses_its_roles(stage):
    stage.az(f"ad group member remove -g robots --member-id {stage.kept['ci_object']}")
    expect_in("ForbiddenByRbac", sees(stage, "k1", ok=False).errors, "key after leaving")
    stage.az(f"ad group member add -g robots --member-id {stage.kept['ci_object']}")
    sees(stage, "k1")
    stage.az("ad group delete -g robots")
    expect_in("ForbiddenByRbac", sees(stage, "k1", ok=False).errors, "key after the group in between is gone")


def test_a_user_gets_a_role_by_name(stage):
    made = stage.az_json(
        f"role assignment create --assignee ann@coffer.localhost --scope {key_scope(stage, 'k2')} --role", "Key Vault Reader")
    expect_equal((made["principalId"], made["principalType"]), (stage.kept["ann"], "User"), "principal")
    stage.az_refused(
        f"role assignment create --assignee-object-id {stage.kept['ann']} --assignee-principal-type Group"
        f" --scope {key_scope(stage, 'k1')} --role Reader", code="UnmatchedPrincipalType")
    stage.az_refused(
        "role assignment create --assignee-object-id 00000000-0000-0000-0000-00000000abcd --assignee-principal-type User"
        f" --scope {key_scope(stage, 'k1')} --role Reader", code="PrincipalNotFound")
    stage.az("ad user delete --id ann@coffer.localhost")
    left = [each["principalId"] for each in stage.az_json("role assignment list --all")]
    expect(stage.kept["ann"] not in left, "a deleted user's assignment is still there")


def test_a_custom_role_is_defined_given_changed_and_removed(stage):
    definition = {
        "Name": "Key Signer", "Description": "Signs with keys and does nothing else.", "Actions": [],
        "DataActions": ["Microsoft.KeyVault/vaults/keys/*"], "NotDataActions": ["Microsoft.KeyVault/vaults/keys/*/action"],
        "AssignableScopes": [f"{stage.subscription}/resourceGroups/{GROUP}"],
    }
    made = stage.az_json("role definition create --role-definition", json.dumps(definition))
    expect_equal((made["roleName"], made["roleType"]), ("Key Signer", "CustomRole"), "role")
    listed = stage.az_json(f"role definition list --custom-role-only true -g {GROUP}")
    expect_equal([each["roleName"] for each in listed], ["Key Signer"], "custom roles")
    scope = stage.vault_id(vault(stage), GROUP)
    assignment = stage.az_json(
        f"role assignment create --assignee-object-id {stage.kept['ci_object']} --assignee-principal-type ServicePrincipal"
        f" --scope {scope} --role", "Key Signer")
    sees(stage, "k2")
    refused_as(stage, f"keyvault key rotate --vault-name {vault(stage)} -n k2", code="ForbiddenByRbac")
    stage.az_refused(
        f"role assignment create --assignee-object-id {stage.kept['ci_object']} --assignee-principal-type ServicePrincipal"
        f" --scope {stage.subscription} --role", made["id"], code="RoleAssignmentScopeNotAssignableToRoleDefinition")
    changed = {**definition, "id": made["id"], "roleName": "Key Signer", "NotDataActions": []}
    stage.az("role definition update --role-definition", json.dumps(changed))
    az_as(stage, f"keyvault key rotate --vault-name {vault(stage)} -n k2")
    stage.az_refused(f"role definition delete -g {GROUP} -n", "Key Signer", code="RoleDefinitionHasAssignments")
    stage.az(f"role assignment delete --ids {assignment['id']}")
    stage.az(f"role definition delete -g {GROUP} -n", "Key Signer")
    expect_equal(stage.az_json(f"role definition list --custom-role-only true -g {GROUP}"), [], "custom roles")


def test_a_contributor_neither_locks_nor_writes_the_directory(stage):
    made = stage.az_json(
        f"role assignment create --assignee-object-id {stage.kept['ci_object']} --assignee-principal-type ServicePrincipal"
        f" --scope {stage.subscription} --role Contributor")
    az_as(stage, "group list")
    refused_as(stage, f"lock create -n mine -t ReadOnly -g {GROUP}", code="AuthorizationFailed")
    refused_as(stage, f"ad group member add -g operators --member-id {stage.kept['ci_object']}", code="Insufficient privileges")
    refused_as(stage, f"ad sp credential reset --id {stage.environment['AZURE_CLIENT_ID']}", code="Insufficient privileges")
    stage.az(f"role assignment delete --ids {made['id']}")


def test_a_lock_on_a_vault_refuses_its_deletion(stage):
    words = f"-g {GROUP} --resource-name {vault(stage)} --resource-type Microsoft.KeyVault/vaults"
    lock = stage.az_json(f"lock create -n keep -t CanNotDelete {words} --notes", "in use")
    expect_equal((lock["level"], lock["notes"]), ("CanNotDelete", "in use"), "lock")
    stage.az_refused(f"keyvault delete -n {vault(stage)}", code="ScopeLocked")
    stage.az_refused(f"group delete -n {GROUP} --yes", code="ScopeLocked")
    stage.az(f"keyvault update -n {vault(stage)} --set tags.a=b")
    expect_equal([each["name"] for each in stage.az_json(f"lock list -g {GROUP}")], ["keep"], "locks of the group")
    expect_equal(stage.az_json(f"lock show -n keep {words}")["id"], lock["id"], "lock by name")


def test_a_read_only_lock_refuses_writes_but_not_the_data_plane(stage):
    words = f"-g {GROUP} --resource-name {vault(stage)} --resource-type Microsoft.KeyVault/vaults"
    expect_equal(stage.az_json(f"lock update -n keep -t ReadOnly {words}")["level"], "ReadOnly", "level")
    stage.az_refused(f"keyvault update -n {vault(stage)} --set tags.a=c", code="ScopeLocked")
    stage.az_refused(
        f"role assignment create --assignee-object-id {stage.kept['ci_object']} --assignee-principal-type ServicePrincipal"
        f" --scope {key_scope(stage, 'k1')} --role Reader", code="ScopeLocked")
    stage.az(f"keyvault key rotate --vault-name {vault(stage)} -n k1")
    stage.az(f"disk create -n d -g {GROUP} --size-gb 1")
    stage.az(f"lock delete -n keep {words}")
    stage.az(f"keyvault update -n {vault(stage)} --set tags.a=c")


def test_a_lock_on_a_group_or_the_subscription_reaches_all_below(stage):
    stage.az(f"lock create -n frozen -t ReadOnly -g {GROUP}")
    stage.az_refused(f"disk create -n d2 -g {GROUP} --size-gb 1", code="ScopeLocked")
    stage.az_refused(f"disk delete -n d -g {GROUP} --yes", code="ScopeLocked")
    stage.az_refused(f"tag update --resource-id {stage.vault_id(vault(stage), GROUP)} --operation Merge --tags x=y", code="ScopeLocked")
    stage.az(f"lock delete -n frozen -g {GROUP}")
    stage.az("lock create -n all -t CanNotDelete")
    stage.az_refused(f"disk delete -n d -g {GROUP} --yes", code="ScopeLocked")
    expect_equal([each["name"] for each in stage.az_json("lock list")], ["all"], "locks of the subscription")
    stage.az("lock delete -n all")
    stage.az(f"disk delete -n d -g {GROUP} --yes")
    stage.az(f"keyvault delete -n {vault(stage)}")


def test_a_removed_service_principal_is_signed_out(stage):
    stage.az(
        f"role assignment create --assignee-object-id {stage.kept['ci_object']} --assignee-principal-type ServicePrincipal"
        f" --scope {stage.subscription} --role Reader")
    az_as(stage, "group list")
    stage.az(f"ad sp delete --id {stage.kept['ci']}")
    az_as(stage, "group list", ok=False)
    left = [each["principalId"] for each in stage.az_json("role assignment list --all")]
    expect(stage.kept["ci_object"] not in left, "a removed principal's assignment is still there")
    stage.az(f"ad app delete --id {stage.kept['ci']}")
    expect_equal(stage.az_json("ad app list --display-name ci"), [], "applications")
