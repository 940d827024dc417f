"""A disk from before there were managed ones is plaintext at rest, until az converts its machine."""
from machines import *
from stage import *

GROUP, NAME = "g", "legacy"
LINE = f"-g {GROUP} -n {NAME}"
# What every Debian has in a file, and no ciphertext.
PLAINTEXT = b"PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\""


def set_up(stage):
    imports = stage.root / "imports"
    imports.mkdir()
    stage.run(["cp", "--sparse=always", "--reflink=auto", str(build_image(stage)), str(imports / "old.raw")])
    stage.start_server("--import-directory", str(imports))
    stage.login()
    stage.make_group(GROUP)


def is_found(stage, pattern):
    """Whether any disk's file has it."""
    return any(subprocess.run(["grep", "-q", "-a", "-F", pattern, str(path)]).returncode == 0 for path in (stage.data / "disks").glob("*/data"))


def run_in_guest(stage, *lines):
    answer = stage.az_json(f"vm run-command invoke {LINE} --command-id RunShellScript --scripts", *lines)
    return answer["value"][0]["message"].split("[stdout]\n", 1)[1].split("\n[stderr]", 1)[0].strip()


def test_an_unmanaged_disk_is_imported_as_it_is(stage):
    uri = stage.coffer(f"unmanaged-disk import old -g {GROUP} --source file://{stage.root}/imports/old.raw --os-type Linux").output.strip()
    expect(uri.endswith("/unmanagedDisks/old.vhd"), f"the URL is {uri}")
    stage.kept["uri"] = uri
    expect(is_found(stage, PLAINTEXT), "the search finds no plaintext in a disk that is not encrypted")
    expect_in("old", stage.coffer("unmanaged-disk list").output, "the list")
    expect_equal(stage.az_json(f"disk list -g {GROUP}"), [], "managed disks")


def test_a_machine_runs_from_it(stage):
    made = stage.az_json(
        f"vm create {LINE} --use-unmanaged-disk --attach-os-disk {stage.kept['uri']} --os-type linux --size Standard_B1ls --public-ip-address",
        "")
    expect_equal(made["powerState"], "VM running", "power state")
    eventually(lambda: run_in_guest(stage, "echo before > /root/mark; sync; cat /root/mark") == "before", 240, "the guest writes", every=2)
    shown = stage.az_json(f"vm show {LINE}")["storageProfile"]["osDisk"]
    expect_equal((shown["vhd"]["uri"], shown.get("managedDisk")), (stage.kept["uri"], None), "the machine's disk")
    expect_in("conversion-deallocated", stage.az_refused(f"vm convert {LINE}", code="OperationNotAllowed").errors, "the refusal")


def test_az_converts_it_to_a_managed_disk_that_is_encrypted(stage):
    stage.az(f"vm deallocate {LINE}")
    stage.az(f"vm convert {LINE}")
    disk = stage.az_json(f"vm show {LINE}")["storageProfile"]["osDisk"]["managedDisk"]["id"]
    eventually(lambda: stage.az_json(f"disk show --ids {disk}")["provisioningState"] == "Succeeded", 120, "the disk is encrypted", every=1)
    expect_equal(stage.az_json(f"disk show --ids {disk}")["encryption"]["type"], "EncryptionAtRestWithPlatformKey", "encryption")
    expect(not is_found(stage, PLAINTEXT), "plaintext is left in the data file")
    expect_equal(stage.coffer_json("unmanaged-disk list")["value"], [], "unmanaged disks")


def test_the_machine_starts_with_its_data(stage):
    stage.az(f"vm start {LINE}")
    eventually(lambda: run_in_guest(stage, "cat /root/mark") == "before", 240, "the guest has its data", every=2)
    stage.az(f"vm delete {LINE} --yes")
