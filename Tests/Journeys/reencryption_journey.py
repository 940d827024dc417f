"""New data keys for disks: in use, throttled and paused, through crashes, and from one layer to two and back."""
from stage import *


def set_up(stage):
    stage.start_server()
    stage.login()
    stage.make_encrypted_disk("d")
    made = stage.make_set(stage.kept["vault"], stage.kept["kid"], "des-both", type_=BOTH_KEYS)
    stage.kept["both"] = made["id"]
    stage.assign(RECOVERY_OPERATOR, stage.principal, stage.subscription + "/resourceGroups/g")
    stage.kept["canary"] = new_canary()


def qemu_io(uri, *commands):
    words = ["qemu-io", "-f", "raw"] + [word for command in commands for word in ("-c", command)] + [uri]
    return subprocess.run(words, capture_output=True, text=True, timeout=120)


def write(uri, pattern, offset, size):
    done = qemu_io(uri, f"write -P {pattern} {offset} {size}", "flush")
    expect(done.returncode == 0, f"writing failed: {done.stdout}{done.stderr}")


def holds(uri, pattern, offset, size):
    done = qemu_io(uri, f"read -P {pattern} {offset} {size}")
    return done.returncode == 0 and "Pattern verification failed" not in done.stdout + done.stderr


def reencrypt(stage, *more, name="d"):
    return stage.coffer_json(f"disk reencrypt {name} -g g", *more)


def wrapped(stage, name="d"):
    return (pathlib.Path(stage.inspect(name)["headerPath"])).read_bytes()


def test_a_disk_in_use_gets_new_data_keys(stage):
    attached_uri = stage.attach("d")["nbdUri"]
    write(attached_uri, 7, 0, "48M")
    before = wrapped(stage)
    begun = reencrypt(stage, "--rate", "8")
    expect_equal(begun["state"], "running", "state")
    expect(begun["bytesPerSecond"] == 8_000_000, "limit")
    for round in range(8):
        write(attached_uri, round + 10, f"{round * 5}M", "1M")
        expect(holds(attached_uri, round + 10, f"{round * 5}M", "1M"), "what was written meanwhile is not read")
        expect(holds(attached_uri, 7, f"{round * 5 + 2}M", "2M"), "what was written before is not read")
    refused = stage.coffer("disk reencrypt d -g g", ok=False)
    expect_in("is being re-encrypted", refused.errors, "a second one at a time")
    done = reencrypt(stage, "--rate", "0", "--wait")
    expect_equal(done["state"], "none", "state")
    expect(done["lastReencryption"], "when it was done is not told")
    for round in range(8):
        expect(holds(attached_uri, round + 10, f"{round * 5}M", "1M"), "what was written meanwhile is lost")
        expect(holds(attached_uri, 7, f"{round * 5 + 2}M", "2M"), "what was written before is lost")
    expect(wrapped(stage) != before, "the header is the one of before")
    stage.detach("d")
    expect_equal(sorted(path.name for path in pathlib.Path(stage.inspect("d")["dataPath"]).parent.iterdir()), ["data", "header"], "files")


def test_new_keys_are_audited_with_the_sets_identity(stage):
    expect(stage.audit_events("DiskReencrypt"), "the wish is not in the audit log")


def test_it_is_paused_and_resumed_and_survives_both_processes(stage):
    reencrypt(stage, "--rate", "1")
    paused = reencrypt(stage, "--pause")
    expect_equal(paused["state"], "paused", "state")
    stage.server.kill()
    for process in stage.processes():
        os.kill(process, signal.SIGKILL)
    stage.start_server()
    still = reencrypt(stage, "--status")
    expect_equal(still["state"], "paused", "state after both were killed")
    expect_equal(still["doneBytes"], paused["doneBytes"], "how far it is")
    expect_in("is being re-encrypted", stage.coffer("disk export-key d -g g --output", str(stage.root / "no.key"), ok=False).errors, "no export")
    resumed = reencrypt(stage, "--resume")
    expect_in(resumed["state"], ("running", "waiting", "none"), "state")
    done = reencrypt(stage, "--rate", "0", "--wait")
    expect_equal(done["state"], "none", "state")
    uri = stage.attach("d")["nbdUri"]
    expect(holds(uri, 7, "2M", "2M") and holds(uri, 17, "35M", "1M"), "data is lost")
    stage.detach("d")


def test_one_layer_becomes_two_and_one_again(stage):
    # `az disk update` sends no set with that type.
    path = stage.subscription + "/resourceGroups/g/providers/Microsoft.Compute/disks/d?api-version=2024-03-02"
    body = {"properties": {"encryption": {"type": BOTH_KEYS, "diskEncryptionSetId": stage.kept["both"]}}}
    stage.az("rest --method patch --url", path, "--body", json.dumps(body))
    stage.az("disk wait -g g -n d --updated")
    two = stage.az_json("disk show -g g -n d")
    expect_equal(two["provisioningState"], "Succeeded", "state")
    expect_equal(two["encryption"]["type"], BOTH_KEYS, "type")
    expect_equal(len(stage.inspect("d")["layers"]), 2, "layers")
    uri = stage.attach("d")["nbdUri"]
    expect(holds(uri, 7, "2M", "2M"), "data is lost")
    stage.az_refused("disk update -g g -n d --encryption-type", CUSTOMER_KEY, "--disk-encryption-set", stage.kept["set_id"], code="encryption-change-attached")
    stage.detach("d")
    one = stage.az_json("disk update -g g -n d --encryption-type", CUSTOMER_KEY, "--disk-encryption-set", stage.kept["set_id"])
    expect_equal(one["encryption"]["type"], CUSTOMER_KEY, "type")
    expect_equal(len(stage.inspect("d")["layers"]), 1, "layers")
    uri = stage.attach("d")["nbdUri"]
    expect(holds(uri, 7, "2M", "2M"), "data is lost")
    stage.detach("d")


def test_cryptsetup_opens_it_with_the_new_key_and_not_with_the_old_one(stage):
    stage.make_disk("r", stage.kept["set_id"])
    written = stage.write_canary([attached(stage.attach("r"))], stage.kept["canary"])
    stage.detach("r")
    keys = []
    for version in ("old", "new"):
        key, holes = stage.root / f"{version}.key", stage.root / f"{version}.holes"
        stage.coffer("disk export-key r -g g", "--output", str(key), "--holes", str(holes))
        keys.append((key, holes))
        if version == "old":
            reencrypt(stage, "--wait", name="r")
    path = stage.inspect("r")["dataPath"]
    disks = [file_disk(path, read_only=True), file_disk(padded(keys[1][0]), "coffer-key", True), file_disk(padded(keys[1][1]), "coffer-holes", True)]
    read = stage.read_canary(disks, stage.kept["canary"], written, job="dm-crypt-read")
    expect_equal(read["layers"], "1", "layers that the guest opened")
    disks = [file_disk(path, read_only=True), file_disk(padded(keys[0][0]), "coffer-key", True), file_disk(padded(keys[0][1]), "coffer-holes", True)]
    said = stage.guest("dm-crypt-read", disks, canary=stage.kept["canary"]).finish()
    expect_equal(said["result"], "failed", "what came of the old key")


def test_a_rotation_reaches_both_sets_of_keys(stage):
    reencrypt(stage, "--rate", "1", name="d")
    new = stage.rotate_key(stage.kept["vault"])
    stage.az("disk-encryption-set update -g g -n des --key-url", new, "--source-vault", stage.vault_id(stage.kept["vault"]))
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], False)
    done = reencrypt(stage, "--rate", "0", "--wait", name="d")
    expect_equal(done["state"], "none", "state")
    uri = stage.attach("d")["nbdUri"]
    expect(holds(uri, 7, "2M", "2M"), "data is lost")
    stage.detach("d")
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], True)


def test_a_copy_waits_until_it_is_done(stage):
    reencrypt(stage, "--rate", "1")
    stage.az_refused("snapshot create -g g -n s --source d --location uksouth", code="being re-encrypted")
    reencrypt(stage, "--rate", "0", "--wait")
    stage.az("snapshot create -g g -n s --source d --location uksouth")
