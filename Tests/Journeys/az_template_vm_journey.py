"""One deployment of a template makes vault, key, disk encryption set, grant, network, data disk and a virtual machine; its guest runs on encrypted disks."""
import pathlib

from machines import *
from stage import *
from vms import *

GROUP = "g"
LINE = f"-g {GROUP} -n vm1"
TEMPLATE = pathlib.Path(__file__).resolve().parent / "templates/encrypted-machine.json"
PASSWORD = "Correct-Horse-7f3a9c"


def set_up(stage):
    serve_machines(stage, GROUP)
    stage.kept.update(vault=f"kv-{uuid.uuid4().hex[:8]}", canary=new_canary())


def deploy(stage, name, ok=True):
    # Through a file: arguments are for everybody to see.
    values = {"vaultName": stage.kept["vault"], "adminPassword": PASSWORD, "customData": f"for the guest: {stage.kept['canary']}"}
    parameters = stage.root / "parameters.json"
    parameters.write_text(json.dumps({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#", "contentVersion": "1.0.0.0",
        "parameters": {key: {"value": value} for key, value in values.items()}}))
    return stage.az(
        f"deployment group create -g {GROUP} --name {name} --template-file", str(TEMPLATE), "--parameters", f"@{parameters}", "-o", "json", ok=ok)


def test_one_deployment_makes_everything(stage):
    started = time.monotonic()
    made = deploy(stage, "all").json["properties"]
    stage.say(f"the deployment took {time.monotonic() - started:.0f} s")
    expect_equal(made["provisioningState"], "Succeeded", "the deployment")
    expect(made["outputs"]["address"]["value"].startswith(NETWORK.rsplit(".", 1)[0]), "the address")
    expect(PASSWORD not in json.dumps(made), "the deployment shows the password")
    profile = stage.az_json(f"vm show {LINE}")["storageProfile"]
    for disk in (profile["osDisk"], *profile["dataDisks"]):
        resource = stage.az_json("disk show --ids", disk["managedDisk"]["id"])
        expect_equal((resource["diskState"], resource["encryption"]["type"]), ("Attached", "EncryptionAtRestWithCustomerKey"), disk["name"])
        expect(resource["encryption"]["diskEncryptionSetId"].endswith("/vm1-set"), f"{disk['name']} is in another set")


def test_its_guest_writes_to_encrypted_disks(stage):
    wait_until_set_up(stage, LINE)
    canary = stage.kept["canary"]
    said = run_in_guest(
        stage, LINE, f"for i in $(seq 500); do echo {canary} $i; done > /root/canary; mkfs.ext4 -q /dev/vdb; mount /dev/vdb /mnt; cp /root/canary /mnt/; sync;"
        " umount /mnt; wc -l < /root/canary; cat /var/lib/waagent/CustomData; echo; hostname")
    expect_equal(said.split("\n"), ["500", f"for the guest: {canary}", "vm1"], "what the guest says")
    files, size, hits = search(canary, stage.data)
    expect(files > 5 and size > 100 << 20, "the search has seen the data directory")
    expect_equal(hits, {}, "files with what the guest wrote, or was handed")


def test_the_same_deployment_again_changes_nothing(stage):
    (before,) = processes(stage)
    deploy(stage, "again")
    expect_equal(processes(stage), [before], "QEMU processes")


def test_its_key_is_what_it_lives_by(stage):
    stage.assign("Key Vault Crypto Officer", stage.principal, stage.vault_id(stage.kept["vault"], GROUP))
    kid = stage.az_json(f"keyvault key show --vault-name {stage.kept['vault']} -n disks")["key"]["kid"]
    stage.enable_key(stage.kept["vault"], kid, False)
    eventually(lambda: not processes(stage), 60, "the machine goes on without its key")
    stage.az_refused(f"vm start {LINE}", code="disabled")
