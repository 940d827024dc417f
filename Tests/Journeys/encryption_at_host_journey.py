"""What a guest leaves on its host and on the way to its disks, without encryption at host and with it.

Storage service and host are two processes here, and what flows between them is recorded.
"""
import re

from machines import *
from recorder import Recorder
from stage import *

GROUP, NAME = "g", "vm1"
LINE = f"-g {GROUP} -n {NAME}"
# Other installations on this machine have other addresses.
NETWORK = f"127.{random.randrange(64, 250)}.{random.randrange(256)}.0/24"
ON_DISKS = ("os", "data with ReadWrite", "data with ReadOnly")
ON_THE_HOST = ("temporary", "swap")

# Each canary is put together in the guest, so that the script itself has none of them. Swap is what the kernel moves out of memory.
WRITE = """
set -e
canary() { for i in $(seq 4000); do echo "CANARY""-%(canary)s $1 $i"; done; }
until mountpoint -q /mnt; do sleep 1; done
canary os > /root/canary
for disk in vdb:ReadWrite vdc:ReadOnly; do
    mkdir -p /media/${disk%%:*}
    blkid /dev/${disk%%:*} > /dev/null || mkfs.ext4 -q /dev/${disk%%:*}
    mountpoint -q /media/${disk%%:*} || mount /dev/${disk%%:*} /media/${disk%%:*}
    canary "data with ${disk#*:}" > /media/${disk%%:*}/canary
done
canary temporary > /mnt/canary
fallocate -l 64M /mnt/swap && chmod 600 /mnt/swap && mkswap -q /mnt/swap && swapon /mnt/swap
echo +memory > /sys/fs/cgroup/cgroup.subtree_control
mkdir -p /sys/fs/cgroup/canary
sh -c 'echo $$ > /sys/fs/cgroup/canary/cgroup.procs; for i in $(seq 4000); do echo "CANARY""-%(canary)s swap $i"; done > /dev/shm/canary'
echo 16M > /sys/fs/cgroup/canary/memory.reclaim || true
sync
echo 3 > /proc/sys/vm/drop_caches
cat /media/*/canary /root/canary > /dev/null
awk 'NR > 1 && $4 > 0 { print "swapped" }' /proc/swaps
"""


def set_up(stage):
    image = build_image(stage)
    record = json.loads(image.with_name(image.name + ".json").read_text())
    stage.coffer(
        f"image import {image} --publisher {record['publisher']} --offer {record['offer']} --sku {record['sku']}"
        f" --version {record['version']} --hyper-v-generation {record['hyperVGeneration']}")
    stage.kept["link"] = Recorder(stage.root / "link.sock", stage.data / "run/nbd.sock", stage.root / "link")
    serve(stage)
    stage.login()
    stage.make_group(GROUP)
    vault = stage.make_vault(GROUP)
    stage.make_set(vault, stage.make_key(vault))
    stage.az("feature register --namespace Microsoft.Compute --name EncryptionAtHost")
    stage.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stage.root / "key")])
    stage.kept.update(without=new_canary(), with_it=new_canary())


def serve(stage):
    stage.start_server(
        "--public-network", NETWORK, "--disk-roles", "apart", "--storage-link", f"nbd+unix:///?socket={stage.root}/link.sock")


def run_in_guest(stage, script):
    """Runs a script as root in the guest; what it prints."""
    answer = stage.az_json(f"vm run-command invoke {LINE} --command-id RunShellScript --scripts", script)
    message = answer["value"][0]["message"]
    printed, complained = message.split("[stdout]\n", 1)[1].split("\n[stderr]", 1)
    stage.say(f"guest: {printed.strip()} {complained.strip()[:300]}")
    return printed.strip()


def wait_until_set_up(stage):
    eventually(lambda: run_in_guest(stage, "systemctl is-active coffer-provision.service") == "active", 240, "the guest is not set up", every=2)


def write(stage, canary):
    expect_equal(run_in_guest(stage, WRITE % {"canary": canary.removeprefix("CANARY-")}), "swapped", "what the guest says of its swap space")


def found(stage, canary):
    """Where each canary is: the directories of the data directory that have it, and the recorded link, for those that are anywhere."""
    pattern = re.compile(re.escape(canary.encode()) + b" (" + "|".join(ON_DISKS + ON_THE_HOST).encode() + b") ")
    places, size = {}, 0
    for root, name in ((stage.data, None), (stage.root / "link", "link")):
        for path in root.rglob("*"):
            if path.is_symlink() or not path.is_file():
                continue
            for piece in written(path):
                size += len(piece)
                for what in set(pattern.findall(piece)):
                    places.setdefault(what.decode(), set()).add(name or str(path.relative_to(root)).split("/")[0])
    expect(size > 50 << 20, f"the search has seen only {size} bytes")
    return places


def temporary_disks(stage):
    return [path for path in (stage.data / "temporary").glob("*") if path.is_dir()]


def test_a_machine_without_it_has_a_temporary_disk(stage):
    stage.az(
        f"vm create {LINE} --image Debian12 --size Standard_B1s --admin-username ada --os-disk-encryption-set des --data-disk-sizes-gb 1 1"
        " --data-disk-caching 0=ReadWrite 1=ReadOnly --data-disk-encryption-sets des des --ssh-key-values", f"{stage.root}/key.pub")
    (directory,) = temporary_disks(stage)
    expect_equal((directory / "data").stat().st_size, 4 << 30, "size of the temporary disk's file")
    wait_until_set_up(stage)
    expect_equal(run_in_guest(stage, "readlink -f /dev/disk/azure/resource; findmnt -no SOURCE,FSTYPE /mnt").split(), ["/dev/vdd", "/dev/vdd", "ext4"],
                 "the temporary disk in the guest")


def test_without_it_temporary_disk_swap_caches_and_link_are_plain(stage):
    canary = stage.kept["without"]
    write(stage, canary)
    wanted = {**dict.fromkeys(ON_THE_HOST, {"temporary"}), **dict.fromkeys(ON_DISKS, {"cache", "link"})}
    expect_equal(found(stage, canary), wanted, "where canaries are")


def test_the_temporary_disk_outlives_ends_of_all_servers(stage):
    for process in stage.disk_hosts():
        os.kill(process, signal.SIGKILL)
    stage.server.kill()
    serve(stage)
    script = "echo 3 > /proc/sys/vm/drop_caches; wc -l < /mnt/canary; echo more > /mnt/more; sync; cat /mnt/more"
    expect_equal(run_in_guest(stage, script).split(), ["4000", "more"], "the temporary disk after all were killed")


def test_it_is_not_enabled_while_the_machine_runs(stage):
    refused = stage.az(f"vm update {LINE} --set securityProfile.encryptionAtHost=true", ok=False)
    expect_in("host-deallocated", refused.errors, "the refusal")


def test_the_temporary_disk_is_gone_once_the_machine_is_deallocated(stage):
    stage.az(f"vm deallocate {LINE}")
    expect_equal(temporary_disks(stage), [], "temporary disks")
    expect_equal(found(stage, stage.kept["without"]), dict.fromkeys(ON_DISKS, {"link"}), "where canaries are: the link was recorded before")


def test_a_size_without_it_is_refused(stage):
    stage.az(f"vm update {LINE} --set securityProfile.encryptionAtHost=true")
    refused = stage.az(f"vm resize {LINE} --size Standard_D2_v3", ok=False)
    expect_in("does not support Encryption at Host", refused.errors, "the refusal")


def test_with_it_nothing_of_what_the_guest_writes_is_on_the_host_or_the_link(stage):
    stage.az(f"vm start {LINE}")
    expect_equal(stage.az_json(f"vm show {LINE}")["securityProfile"]["encryptionAtHost"], True, "encryption at host")
    wait_until_set_up(stage)
    expect_equal(run_in_guest(stage, "until mountpoint -q /mnt; do sleep 1; done; ls /mnt/canary 2>/dev/null || echo new; wc -l < /root/canary").split(),
                 ["new", "4000"], "the disks after the new start")
    canary, before = stage.kept["with_it"], stage.kept["link"].byte_count()
    write(stage, canary)
    expect(stage.kept["link"].byte_count() > before + (512 << 10), "what the guest wrote has passed the link")
    expect(any((stage.data / "cache").iterdir()), "there are host caches")
    expect_equal(found(stage, canary), {}, "where canaries are")
    expect(sum(path.stat().st_blocks for path in (stage.data / "temporary").rglob("data")) * 512 > 1 << 20, "the temporary disk has been written to")


def test_deletion_leaves_no_temporary_disk(stage):
    stage.az(f"vm delete {LINE} --yes")
    expect_equal(temporary_disks(stage), [], "temporary disks")
