"""Who holds the key decides whether a machine has a disk."""
from stage import *


def set_up(stage):
    stage.start_server()
    stage.make_encrypted_disk()
    stage.kept["disk"] = attached(stage.attach())
    stage.kept["canary"] = new_canary()
    stage.kept["written"] = stage.write_canary([stage.kept["disk"]], stage.kept["canary"])


def test_disabling_the_key_stops_a_running_guest_and_enabling_brings_it_back(stage):
    guest = stage.guest("loop-io", [stage.kept["disk"]])
    guest.wait_for("io=ok", 3)
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], False)
    guest.wait_for("io=error", 3, timeout=60)
    state = stage.inspect()
    expect_equal(state["state"], "suspended", "state of the disk")
    expect(state.get("reason"), "the disk gives no reason")
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], True)
    guest.wait_for("io=ok", 3, timeout=60)
    expect_equal(guest.stop()["result"], "ok", "end of the guest")


def test_a_disk_under_a_disabled_key_cannot_be_attached(stage):
    stage.detach()
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], False)
    refused = stage.coffer("disk attach d -g g", ok=False)
    expect_in("disabled", refused.errors.lower(), "the refusal")
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], True)
    stage.kept["disk"] = attached(stage.attach())
    stage.read_canary([stage.kept["disk"]], stage.kept["canary"], stage.kept["written"])


def test_taking_the_role_away_revokes_as_well(stage):
    scope = stage.vault_id(stage.kept["vault"])
    identity = stage.get_set()["identity"]["principalId"]
    listed = stage.arm("GET", f"{scope}/providers/Microsoft.Authorization/roleAssignments", "2022-04-01").json["value"]
    role = next(each for each in listed if each["properties"]["principalId"] == identity)
    stage.detach()
    stage.arm("DELETE", role["id"], "2022-04-01")
    refused = stage.coffer("disk attach d -g g", ok=False)
    expect(refused.errors.strip(), "the refusal says nothing")
    stage.assign(SERVICE_ENCRYPTION_USER, identity, scope)
    stage.kept["disk"] = attached(stage.attach())
    stage.read_canary([stage.kept["disk"]], stage.kept["canary"], stage.kept["written"])


def test_every_use_of_the_key_is_audited_with_its_identity(stage):
    identity = stage.get_set()["identity"]["principalId"]
    outcomes = {
        (event["operationName"], status)
        for event in stage.audit_events() for who, status in [stage.audit_outcome(event)] if who == identity}
    expect(("KeyUnwrap", 200) in outcomes, f"no unwrap that was allowed among {outcomes}")
    expect(any(status == 403 for _, status in outcomes), f"nothing that was refused among {outcomes}")
