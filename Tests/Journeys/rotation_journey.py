"""A new version of a key reaches the disks of its set; their data does not move."""
import hashlib

from stage import *


def set_up(stage):
    stage.start_server()
    stage.make_encrypted_disk("d", auto_rotation=True)
    stage.make_disk("closed", stage.kept["set_id"])
    stage.kept["disk"] = attached(stage.attach())
    stage.kept["canary"] = new_canary()
    stage.kept["written"] = stage.write_canary([stage.kept["disk"]], stage.kept["canary"])


def checksum(stage):
    with open(stage.inspect()["dataPath"], "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_rewrapped(stage, name, kid):
    version = kid.rsplit("/", 1)[1]
    layer = stage.inspect(name)["layers"][0]
    return version in layer["keyId"] or layer.get("keyVersion") == version


def test_open_and_closed_disks_follow_a_rotation(stage):
    before, data = stage.inspect(), checksum(stage)
    stage.kept["new"] = stage.rotate_key(stage.kept["vault"])
    for name in ("d", "closed"):
        eventually(lambda: is_rewrapped(stage, name, stage.kept["new"]), 30, f"{name} is wrapped under {stage.kept['new']}", every=0.5)
    after = stage.inspect()
    expect(after["generation"] > before["generation"], "the header has no new generation")
    expect_equal(checksum(stage), data, "checksum of the data file")


def test_the_set_names_the_new_version_and_forgets_the_old(stage):
    def drained():
        properties = stage.get_set()["properties"]
        expect_equal(properties["activeKey"]["keyUrl"], stage.kept["new"], "active key")
        return not properties.get("previousKeys")

    eventually(drained, 30, "the set has no previous keys")


def test_the_guest_still_reads_its_canary(stage):
    stage.read_canary([stage.kept["disk"]], stage.kept["canary"], stage.kept["written"])


def test_the_old_version_is_no_longer_needed(stage):
    stage.detach()
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], False)
    stage.kept["disk"] = attached(stage.attach())
    stage.read_canary([stage.kept["disk"]], stage.kept["canary"], stage.kept["written"])


def test_a_rotation_under_io_is_not_noticed_by_the_guest(stage):
    guest = stage.guest("loop-io", [stage.kept["disk"]], interval="0.05")
    guest.wait_for("io=ok", 3)
    for _ in range(3):
        new = stage.rotate_key(stage.kept["vault"])
        eventually(lambda: is_rewrapped(stage, "d", new), 30, f"d is wrapped under {new}", every=0.3)
        guest.wait_for("io=ok", 3)
    said = guest.stop()
    expect_equal(said["bad"], "0", "I/O errors in the guest")
