"""Machines with ephemeral OS disks as journeys look at them: through az, their guests, and what their host has in files."""
import re

from expectations import expect, expect_equal
from guests import written
from stage import new_canary
from vms import NETWORK, import_image, run_in_guest

GROUP, NAME = "g", "vm1"
LINE = f"-g {GROUP} -n {NAME}"
CREATE = f"vm create {LINE} --image Debian12 --size Standard_B1s --admin-username ada --ephemeral-os-disk true --ssh-key-values"
# Put together in the guest, so that the script itself does not have it.
WRITE = 'for i in $(seq 2000); do echo "CANARY""-%s $i"; done > /root/canary; sync; echo 3 > /proc/sys/vm/drop_caches; wc -l < /root/canary'


def prepare(stage):
    """An installation with storage service and host as two processes, an image, a vault with a set, and a key for SSH."""
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
        for piece in written(path):
            size += len(piece)
            if pattern.search(piece):
                found.add(str(path.relative_to(stage.data)).split("/")[0])
    expect(size > 200 << 20, f"the search has seen only {size} bytes")
    return found


def write(stage):
    canary = new_canary()
    expect_equal(run_in_guest(stage, LINE, WRITE % canary.removeprefix("CANARY-")), "2000", "lines that the guest has written")
    return canary
