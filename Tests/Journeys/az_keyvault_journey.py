"""The real az at a vault's keys, secrets and settings, with access policies and with roles, and what it is refused."""
import hashlib
import shutil

from stage import *

GROUP = "g"


def set_up(stage):
    stage.start_server()
    stage.login()
    stage.make_group()
    stage.kept["vault"] = stage.make_vault(purge_protection=False)
    stage.assign("Key Vault Secrets Officer", stage.principal, stage.vault_id(vault(stage)))


def vault(stage):
    return stage.kept["vault"]


def key(stage, line, *more):
    return stage.az_json(f"keyvault key {line}", *more, "--vault-name", vault(stage))


def secret(stage, line, *more):
    return stage.az_json(f"keyvault secret {line}", *more, "--vault-name", vault(stage))


def test_keys_of_other_kinds_are_made_and_imported(stage):
    made = key(stage, "create -n ec --kty EC --curve P-384 --ops sign verify")
    expect_equal((made["key"]["crv"], sorted(made["key"]["keyOps"])), ("P-384", ["sign", "verify"]), "curve and operations")
    pem = stage.root / "import.pem"
    stage.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", pem])
    key(stage, f"import -n imported --pem-file {pem}")
    digest = hashlib.sha256(b"document").digest()
    signed = key(stage, "sign -n imported -a RS256 --digest", base64.b64encode(digest).decode())
    (stage.root / "digest").write_bytes(digest)
    (stage.root / "signature").write_bytes(base64.b64decode(signed["signature"]))
    stage.run(["openssl", "pkeyutl", "-verify", "-inkey", pem, "-in", stage.root / "digest", "-sigfile", stage.root / "signature",
               "-pkeyopt", "digest:sha256"])


def test_a_rotation_policy_is_set_and_shown(stage):
    policy = {"lifetimeActions": [{"trigger": {"timeAfterCreate": "P90D"}, "action": {"type": "Rotate"}}], "attributes": {"expiryTime": "P2Y"}}
    key(stage, "rotation-policy update -n imported --value", json.dumps(policy))
    shown = key(stage, "rotation-policy show -n imported")
    expect_in("P2Y", json.dumps(shown), "the policy")
    expect_in("P90D", json.dumps(shown), "the policy")


def test_a_key_is_backed_up_deleted_recovered_purged_and_restored(stage):
    blob = stage.root / "key.backup"
    key(stage, f"backup -n ec -f {blob}")
    key(stage, "delete -n ec")
    expect_in("ec", [each["name"] for each in key(stage, "list-deleted")], "deleted keys")
    expect(key(stage, "show-deleted -n ec")["recoveryId"], "a deleted key has a recovery id")
    key(stage, "recover -n ec")
    expect_equal(key(stage, "show -n ec")["key"]["crv"], "P-384", "curve of the recovered key")
    key(stage, "delete -n ec")
    stage.az(f"keyvault key purge --vault-name {vault(stage)} -n ec")
    stage.az_refused(f"keyvault key show --vault-name {vault(stage)} -n ec", code="KeyNotFound")
    key(stage, f"restore -f {blob}")
    expect_equal(key(stage, "show -n ec")["key"]["crv"], "P-384", "curve of the restored key")


def test_secrets_are_set_shown_changed_and_listed(stage):
    made = secret(stage, "set -n s --value one --description text/plain")
    expect_equal(made["value"], "one", "value")
    secret(stage, "set -n s --value two")
    expect_equal(secret(stage, "show -n s")["value"], "two", "newest value")
    expect_equal(stage.az_json(f"keyvault secret show --id {made['id']}")["value"], "one", "value of the first version")
    expect_equal(len(secret(stage, "list-versions -n s")), 2, "versions")
    expect_in("s", [each["name"] for each in secret(stage, "list")], "secrets")
    expect("value" not in secret(stage, "list")[0] or secret(stage, "list")[0]["value"] is None, "a list shows a value")
    changed = secret(stage, "set-attributes -n s --enabled true --content-type text/html --tags a=b")
    expect_equal((changed["contentType"], changed["tags"]), ("text/html", {"a": "b"}), "what was changed")
    file = stage.root / "download"
    stage.az(f"keyvault secret download --vault-name {vault(stage)} -n s -f {file}")
    expect_equal(file.read_text(), "two", "what was downloaded")


def test_a_secret_is_backed_up_deleted_recovered_purged_and_restored(stage):
    blob = stage.root / "secret.backup"
    secret(stage, f"backup -n s -f {blob}")
    secret(stage, "delete -n s")
    expect_in("s", [each["name"] for each in secret(stage, "list-deleted")], "deleted secrets")
    secret(stage, "show-deleted -n s")
    secret(stage, "recover -n s")
    secret(stage, "delete -n s")
    stage.az(f"keyvault secret purge --vault-name {vault(stage)} -n s")
    stage.az_refused(f"keyvault secret show --vault-name {vault(stage)} -n s", code="SecretNotFound")
    secret(stage, f"restore -f {blob}")
    expect_equal(secret(stage, "show -n s")["value"], "two", "value of the restored secret")


def certificate(stage, line, *more):
    return stage.az_json(f"keyvault certificate {line}", *more, "--vault-name", vault(stage))


def test_certificates_are_made_imported_and_recovered(stage):
    stage.assign("Key Vault Certificates Officer", stage.principal, stage.vault_id(vault(stage)))
    policy = stage.az_json("keyvault certificate get-default-policy")
    made = certificate(stage, "create -n web --policy", json.dumps(policy))
    expect_equal(made["status"], "completed", "what came of the request")
    shown = certificate(stage, "show -n web")
    expect_equal(shown["policy"]["x509CertificateProperties"]["subject"], "CN=CLIGetDefaultPolicy", "subject")
    pem = stage.root / "web.pem"
    stage.az(f"keyvault certificate download --vault-name {vault(stage)} -n web -f {pem}")
    expect_in("CLIGetDefaultPolicy", stage.run(["openssl", "x509", "-noout", "-subject", "-in", pem]).output, "the downloaded certificate")
    pfx = stage.root / "web.pfx"
    stage.az(f"keyvault secret download --vault-name {vault(stage)} -n web -e base64 -f {pfx}")
    stage.run(["openssl", "pkcs12", "-in", pfx, "-passin", "pass:", "-nodes", "-out", stage.root / "both.pem"])
    certificate(stage, f"import -n taken -f {pfx}")
    certificate(stage, "set-attributes -n taken --enabled false")
    stage.az_refused(f"keyvault secret show --vault-name {vault(stage)} -n taken", code="SecretDisabled")
    expect_equal(sorted(each["name"] for each in certificate(stage, "list")), ["taken", "web"], "certificates")
    certificate(stage, "delete -n taken")
    certificate(stage, "recover -n taken")
    certificate(stage, "delete -n taken")
    stage.az(f"keyvault certificate purge --vault-name {vault(stage)} -n taken")
    stage.az_refused(f"keyvault certificate show --vault-name {vault(stage)} -n taken", code="CertificateNotFound")


def test_a_request_is_signed_elsewhere_and_merged(stage):
    policy = stage.az_json("keyvault certificate get-default-policy")
    policy["issuerParameters"] = {"name": "Unknown"}
    pending = certificate(stage, "create -n outside --policy", json.dumps(policy))
    expect_equal(pending["status"], "inProgress", "the request")
    expect("outside" not in [each["name"] for each in certificate(stage, "list")], "a certificate that is yet to come is listed")
    expect_in("outside", [each["name"] for each in certificate(stage, "list --include-pending true")], "certificates with pending ones")
    shown = certificate(stage, "show -n outside")
    expect(not shown.get("cer") and not shown["attributes"]["enabled"], "a certificate that is yet to come is shown, disabled")
    stage.az_refused(f"keyvault secret show --vault-name {vault(stage)} -n outside", code="SecretDisabled")
    request = stage.root / "outside.csr"
    request.write_text(f"-----BEGIN CERTIFICATE REQUEST-----\n{pending['csr']}\n-----END CERTIFICATE REQUEST-----\n")
    authority, signed = stage.root / "authority", stage.root / "outside.pem"
    stage.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=authority", "-keyout", f"{authority}.key",
               "-out", f"{authority}.pem", "-days", "30"])
    stage.run(["openssl", "x509", "-req", "-in", request, "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-CAcreateserial",
               "-days", "30", "-out", signed])
    certificate(stage, f"pending merge -n outside -f {signed}")
    expect(certificate(stage, "show -n outside")["cer"], "the merged certificate is there")


def test_access_policies_decide_once_roles_do_not(stage):
    name = f"kv-{os.urandom(4).hex()}"
    stage.kept["policies"] = name
    stage.az(f"keyvault create -n {name} -g {GROUP} -l uksouth --enable-rbac-authorization false --no-self-perms true")
    stage.az_refused(f"keyvault secret list --vault-name {name}", code="Forbidden")
    stage.az(f"keyvault set-policy -n {name} --object-id {stage.principal} --secret-permissions get set list")
    stage.az(f"keyvault secret set --vault-name {name} -n s --value v")
    stage.az_refused(f"keyvault secret delete --vault-name {name} -n s", code="Forbidden")
    stage.az(f"keyvault delete-policy -n {name} --object-id {stage.principal}")
    stage.az_refused(f"keyvault secret show --vault-name {name} -n s", code="Forbidden")


def test_a_role_on_one_secret_is_good_for_that_secret_alone(stage):
    name = stage.make_vault(purge_protection=False)
    officer = stage.assign("Key Vault Secrets Officer", stage.principal, stage.vault_id(name))
    for each in ("mine", "other"):
        stage.keys("PUT", name, f"secrets/{each}", {"value": each})
    stage.arm("DELETE", officer, "2022-04-01")
    stage.az_refused(f"keyvault secret show --vault-name {name} -n mine", code="Forbidden")
    stage.az(f"role assignment create --assignee-object-id {stage.principal} --assignee-principal-type ServicePrincipal"
             f" --scope {stage.vault_id(name)}/secrets/mine --role", "Key Vault Secrets User")
    expect_equal(stage.az_json(f"keyvault secret show --vault-name {name} -n mine")["value"], "mine", "value")
    stage.az_refused(f"keyvault secret show --vault-name {name} -n other", code="ForbiddenByRbac")


def test_a_contributor_manages_a_vault_and_reads_nothing_in_it(stage):
    name = stage.make_vault(purge_protection=False)
    made = stage.az_json(f"ad sp create-for-rbac -n manager --role Contributor --scopes {stage.vault_id(name)}")
    config = stage.root / "manager"
    shutil.copytree(stage.environment["AZURE_CONFIG_DIR"], config)

    def as_manager(line, ok=True):
        return stage.run([stage.az_path, *line.split()], ok=ok, environment={"AZURE_CONFIG_DIR": str(config)})

    secret = stage.root / "manager.secret"
    secret.write_text(made["password"])
    as_manager(f"login --service-principal -u {made['appId']} --tenant {stage.tenant} -p @{secret}")
    as_manager(f"keyvault update -n {name} -g {GROUP} --set tags.by=contributor -o none")
    expect_equal(stage.az_json(f"keyvault show -n {name} -g {GROUP}")["tags"], {"by": "contributor"}, "tags")
    expect_in("ForbiddenByRbac", as_manager(f"keyvault secret list --vault-name {name}", ok=False).errors, "listing secrets")


def test_network_rules_are_added_listed_and_removed(stage):
    name = stage.kept["policies"]
    stage.az(f"keyvault network-rule add -n {name} -g {GROUP} --ip-address 203.0.113.0/24")
    expect_in("203.0.113.0/24", json.dumps(stage.az_json(f"keyvault network-rule list -n {name} -g {GROUP}")), "rules")
    stage.az(f"keyvault update -n {name} -g {GROUP} --default-action Deny --bypass None")
    stage.az_refused(f"keyvault secret list --vault-name {name}", code="ForbiddenByFirewall")
    stage.az(f"keyvault update -n {name} -g {GROUP} --default-action Allow")
    stage.az(f"keyvault network-rule remove -n {name} -g {GROUP} --ip-address 203.0.113.0/24")
    expect("203.0.113.0" not in json.dumps(stage.az_json(f"keyvault network-rule list -n {name} -g {GROUP}")), "the rule is still there")


def test_a_vault_is_updated_deleted_recovered_and_purged(stage):
    name = stage.kept["policies"]
    updated = stage.az_json(f"keyvault update -n {name} -g {GROUP} --enabled-for-deployment true --set tags.a=b")
    expect_equal((updated["properties"]["enabledForDeployment"], updated["tags"]), (True, {"a": "b"}), "what was updated")
    stage.az(f"keyvault delete -n {name} -g {GROUP}")
    stage.az(f"keyvault recover -n {name} -l uksouth")
    stage.az(f"keyvault show -n {name} -g {GROUP}")
    stage.az(f"keyvault delete -n {name} -g {GROUP}")
    stage.az(f"keyvault purge -n {name} -l uksouth")
    gone = stage.az_json("keyvault list-deleted --resource-type vault")
    expect(name not in [each["name"] for each in gone], "a purged vault is listed as deleted")
