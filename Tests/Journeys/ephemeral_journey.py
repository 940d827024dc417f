"""Ephemeral OS disks: what their host has of them without encryption at host and with it, and how long they live.

Storage service and host are two processes here.
"""
import pathlib
import re

from stage import *
from vms import NETWORK, import_image, run_in_guest, wait_until_set_up

GROUP, NAME = "g", "vm1"
LINE = f"-g {GROUP} -n {NAME}"
CREATE = f"vm create {LINE} --image Debian12 --size Standard_B1s --admin-username ada --ephemeral-os-disk true --ssh-key-values"
# Put together in the guest, so that the script itself does not have it.
WRITE = 'for i in $(seq 2000); do echo "CANARY""-%s $i"; done > /root/canary; sync; echo 3 > /proc/sys/vm/drop_caches; wc -l < /root/canary'


def set_up(stage):
    import_image(stage)
    serve(stage)
    stage.login()
    stage.make_group(GROUP)
    vault = stage.make_vault(GROUP)
    stage.make_set(vault, stage.make_key(vault))
    stage.az("feature register --namespace Microsoft.Compute --name EncryptionAtHost")
    stage.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stage.root / "key")])


def serve(stage):
    stage.start_server("--public-network", NETWORK, "--disk-roles", "apart")


def host_disks(stage):
    """The headers' directories of the host's own disks."""
    return sorted(path for path in (stage.data / "temporary").glob("*") if path.is_dir())


def places(stage, canary):
    """Which directories of the data directory have the canary, and how much was read of what is no hole."""
    pattern, found, size = re.compile(re.escape(canary.encode()) + rb" \d"), set(), 0
    for path in stage.data.rglob("*"):
        if path.is_symlink() or not path.is_file():
            continue
        with open(path, "rb") as file:
            end = 0
            while True:
                try:
                    start = os.lseek(file.fileno(), end, os.SEEK_DATA)
                except OSError:
                    break
                end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
                for offset in range(start, end, 8 << 20):
                    piece = os.pread(file.fileno(), min((8 << 20) + 200, end - offset), offset)
                    size += len(piece)
                    if pattern.search(piece):
                        found.add(str(path.relative_to(stage.data)).split("/")[0])
    expect(size > 200 << 20, f"the search has seen only {size} bytes")
    return found


def write(stage):
    canary = new_canary()
    expect_equal(run_in_guest(stage, LINE, WRITE % canary.removeprefix("CANARY-")), "2000", "lines that the guest has written")
    return canary


def test_a_customers_key_is_refused_for_it(stage):
    refused = stage.az(CREATE, f"{stage.root}/key.pub", "--os-disk-encryption-set", "des", ok=False)
    expect_in("ephemeral-customer-key", refused.errors, "the refusal")


def test_one_that_does_not_fit_is_refused_in_azures_words(stage):
    refused = stage.az(CREATE, f"{stage.root}/key.pub", "--os-disk-size-gb", "5", ok=False)
    expect_in("OS disk of Ephemeral VM with size greater than 4 GB is not allowed for VM size Standard_B1s when the DiffDiskPlacement is ResourceDisk",
              refused.errors, "the refusal")


def test_sizes_tell_whether_they_have_it(stage):
    skus = {each["name"]: {one["name"]: one["value"] for one in each["capabilities"]} for each in stage.az_json("vm list-skus -l uksouth --all")
            if each["resourceType"] == "virtualMachines"}
    expect_equal((skus["Standard_D2s_v3"]["EphemeralOSDiskSupported"], skus["Standard_D2s_v3"]["CachedDiskBytes"]), ("True", "53687091200"), "D2s_v3")
    expect_equal(skus["Standard_D2_v3"]["EphemeralOSDiskSupported"], "False", "D2_v3")


def test_a_machine_has_it_and_there_is_no_disk(stage):
    stage.az(CREATE, f"{stage.root}/key.pub")
    disk = stage.az_json(f"vm show {LINE}")["storageProfile"]["osDisk"]
    expect_equal(disk["diffDiskSettings"]["option"], "Local", "option")
    expect_equal((disk["diffDiskSettings"]["placement"], disk["caching"]), ("ResourceDisk", "ReadOnly"), "where it is, and caching")
    expect_equal(stage.az_json(f"disk list -g {GROUP}"), [], "disks")
    expect_equal(len(host_disks(stage)), 2, "the host's own disks: OS and temporary")
    wait_until_set_up(stage, LINE)
    # The OS disk has taken its part of the temporary disk's place.
    sizes = run_in_guest(stage, LINE, "lsblk -bndo SIZE /dev/vda /dev/vdb; readlink -f /dev/disk/azure/resource").split()
    expect_equal(int(sizes[0]) + int(sizes[1]), 4 << 30, "both disks together")
    expect_equal(sizes[2], "/dev/vdb", "the temporary disk in the guest")


def test_without_encryption_at_host_it_is_plain_on_the_host(stage):
    stage.kept["canary"] = write(stage)
    expect_equal(places(stage, stage.kept["canary"]), {"temporary"}, "where the canary is")


def test_it_is_never_deallocated(stage):
    refused = stage.az(f"vm deallocate {LINE}", ok=False)
    expect_in("Operation 'deallocate' is not supported for VMs or VM Scale Set instances using an ephemeral OS disk.", refused.errors, "the refusal")
    expect_in("(OperationNotAllowed)", refused.errors, "the code")


def test_it_outlives_ends_of_all_servers_and_a_restart(stage):
    for process in stage.processes():
        if pathlib.Path(f"/proc/{process}/comm").read_text().startswith("coffer-diskd"):
            os.kill(process, signal.SIGKILL)
    stage.server.kill()
    serve(stage)
    expect_equal(run_in_guest(stage, LINE, "echo 3 > /proc/sys/vm/drop_caches; wc -l < /root/canary"), "2000", "what was written, after all were killed")
    stage.az(f"vm restart {LINE}")
    expect_equal(run_in_guest(stage, LINE, "wc -l < /root/canary"), "2000", "what was written, after a restart")


def test_reimaging_gives_a_fresh_one(stage):
    stage.az(f"vm reimage {LINE}")
    wait_until_set_up(stage, LINE)
    expect_equal(run_in_guest(stage, LINE, "ls /root/canary 2> /dev/null || echo fresh"), "fresh", "the disk")
    expect_equal(places(stage, stage.kept["canary"]), set(), "where the canary is")


def test_deletion_destroys_it(stage):
    stage.az(f"vm delete {LINE} --yes")
    expect_equal(host_disks(stage), [], "the host's own disks")


def test_with_encryption_at_host_nothing_of_it_is_plain(stage):
    stage.az(CREATE, f"{stage.root}/key.pub", "--encryption-at-host", "true")
    wait_until_set_up(stage, LINE)
    stage.kept["canary"] = write(stage)
    expect_equal(places(stage, stage.kept["canary"]), set(), "where the canary is")
    stage.kept["headers"] = {path: (path / "header").read_bytes() for path in host_disks(stage)}
    expect(all(b"platform:" in header for header in stage.kept["headers"].values()), "both disks are under a platform key")


def test_a_server_that_is_killed_while_it_is_made_anew_leaves_a_machine_that_starts(stage):
    reimaging = subprocess.Popen(
        [stage.az_path, *f"vm reimage {LINE}".split()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=stage.environment)
    eventually(lambda: any((path / "header").exists() and (path / "header").read_bytes() != stage.kept["headers"].get(path) for path in host_disks(stage)),
               120, "the OS disk is made anew", every=0.02)
    for process in stage.processes():
        if pathlib.Path(f"/proc/{process}/comm").read_text().startswith("coffer-diskd"):
            os.kill(process, signal.SIGKILL)
    stage.server.kill()
    reimaging.wait(120)
    serve(stage)
    stage.az(f"vm start {LINE}")
    wait_until_set_up(stage, LINE)
    expect_equal(run_in_guest(stage, LINE, "ls /root/canary 2> /dev/null || echo fresh"), "fresh", "the disk")
    expect_equal(len(host_disks(stage)), 2, "the host's own disks")


def test_deletion_destroys_its_key(stage):
    headers = [(path / "header").read_bytes() for path in host_disks(stage)]
    stage.az(f"vm delete {LINE} --yes")
    expect_equal(host_disks(stage), [], "the host's own disks")
    for header in headers:
        expect(not any(path.is_file() and header in path.read_bytes() for path in (stage.data / "temporary").rglob("*")), "a header is left")
