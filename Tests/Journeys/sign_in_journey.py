"""People sign in by name and password: the real az and the Azure SDK, roles and groups, and the trail that they leave.

Microsoft's library MSAL leaves out the port when it asks where a person's password belongs, so its clients reach a server on port 443 only.
The journey has a network of its own, where that port is free.
"""
import shutil

from networks import enter_own_network
from sdk_vault_journey import find_sdk
from stage import *

ANN, PASSWORD = "ann@coffer.localhost", "Correct-horse-1"
UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
SDK = """
import os, sys
from azure.identity import UsernamePasswordCredential
from azure.keyvault.secrets import SecretClient
credential = UsernamePasswordCredential(
    "04b07795-8ddb-461a-bbee-02f9e1bf7b46", sys.argv[2], open(sys.argv[3]).read(), tenant_id=os.environ["AZURE_TENANT_ID"],
    authority=os.environ["AZURE_AUTHORITY_HOST"], disable_instance_discovery=True)
print(SecretClient(sys.argv[1], credential).get_secret("s").value)
"""


def set_up(stage):
    enter_own_network()
    stage.start_server(port=443)
    stage.login()
    stage.make_group()
    stage.kept["vault"] = stage.make_vault(purge_protection=False)
    stage.assign("Key Vault Administrator", stage.principal, stage.vault_id(stage.kept["vault"]))
    stage.keys("PUT", stage.kept["vault"], "secrets/s", {"value": "what ann may read"})
    stage.kept["password"] = keep(stage, "password", PASSWORD)
    stage.kept["config"] = stage.root / "azure-ann"
    shutil.copytree(stage.environment["AZURE_CONFIG_DIR"], stage.kept["config"])
    as_ann(stage, "logout")


def keep(stage, name, text):
    path = stage.root / name
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def as_ann(stage, line, *more, ok=True):
    return stage.run([stage.az_path, *line.split(), *more], ok=ok, environment={"AZURE_CONFIG_DIR": str(stage.kept["config"])})


def read_secret(stage, ok=True):
    return as_ann(stage, f"keyvault secret show --vault-name {stage.kept['vault']} -n s -o json", ok=ok)


def post(stage, **form):
    return stage.request(
        "POST", f"{stage.url}/{stage.tenant}/oauth2/v2.0/token",
        raw=urllib.parse.urlencode({"client_id": "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "scope": f"{stage.url}//.default", **form}).encode(),
        headers={"Content-Type": "application/x-www-form-urlencoded"})


def test_az_makes_a_user_who_signs_in(stage):
    user = stage.az_json("ad user create --display-name Ann --user-principal-name", ANN, "--password", f"@{stage.kept['password']}")
    stage.kept["ann"] = user["id"]
    as_ann(stage, f"login -u {ANN} -p @{stage.kept['password']}")
    account = as_ann(stage, "account show -o json").json
    expect_equal(account["user"], {"name": ANN, "type": "user"}, "who is signed in")
    expect_equal(account["tenantId"], stage.tenant, "tenant")
    expect_equal(as_ann(stage, "ad signed-in-user show -o json").json["id"], user["id"], "signed-in user")
    stage.kept["refresh"] = post(stage, grant_type="password", username=ANN, password=PASSWORD).json["refresh_token"]


def test_who_signed_in_may_do_what_a_role_says(stage):
    expect_in("ForbiddenByRbac", read_secret(stage, ok=False).errors, "without a role")
    stage.az(f"role assignment create --assignee {ANN} --scope {stage.vault_id(stage.kept['vault'])} --role", "Key Vault Secrets User")
    expect_equal(read_secret(stage).json["value"], "what ann may read", "secret")
    refused = as_ann(stage, f"keyvault secret set --vault-name {stage.kept['vault']} -n s --value x", ok=False)
    expect_in("ForbiddenByRbac", refused.errors, "a secret set by who may read it")
    stage.az(f"role assignment delete --assignee {ANN} --scope {stage.vault_id(stage.kept['vault'])}")
    read_secret(stage, ok=False)


def test_a_group_gives_its_roles_to_who_signed_in(stage):
    group = stage.az_json("ad group create --display-name readers --mail-nickname readers")["id"]
    stage.az(
        f"role assignment create --assignee-object-id {group} --assignee-principal-type Group --scope {stage.vault_id(stage.kept['vault'])}"
        " --role", "Key Vault Secrets User")
    read_secret(stage, ok=False)
    stage.az(f"ad group member add -g readers --member-id {stage.kept['ann']}")
    read_secret(stage)


def test_the_sdk_signs_in_with_challenge_verification_on(stage):
    script = keep(stage, "sdk.py", SDK)
    done = stage.run([find_sdk(), script, stage.vault_url(stage.kept["vault"]), ANN, stage.kept["password"]])
    expect_equal(done.output.strip(), "what ann may read", "what the SDK reads")


def test_the_audit_trail_names_the_user(stage):
    claims = [event["identity"]["claim"] for event in stage.audit_events("SecretGet")]
    expect(any(claim.get(UPN) == ANN for claim in claims), f"no event names {ANN}: {claims}")
    own = [event["identity"]["claim"] for event in stage.audit_events("SecretSet")]
    expect(own and all(UPN not in claim for claim in own if claim.get("appid") == stage.environment["AZURE_CLIENT_ID"]), f"{own}")


def test_a_wrong_password_is_refused_and_too_many_lock_the_account(stage):
    wrong = keep(stage, "wrong", "Incorrect-horse-1")
    refused = stage.run(
        [stage.az_path, "login", "-u", ANN, "-p", f"@{wrong}"], ok=False, environment={"AZURE_CONFIG_DIR": str(fresh_config(stage))})
    expect_in("AADSTS50126", refused.errors, "az login with a wrong password")
    codes = [post(stage, grant_type="password", username=ANN, password=f"guess-{number}").json["error_codes"][0] for number in range(10)]
    expect_equal(codes, [50126] * 9 + [50053], "answers to guesses")
    expect_equal(post(stage, grant_type="password", username=ANN, password=PASSWORD).json["error_codes"], [50053], "the right one while locked")


def fresh_config(stage):
    """az asks for no token while it has one in its cache."""
    path = stage.root / f"azure-{uuid.uuid4().hex[:4]}"
    shutil.copytree(stage.environment["AZURE_CONFIG_DIR"], path)
    for each in path.glob("msal_token_cache*"):
        each.unlink()
    return path


def test_another_password_unlocks_and_ends_what_was_before(stage):
    keep(stage, "password", "Another-horse-2")
    stage.az(f"ad user update --id {ANN} --force-change-password-next-sign-in false --password", f"@{stage.kept['password']}")
    # The access token is good until it ends; what would prolong it is not.
    refused = post(stage, grant_type="refresh_token", refresh_token=stage.kept["refresh"])
    expect_equal(refused.json["error_codes"], [50173], f"refresh token of the old password ({refused})")
    stage.kept["config"] = fresh_config(stage)
    as_ann(stage, f"login -u {ANN} -p @{stage.kept['password']} --tenant {stage.tenant}")
    read_secret(stage)


def test_a_user_changes_the_own_password(stage):
    token = post(stage, grant_type="password", username=ANN, password="Another-horse-2").json["access_token"]
    place = f"{stage.url}/v1.0/me/changePassword"
    wrong = stage.request("POST", place, {"currentPassword": PASSWORD, "newPassword": "Third-horse-3"}, token)
    expect_equal((wrong.status, wrong.code), (400, "Request_BadRequest"), f"a wrong present password ({wrong})")
    done = stage.request("POST", place, {"currentPassword": "Another-horse-2", "newPassword": "Third-horse-3"}, token)
    expect_equal(done.status, 204, f"the right one ({done})")
    expect_equal(post(stage, grant_type="password", username=ANN, password="Another-horse-2").json["error_codes"], [50126], "the old one")
    expect_equal(post(stage, grant_type="password", username=ANN, password="Third-horse-3").status, 200, "the new one")


def test_who_is_disabled_is_signed_out(stage):
    stage.az(f"ad user update --id {ANN} --account-enabled false")
    expect(read_secret(stage, ok=False).status != 0, "a disabled user reads")
    stage.az(f"ad user update --id {ANN} --account-enabled true")
    read_secret(stage)


def test_no_password_is_in_the_data_or_the_log(stage):
    for path in [*stage.data.rglob("*"), *stage.root.glob("*.log")]:
        if path.is_file() and "azure" not in path.parts[-2]:
            data = path.read_bytes()
            for word in (PASSWORD, "Another-horse-2", "Third-horse-3"):
                expect(word.encode() not in data, f"{path} has the password")
