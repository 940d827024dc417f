"""The real az, from an empty installation to an encrypted disk, and what it says when something is refused."""
import base64
import hashlib
import json
import os

from stage import *

GROUP = "first-light"


def set_up(stage):
    stage.start_server()
    stage.login()
    stage.kept["vault"] = f"kv-{os.urandom(4).hex()}"


def vault(stage):
    return stage.kept["vault"]


def test_login_is_idempotent_and_names_the_subscription(stage):
    stage.login()
    account = stage.az_json("account show")
    expect_equal(account["id"], stage.environment["AZURE_SUBSCRIPTION_ID"], "subscription")
    expect_equal(account["tenantId"], stage.tenant, "tenant")
    expect_equal(account["user"]["type"], "servicePrincipal", "kind of user")


def test_groups_are_made_shown_tagged_and_listed(stage):
    group = stage.az_json(f"group create -n {GROUP} -l uksouth --tags env=test")
    expect_equal(group["properties"]["provisioningState"], "Succeeded", "state")
    expect_equal(stage.az_json(f"group show -n {GROUP}")["tags"], {"env": "test"}, "tags")
    stage.az_json(f"group update -n {GROUP} --set tags.owner=me")
    expect_equal(stage.az_json(f"group show -n {GROUP}")["tags"], {"env": "test", "owner": "me"}, "tags")
    expect_in(GROUP, [each["name"] for each in stage.az_json("group list")], "group list")


def test_an_empty_group_is_deleted(stage):
    stage.az("group create -n empty -l uksouth")
    stage.az("group delete -n empty --yes")
    stage.az_refused("group show -n empty", code="ResourceGroupNotFound")


def test_a_vault_is_made_as_the_seed_says(stage):
    made = stage.az_json(
        f"keyvault create -n {vault(stage)} -g {GROUP} -l uksouth --enable-rbac-authorization true"
        " --enable-purge-protection true --retention-days 90")
    properties = made["properties"]
    expect_equal(properties["enableRbacAuthorization"], True, "RBAC")
    expect_equal(properties["enablePurgeProtection"], True, "purge protection")
    expect_equal(properties["softDeleteRetentionInDays"], 90, "retention")
    expect_equal(properties["vaultUri"].rstrip("/"), stage.vault_url(vault(stage)), "vault URI")
    stage.kept["vault_id"] = made["id"]


def test_vaults_are_shown_and_listed(stage):
    expect_equal(stage.az_json(f"keyvault show -n {vault(stage)}")["id"].lower(), stage.kept["vault_id"].lower(), "vault")
    expect_in(vault(stage), [each["name"] for each in stage.az_json(f"keyvault list -g {GROUP}")], "vaults of the group")


def test_a_vault_is_deleted_and_listed_as_deleted(stage):
    name = f"kv-{os.urandom(4).hex()}"
    stage.az(f"keyvault create -n {name} -g {GROUP} -l uksouth")
    stage.az(f"keyvault delete -n {name}")
    stage.az(f"keyvault show -n {name}", ok=False)
    expect_in(name, [each["name"] for each in stage.az_json("keyvault list-deleted --resource-type vault")], "deleted vaults")


def test_the_owner_may_not_use_keys_until_a_role_says_so(stage):
    stage.az_refused(f"keyvault key list --vault-name {vault(stage)}", code="Forbidden")
    stage.az(
        f"role assignment create --assignee-object-id {stage.principal} --assignee-principal-type ServicePrincipal"
        f" --scope {stage.kept['vault_id']} --role", CRYPTO_OFFICER)
    expect_equal(stage.az_json(f"keyvault key list --vault-name {vault(stage)}"), [], "keys of a new vault")


def test_role_assignments_are_listed(stage):
    found = stage.az_json(f"role assignment list --scope {stage.kept['vault_id']}")
    expect_in(stage.principal, [each["principalId"] for each in found], "assignments")
    expect_in(CRYPTO_OFFICER, [each["roleDefinitionName"] for each in found], "names of the roles")


def test_keys_are_made_shown_and_listed(stage):
    key = stage.az_json(f"keyvault key create --vault-name {vault(stage)} -n k --kty RSA --tags use=disks")
    stage.kept["kid"] = key["key"]["kid"]
    expect_equal(key["key"]["kty"], "RSA", "kind of key")
    expect_equal(key["attributes"]["enabled"], True, "enabled")
    expect_equal(key["tags"], {"use": "disks"}, "tags")
    expect_equal(stage.az_json(f"keyvault key show --vault-name {vault(stage)} -n k")["key"]["kid"], key["key"]["kid"], "key id")
    expect_equal(stage.az_json(f"keyvault key show --id {key['key']['kid']}")["key"]["n"], key["key"]["n"], "modulus by id")
    expect_equal(len(stage.az_json(f"keyvault key list --vault-name {vault(stage)}")), 1, "number of keys")


def test_rotating_makes_a_second_version(stage):
    rotated = stage.az_json(f"keyvault key rotate --vault-name {vault(stage)} -n k")
    expect(rotated["key"]["kid"] != stage.kept["kid"], "the rotated key has its old id")
    versions = stage.az_json(f"keyvault key list-versions --vault-name {vault(stage)} -n k")
    expect_equal({each["kid"] for each in versions}, {stage.kept["kid"], rotated["key"]["kid"]}, "versions")


def test_attributes_of_a_key_are_set(stage):
    key = stage.az_json(
        f"keyvault key set-attributes --vault-name {vault(stage)} -n k --expires 2099-01-01T00:00:00Z --enabled false")
    expect_equal(key["attributes"]["enabled"], False, "enabled")
    expect_in("2099-01-01", key["attributes"]["expires"], "expiry")
    stage.az(f"keyvault key set-attributes --vault-name {vault(stage)} -n k --enabled true")


def test_what_az_encrypts_the_vault_decrypts(stage):
    text = base64.b64encode(b"attack at dawn").decode()
    for algorithm in ("RSA-OAEP", "RSA-OAEP-256"):
        sealed = stage.az_json(f"keyvault key encrypt --vault-name {vault(stage)} -n k -a {algorithm} --value", text)
        opened = stage.az_json(f"keyvault key decrypt --vault-name {vault(stage)} -n k -a {algorithm} --value", sealed["result"])
        expect_equal(opened["result"], text, algorithm)


def test_what_the_vault_signs_az_verifies(stage):
    digest = base64.b64encode(hashlib.sha256(b"a document").digest()).decode()
    other = base64.b64encode(hashlib.sha256(b"another").digest()).decode()
    signed = stage.az_json(f"keyvault key sign --vault-name {vault(stage)} -n k -a RS256 --digest", digest)
    words = f"keyvault key verify --vault-name {vault(stage)} -n k -a RS256"
    good = stage.az_json(words, "--digest", digest, "--signature", signed["signature"])
    expect_equal(good["isValid"], True, "true signature")
    bad = stage.az_json(words, "--digest", other, "--signature", signed["signature"])
    expect_equal(bad["isValid"], False, "signature of something else")


def test_a_disk_encryption_set_is_made_and_given_its_role(stage):
    stage.kept["kid"] = stage.az_json(f"keyvault key show --vault-name {vault(stage)} -n k")["key"]["kid"]
    made = stage.az_json(
        f"disk-encryption-set create -n des -g {GROUP} -l uksouth --key-url {stage.kept['kid']} --source-vault {vault(stage)}")
    expect_equal(made["encryptionType"], CUSTOMER_KEY, "type")
    expect_equal(made["activeKey"]["keyUrl"], stage.kept["kid"], "key")
    stage.kept["set_id"] = made["id"]
    both = stage.az_json(
        f"disk-encryption-set create -n des-both -g {GROUP} -l uksouth --key-url {stage.kept['kid']}"
        f" --source-vault {vault(stage)} --encryption-type {BOTH_KEYS}")
    expect_equal(both["encryptionType"], BOTH_KEYS, "type of the double set")
    stage.kept["both_id"] = both["id"]
    for each in (made, both):
        stage.az(
            f"role assignment create --assignee-object-id {each['identity']['principalId']}"
            f" --assignee-principal-type ServicePrincipal --scope {stage.kept['vault_id']} --role", SERVICE_ENCRYPTION_USER)


def test_the_update_of_the_seed_turns_auto_rotation_on(stage):
    updated = stage.az_json(
        f"disk-encryption-set update --name des --resource-group {GROUP} --key-url {stage.kept['kid']}"
        f" --source-vault {vault(stage)} --auto-rotation true")
    expect_equal(updated["rotationToLatestKeyVersionEnabled"], True, "auto rotation")


def test_disks_of_all_three_encryption_types_are_made(stage):
    plain = stage.az_json(f"disk create -n d-platform -g {GROUP} --size-gb 1")
    expect_equal(plain["encryption"]["type"], PLATFORM_KEY, "type without a set")
    customer = stage.az_json(f"disk create -n d-customer -g {GROUP} --size-gb 1 --disk-encryption-set {stage.kept['set_id']}")
    expect_equal(customer["encryption"]["type"], CUSTOMER_KEY, "type with a set")
    both = stage.az_json(
        f"disk create -n d-both -g {GROUP} --size-gb 1 --encryption-type {BOTH_KEYS}"
        f" --disk-encryption-set {stage.kept['both_id']}")
    expect_equal(both["encryption"]["type"], BOTH_KEYS, "type of both keys")
    for name, layers in (("d-platform", 1), ("d-customer", 1), ("d-both", 2)):
        header = stage.coffer_json(f"disk inspect {name} -g {GROUP}")
        expect_equal(len(header["layers"]), layers, f"layers of {name}")
        expect_equal(header["sizeBytes"], 1 << 30, f"size of {name}")


def test_disks_and_sets_are_shown_and_listed(stage):
    shown = stage.az_json(f"disk show -n d-customer -g {GROUP}")
    expect_equal(shown["encryption"]["diskEncryptionSetId"].lower(), stage.kept["set_id"].lower(), "set of the disk")
    expect_equal(len(stage.az_json(f"disk list -g {GROUP}")), 3, "disks of the group")
    expect_equal(len(stage.az_json(f"disk-encryption-set list -g {GROUP}")), 2, "sets of the group")
    used = stage.az_json(f"disk-encryption-set list-associated-resources -n des -g {GROUP}")
    expect_in("d-customer", json.dumps(used), "resources of the set")


def test_az_rest_reads_a_disk(stage):
    url = f"{stage.url}{stage.subscription}/resourceGroups/{GROUP}/providers/Microsoft.Compute/disks/d-customer?api-version=2024-03-02"
    expect_equal(stage.az_json("rest --method get --url", url)["name"], "d-customer", "name")


def test_the_resources_of_a_group_are_listed(stage):
    names = {each["name"] for each in stage.az_json(f"resource list -g {GROUP}")}
    expect({"des", "d-customer", vault(stage)} <= names, f"resource list has only {names}")


def test_refusals_name_their_codes(stage):
    stage.az_refused("group show -n nowhere", code="ResourceGroupNotFound")
    stage.az_refused(f"disk show -n nothing -g {GROUP}", code="ResourceNotFound")
    stage.az_refused(f"keyvault key show --vault-name {vault(stage)} -n nothing", code="KeyNotFound")
    stage.az_refused(f"disk-encryption-set show -n nothing -g {GROUP}", code="ResourceNotFound")
    stage.az("keyvault create -n x -g first-light -l uksouth", ok=False)
    expect_equal(stage.az(f"disk show -n nothing -g {GROUP}", ok=False).status, 3, "exit status for what is not found")


def test_a_set_in_use_and_its_key_cannot_go(stage):
    stage.az(f"disk-encryption-set delete -n des -g {GROUP}", ok=False)
    stage.az(f"disk delete -n d-customer -g {GROUP} --yes")
    stage.az_refused(f"disk show -n d-customer -g {GROUP}", code="ResourceNotFound")


def test_a_disk_of_the_other_region_or_type_is_refused(stage):
    stage.az(f"disk create -n d-far -g {GROUP} -l ukwest --size-gb 1 --disk-encryption-set {stage.kept['set_id']}", ok=False)
    stage.az(
        f"disk create -n d-type -g {GROUP} --size-gb 1 --encryption-type {BOTH_KEYS}"
        f" --disk-encryption-set {stage.kept['set_id']}", ok=False)
