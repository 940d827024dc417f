"""Disaster recovery without Coffer: the exported key, the data file and stock Linux."""
import json

from stage import *


def set_up(stage):
    stage.start_server()
    stage.make_encrypted_disk("one")
    made = stage.make_set(stage.kept["vault"], stage.kept["kid"], "des-both", type_=BOTH_KEYS)
    stage.make_disk("two", made["id"], BOTH_KEYS)
    stage.make_disk("zero")
    stage.kept["canary"] = new_canary()
    for name in ("one", "two", "zero"):
        stage.kept[name] = stage.write_canary([attached(stage.attach(name))], stage.kept["canary"])
        stage.detach(name)


def disk_id(stage, name):
    return f"{stage.subscription}/resourceGroups/g/providers/Microsoft.Compute/disks/{name}"


def export(stage, name, ok=True):
    key, holes = stage.root / f"{name}.key", stage.root / f"{name}.holes"
    result = stage.coffer(f"disk export-key {name} -g g", "--output", str(key), "--holes", str(holes), ok=ok)
    return key, holes, result


def recover(stage, name, layers):
    stage.assign(RECOVERY_OPERATOR, stage.principal, disk_id(stage, name))
    key, holes, _ = export(stage, name)
    expect_equal(key.stat().st_mode & 0o777, 0o600, "mode of the key file")
    expect_equal(key.stat().st_size, 64 * layers, "bytes of key")
    disks = [
        file_disk(stage.inspect(name)["dataPath"], read_only=True), file_disk(padded(key), "coffer-key", True),
        file_disk(padded(holes), "coffer-holes", True),
    ]
    read = stage.read_canary(disks, stage.kept["canary"], stage.kept[name], job="dm-crypt-read")
    expect_equal(read["layers"], str(layers), "layers that the guest opened")


def test_the_owner_may_not_export_a_key(stage):
    key, _, result = export(stage, "one", ok=False)
    expect(not key.exists(), "a key file was made all the same")
    expect_in(RECOVERY_OPERATOR, result.errors, "the refusal names the role that is missing")


def test_one_layer_is_opened_by_stock_cryptsetup(stage):
    recover(stage, "one", 1)


def test_two_layers_are_opened_by_stock_cryptsetup(stage):
    recover(stage, "two", 2)


def test_a_disk_under_the_platform_key_is_recovered_too(stage):
    recover(stage, "zero", 1)


def test_every_export_is_audited_the_refused_one_too(stage):
    events = stage.audit_events("DiskExportKey")
    outcomes = [(event["resourceId"].rsplit("/", 1)[1].lower(), stage.audit_outcome(event)[1]) for event in events]
    expect_equal(outcomes, [("one", 403), ("one", 200), ("two", 200), ("zero", 200)], "audited exports")
    expect_equal({stage.audit_outcome(event)[0] for event in events}, {stage.principal}, "who exported")


def test_another_disks_key_opens_nothing(stage):
    wrong = stage.root / "zero.key"
    disks = [file_disk(stage.inspect("one")["dataPath"], read_only=True), file_disk(wrong, "coffer-key", True)]
    said = stage.guest("dm-crypt-read", disks, canary=stage.kept["canary"]).finish()
    expect_equal(said["result"], "failed", "what came of another disk's key")


def test_the_key_file_is_never_overwritten(stage):
    export(stage, "one", ok=False)


def test_the_disk_still_works_in_coffer(stage):
    stage.read_canary([attached(stage.attach("one"))], stage.kept["canary"], stage.kept["one"])
