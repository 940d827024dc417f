"""Ephemeral OS disks without encryption at host: what their host has of them, how long they live, and what is refused.

Storage service and host are two processes here.
"""
from ephemerals import *
from stage import *
from vms import run_in_guest, wait_until_set_up


def set_up(stage):
    prepare(stage)


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
    for process in stage.disk_hosts():
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
