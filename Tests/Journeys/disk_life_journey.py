"""The life of disks with az: growing, snapshots, copies, images, and changes of keys."""
import hashlib
import subprocess

from stage import *


def set_up(stage):
    stage.start_server("--rules", "current")
    stage.login()
    stage.make_encrypted_disk("d")
    stage.kept["second"] = stage.make_set(stage.kept["vault"], stage.make_key(stage.kept["vault"], "k2"), "des2")["id"]


def write(uri, text, offset=0):
    """Fills 64 KiB of a disk with a pattern by qemu-io."""
    subprocess.run(["qemu-io", "-f", "raw", "-c", f"write -P {ord(text)} {offset} 64k", uri], check=True, capture_output=True, timeout=60)


def holds(uri, text, offset=0):
    """Whether 64 KiB of a disk are the pattern."""
    done = subprocess.run(
        ["qemu-io", "-r", "-f", "raw", "-c", f"read -P {ord(text)} {offset} 64k", uri], capture_output=True, text=True, timeout=60)
    return done.returncode == 0 and "Pattern verification failed" not in done.stdout + done.stderr


def uri_of(stage, name):
    return stage.coffer_json(f"disk attach {name} -g g")["nbdUri"]


def disk(stage, name, *more):
    return stage.az_json(f"disk show -g g -n {name}", *more)


def test_a_disk_grows_with_az_while_it_is_attached(stage):
    uri = uri_of(stage, "d")
    write(uri, "a")
    grown = stage.az_json("disk update -g g -n d --size-gb 3 --set tags.a=b --sku Premium_LRS")
    expect_equal(grown["diskSizeGB"], 3, "size")
    expect_equal(grown["diskSizeBytes"], 3 << 30, "size in bytes")
    expect_equal(grown["tags"], {"a": "b"}, "tags")
    expect_equal(grown["tier"], "P1", "tier")
    seen = json.loads(subprocess.run(["nbdinfo", "--json", uri], check=True, capture_output=True, timeout=60).stdout)
    expect_equal(seen["exports"][0]["export-size"], 3 << 30, "the size that a new client sees")
    write(uri, "z", (3 << 30) - 65536)
    expect(holds(uri, "a"), "what was written before growing is gone")
    expect(holds(uri, "z", (3 << 30) - 65536), "the new end cannot be written")
    stage.az_refused("disk update -g g -n d --size-gb 2", code="OperationNotAllowed")


def test_a_snapshot_of_an_attached_disk_is_a_point_in_time(stage):
    uri = uri_of(stage, "d")
    full = stage.az_json("snapshot create -g g -n full --source d --location uksouth")
    expect_equal(full["provisioningState"], "Succeeded", "state")
    expect_equal(full["encryption"]["diskEncryptionSetId"], stage.kept["set_id"], "the set is inherited")
    first = stage.az_json("snapshot create -g g -n inc1 --source d --incremental true --location uksouth")
    expect_equal(first["incremental"], True, "incremental")
    write(uri, "b")
    second = stage.az_json("snapshot create -g g -n inc2 --source d --incremental true --location uksouth")
    expect_equal(second["incrementalSnapshotFamilyId"], first["incrementalSnapshotFamilyId"], "the chain")
    expect_equal({found["name"] for found in stage.az_json("snapshot list -g g")}, {"full", "inc1", "inc2"}, "snapshots")
    stage.az("snapshot update -g g -n full --set tags.kept=yes")
    expect_equal(stage.az_json("snapshot show -g g -n full")["tags"], {"kept": "yes"}, "tags")


def test_disks_are_restored_from_snapshots_and_copied_from_disks(stage):
    stage.az("disk create -g g -n old --source inc1 --location uksouth")
    stage.az("disk create -g g -n new --source inc2 --size-gb 5 --location uksouth")
    stage.az("disk create -g g -n same --source d --location uksouth")
    old, new, same = uri_of(stage, "old"), uri_of(stage, "new"), uri_of(stage, "same")
    expect(holds(old, "a") and not holds(old, "b"), "the disk of the first snapshot does not hold what it held")
    expect(holds(new, "b") and holds(same, "b"), "later copies do not hold what was written later")
    expect_equal(disk(stage, "new")["diskSizeGB"], 5, "size")
    expect_equal(disk(stage, "old")["creationData"]["createOption"], "Copy", "createOption")
    write(old, "c")
    expect(holds(uri_of(stage, "d"), "b"), "writing to a copy changed its source")
    stage.coffer("disk detach old -g g")
    stage.coffer("disk detach new -g g")
    stage.coffer("disk detach same -g g")


def test_changes_between_snapshots_are_listed(stage):
    expect_in("AuthorizationFailed", stage.coffer("disk changes inc2 --since inc1 -g g", ok=False).errors, "without the role")
    stage.assign(RECOVERY_OPERATOR, stage.principal, stage.subscription + "/resourceGroups/g")
    changes = stage.coffer_json("disk changes inc2 --since inc1 -g g")["changes"]
    expect_equal(changes, [{"offset": 0, "length": 65536}], "changes")


def test_images_are_made_and_disks_of_them(stage):
    made = stage.az_json("image create -g g -n img --source full --os-type Linux --location uksouth")
    expect_equal(made["provisioningState"], "Succeeded", "state")
    profile = made["storageProfile"]["osDisk"]
    expect_equal(profile["diskEncryptionSet"]["id"].lower(), stage.kept["set_id"].lower(), "the set is inherited")
    expect_equal([found["name"] for found in stage.az_json("image list -g g")], ["img"], "images")
    # `az disk create --image-reference` is for the platform's own images.
    body = {"location": "uksouth", "properties": {"creationData": {"createOption": "FromImage", "imageReference": {"id": made["id"]}}}}
    path = stage.subscription + "/resourceGroups/g/providers/Microsoft.Compute/disks/fromimage?api-version=2024-03-02"
    stage.az("rest --method put --url", path, "--body", json.dumps(body))
    expect_equal(disk(stage, "fromimage")["creationData"]["imageReference"]["id"], made["id"], "image")
    expect(holds(uri_of(stage, "fromimage"), "a"), "the disk of the image does not hold what the disk held")
    stage.coffer("disk detach fromimage -g g")


def test_the_set_names_all_that_it_encrypts(stage):
    used = {uri.rsplit("/", 1)[1] for uri in stage.az_json("disk-encryption-set list-associated-resources -g g -n des")}
    expect_equal(used, {"d", "full", "inc1", "inc2", "old", "new", "same", "img", "fromimage"}, "associated resources")
    stage.az_refused("disk-encryption-set delete -g g -n des", code="OperationNotAllowed")


def test_a_rotation_reaches_snapshots_and_images(stage):
    new = stage.rotate_key(stage.kept["vault"])
    stage.az("disk-encryption-set update -g g -n des --key-url", new, "--source-vault", stage.vault_id(stage.kept["vault"]))
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], False)
    stage.az("disk create -g g -n afterrotation --source inc1 --location uksouth")
    expect(holds(uri_of(stage, "afterrotation"), "a"), "a snapshot does not open after its key was rotated")
    stage.coffer("disk detach afterrotation -g g")


def test_keys_are_changed_by_the_rules(stage):
    stage.coffer("disk detach d -g g")
    other = ["--encryption-type", CUSTOMER_KEY, "--disk-encryption-set", stage.kept["second"]]
    stage.az_refused("disk update -g g -n d", *other, code="incremental-one-set")
    stage.az_refused("disk update -g g -n d --encryption-type", PLATFORM_KEY, code="incremental-keeps-customer-key")
    before = hashlib.file_digest(open(stage.inspect("same")["dataPath"], "rb"), "sha256").hexdigest()
    moved = stage.az_json("disk update -g g -n same", *other)
    expect_equal(moved["encryption"]["diskEncryptionSetId"].lower(), stage.kept["second"].lower(), "set")
    expect("/keys/k2/" in stage.inspect("same")["layers"][0]["keyId"], "the data key is not wrapped by the new set's key")
    plain = stage.az_json("disk update -g g -n same --encryption-type", PLATFORM_KEY)
    expect_equal(plain["encryption"]["type"], PLATFORM_KEY, "type")
    expect_equal(stage.inspect("same")["layers"][0]["keyId"].split(":")[0], "platform", "key")
    expect_equal(hashlib.file_digest(open(stage.inspect("same")["dataPath"], "rb"), "sha256").hexdigest(), before, "data")
    expect(holds(uri_of(stage, "same"), "b"), "the disk does not open with its new key")
    stage.az_refused("disk update -g g -n same", *other, code="encryption-change-attached")
    stage.coffer("disk detach same -g g")


def test_a_revoked_key_closes_its_snapshots_too(stage):
    kid = stage.get_set()["properties"]["activeKey"]["keyUrl"]
    stage.enable_key(stage.kept["vault"], kid, False)
    stage.az_refused("disk create -g g -n never --source full --location uksouth", code="KeyVaultKeyDisabled")
    stage.enable_key(stage.kept["vault"], kid, True)


def test_deleting_leaves_nothing(stage):
    for name in ("d", "old", "new", "same", "fromimage", "afterrotation"):
        stage.az(f"disk delete -g g -n {name} -y")
    for name in ("full", "inc1", "inc2"):
        stage.az(f"snapshot delete -g g -n {name}")
    stage.az("image delete -g g -n img")
    stage.az("disk-encryption-set delete -g g -n des")
    expect_equal(list((stage.data / "disks").iterdir()), [], "what is left on the shelf")
