"""The current Azure SDKs for Python, challenge verification on, each response held against Microsoft's OpenAPI files.

azure-keyvault-administration speaks to managed HSMs alone, so there is nothing here that it applies to.
"""
from openapi import specification
from stage import *

STEPS = pathlib.Path(__file__).parent / "sdk"


def set_up(stage):
    stage.start_server()
    stage.make_group()
    stage.kept["vault"] = stage.make_vault(purge_protection=False)
    for role in ("Key Vault Secrets Officer", "Key Vault Certificates Officer"):
        stage.assign(role, stage.principal, stage.vault_id(stage.kept["vault"]))
    stage.kept["python"] = find_sdk()
    record = PACKAGE / ".build/exchanges-sdk_vault.jsonl"
    record.unlink(missing_ok=True)
    stage.environment["COFFER_RECORD"] = str(record)
    if specification() is None:
        stage.say("notice: ../shared/specs is not there, so that responses are not held against the OpenAPI files")


def step(stage, program, name, *more):
    stage.run([stage.kept["python"], STEPS / f"{program}_steps.py", stage.vault_url(stage.kept["vault"]), name, *more])


def test_responses_can_be_held_against_the_specification(stage):
    if specification() is None:
        raise Skip("../shared/specs is not there")
    rules = specification()
    operation = rules.find("GET", "/keys/k/")
    expect_equal(operation.id, "GetKey", "operation")
    program = (
        "from openapi import specification as s; o = s().find('GET', '/keys/k/');"
        "b = b'{\"key\": {\"kid\": 7}, \"surprise\": 1}'; print(len(s().mismatches(o, 200, b)), len(s().mismatches(o, 299, b)))")
    found = stage.run([stage.kept["python"], "-c", program], environment={"PYTHONPATH": str(STEPS.parent)}).output.split()
    expect_equal(found, ["2", "1"], "mismatches of a wrong body and of a wrong status")


def test_keys_on_every_curve_sign_what_others_verify(stage):
    step(stage, "key", "curves")


def test_imported_keys_do_what_they_did_outside(stage):
    step(stage, "key", "imports")


def test_the_vault_does_what_a_client_without_the_key_asks(stage):
    step(stage, "key", "remote")


def test_rotation_policies_are_kept(stage):
    step(stage, "key", "policies")


def test_keys_are_deleted_recovered_purged_and_restored(stage):
    step(stage, "key", "recovery")


def test_keys_refuse_what_they_are_not_for(stage):
    step(stage, "key", "gates")


def test_random_bytes_are_given(stage):
    step(stage, "key", "random")


def test_secrets_have_values_and_versions(stage):
    step(stage, "secret", "values")


def test_secrets_are_listed_in_pages(stage):
    step(stage, "secret", "pages")


def test_secrets_are_deleted_recovered_purged_and_restored(stage):
    step(stage, "secret", "recovery")


def test_vaults_are_managed(stage):
    step(stage, "management", "vaults", f"kv-{os.urandom(4).hex()}")


def test_keys_and_secrets_are_resources_of_their_vault(stage):
    step(stage, "management", "children", stage.kept["vault"])


def test_vaults_are_found_among_all_resources(stage):
    step(stage, "management", "lists", stage.kept["vault"])


def test_certificates_are_made_by_policy(stage):
    step(stage, "certificate", "make")


def test_an_imported_certificate_comes_back_whole(stage):
    step(stage, "certificate", "imports")


def test_certificates_are_deleted_recovered_purged_and_restored(stage):
    step(stage, "certificate", "recovery")


def test_issuers_and_contacts_are_kept(stage):
    step(stage, "certificate", "people")


def test_a_pending_certificate_is_cancelled_and_a_policy_changed(stage):
    step(stage, "certificate", "pending")


def test_certificates_come_in_the_form_and_order_that_is_asked(stage):
    step(stage, "certificate", "forms")
