"""`az vm create` gives a real Debian guest on encrypted disks: signing in, running commands, identities, disks that come and go, lost keys, crashes."""
from guesttools import RUN, make_tools_image
from machines import *
from stage import *
from vms import *

GROUP, NAME = "g", "vm1"
LINE = f"-g {GROUP} -n {NAME}"


def set_up(stage):
    stage.kept["imports"] = stage.root / "imports"
    stage.kept["imports"].mkdir()
    serve_machines(stage, GROUP, *server_options(stage))
    make_machines_set(stage, GROUP)
    stage.kept.update(canary=new_canary())


def server_options(stage):
    return ("--import-directory", str(stage.kept["imports"]))


def sign_in(stage, line, ok=True):
    return ssh(stage, stage.kept["address"], line, ok=ok)


def guest(stage, *lines):
    return run_in_guest(stage, LINE, *lines)


def test_sizes_and_images_are_listed(stage):
    sizes = stage.az_json("vm list-skus -l uksouth --size Standard_D2s_v3")
    capabilities = {each["name"]: each["value"] for each in sizes[0]["capabilities"]}
    expect_equal(capabilities["EncryptionAtHostSupported"], "True", "a capability of a size")
    images = stage.az_json("vm image list -p Debian --all")
    expect_equal([(each["publisher"], each["offer"], each["sku"]) for each in images], [("Debian", "debian-12", "12-gen2")], "images")


def test_a_machine_is_made_of_an_image_with_encrypted_disks(stage):
    made = stage.az_json(
        f"vm create {LINE} --image Debian12 --size Standard_B1s --admin-username ada --assign-identity [system] --os-disk-delete-option Delete"
        " --os-disk-encryption-set des --data-disk-sizes-gb 1 --data-disk-encryption-sets des --ssh-key-values", f"{stage.root}/key.pub")
    expect_equal(made["powerState"], "VM running", "power state")
    expect(made["publicIpAddress"].startswith(NETWORK.rsplit(".", 1)[0]), f"the public address is {made['publicIpAddress']}")
    stage.kept.update(address=made["publicIpAddress"], principal=made["identity"]["systemAssignedIdentity"])
    shown = stage.az_json(f"vm show {LINE}")
    profile = shown["storageProfile"]
    for disk in (profile["osDisk"], *profile["dataDisks"]):
        expect(disk["managedDisk"]["diskEncryptionSet"]["id"].endswith("/des"), f"disk {disk['name']} is in no set")
        resource = stage.az_json("disk show --ids", disk["managedDisk"]["id"])
        expect_equal((resource["diskState"], resource["managedBy"]), ("Attached", shown["id"]), "whose the disk is")
    expect_equal(len(processes(stage)), 1, "QEMU processes")


def test_its_administrator_signs_in_at_its_public_address(stage):
    started = time.monotonic()
    eventually(lambda: sign_in(stage, "true", ok=None).status == 0, 300, "no login with the key", every=2)
    stage.say(f"signed in {time.monotonic() - started:.0f} s after az vm create")
    wait_until_set_up(stage, LINE)
    expect_equal(sign_in(stage, "hostname; sudo -n id -un").output, f"{NAME}\nroot\n", "who and where")


def test_nothing_of_what_it_writes_is_on_the_host(stage):
    canary = stage.kept["canary"]
    sign_in(stage, f"for i in $(seq 2000); do echo {canary} os $i; done | sudo tee /root/canary >/dev/null; sudo mkfs.ext4 -q /dev/vdb;"
               f" sudo mount /dev/vdb /media; for i in $(seq 2000); do echo {canary} data $i; done | sudo tee /media/canary >/dev/null; sync; sudo umount /media")
    files, size, hits = search(canary, stage.data)
    expect(files > 5 and size > 100 << 20, "the search has seen the data directory")
    expect_equal(hits, {}, "files with the canary")


def test_commands_run_in_it_with_parameters(stage):
    answer = stage.az_json(
        f"vm run-command invoke {LINE} --command-id RunShellScript --scripts", "echo \"$what\" >&2; wc -l < /root/canary", "--parameters", "what=it's")
    message = answer["value"][0]["message"]
    expect_in("[stdout]\n2000", message, "output")
    expect_in("[stderr]\nit's", message, "errors")


def test_it_knows_what_it_is_and_nobody_elses_metadata(stage):
    said = guest(stage, "curl -sf -H Metadata:true 'http://169.254.169.254/metadata/instance?api-version=2021-02-01'")
    compute = json.loads(said)["compute"]
    expect_equal((compute["name"], compute["vmSize"], compute["resourceGroupName"]), (NAME, "Standard_B1s", GROUP), "the instance")
    refused = guest(stage, "curl -s -o /dev/null -w %{http_code} 'http://169.254.169.254/metadata/instance?api-version=2021-02-01'")
    expect_equal(refused, "400", "the answer without the header")


def test_it_reaches_neither_the_hosts_loopback_network_nor_other_networks(stage):
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))
        listener.listen()
        port = listener.getsockname()[1]
        for host in ("10.0.0.1", "10.0.0.2", "169.254.169.1", "169.254.169.2", "8.8.8.8", stage.kept["address"]):
            said = guest(stage, f"timeout 3 bash -c '</dev/tcp/{host}/{port}' 2>/dev/null && echo reached || echo closed")
            expect_equal(said, "closed", f"{host} from within")


def test_its_identity_reads_the_secret_that_it_was_granted_and_no_other(stage):
    stage.assign("Key Vault Secrets Officer", stage.principal, stage.vault_id(stage.kept["vault"], GROUP))
    for name in ("mine", "theirs"):
        stage.keys("PUT", stage.kept["vault"], f"secrets/{name}", {"value": f"the secret {name}"})
    stage.assign("Key Vault Secrets User", stage.kept["principal"], f"{stage.vault_id(stage.kept['vault'], GROUP)}/secrets/mine")
    script = (
        "T=$(curl -sf -H Metadata:true 'http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net'"
        f" | jq -r .access_token); for n in mine theirs; do curl -s -H \"Authorization: Bearer $T\" '{stage.vault_url(stage.kept['vault'])}/secrets/'$n'?api-version=7.4'"
        " | jq -r '.value // .error.code'; done")
    expect_equal(guest(stage, script), "the secret mine\nForbidden", "what the identity may read")


def test_az_and_the_sdk_sign_in_with_its_identity_from_within(stage):
    # The guest's network is closed, so they come on a disk.
    image = make_tools_image(stage, stage.kept["imports"] / "tools.raw")
    stage.az(f"disk create -g {GROUP} -n tools --source file://{image}")
    stage.az(f"vm disk attach -g {GROUP} --vm-name {NAME} -n tools")
    vault = stage.kept["vault"]
    sdk = (
        "from azure.identity import ManagedIdentityCredential as C\nfrom azure.keyvault.secrets import SecretClient as S\n"
        f"s = S('{stage.vault_url(vault)}', C())\nprint(s.get_secret('mine').value)\n"
        "try: s.get_secret('theirs')\nexcept Exception as error: print(error.error.code)")
    said = guest(stage, RUN, f'python -c "{sdk}"')
    expect_equal(said, "the secret mine\nForbidden", "what the SDK reads")
    said = guest(
        stage, RUN, "az login --identity --allow-no-subscriptions -o none 2>&1",
        f"az keyvault secret show --vault-name {vault} -n mine --query value -o tsv 2>&1",
        f"az keyvault secret show --vault-name {vault} -n theirs 2>&1 | grep -o -m 1 Forbidden", "umount /tools")
    expect_equal(said, "the secret mine\nForbidden", "what az reads")
    stage.az(f"vm disk detach -g {GROUP} --vm-name {NAME} -n tools")
    stage.az(f"disk delete -g {GROUP} -n tools --yes")


def test_data_disks_come_and_go_while_it_runs(stage):
    stage.az(f"vm disk attach -g {GROUP} --vm-name {NAME} -n extra --new --size-gb 3")
    eventually(lambda: "3G" in guest(stage, "lsblk -dno SIZE"), 60, "the guest sees no new disk", every=1)
    stage.az_refused(f"disk delete -g {GROUP} -n extra --yes", code="OperationNotAllowed")
    stage.az(f"vm disk detach -g {GROUP} --vm-name {NAME} -n extra")
    expect("3G" not in guest(stage, "lsblk -dno SIZE"), "the disk is still in the guest")
    expect_equal(stage.az_json(f"disk show -g {GROUP} -n extra")["diskState"], "Unattached", "the disk's state")
    stage.az(f"disk delete -g {GROUP} -n extra --yes")


def test_it_goes_on_while_the_server_is_killed_and_is_found_again(stage):
    (process,) = processes(stage)
    boot = guest(stage, "cat /proc/sys/kernel/random/boot_id")
    stage.server.kill()
    expect_equal(sign_in(stage, "cat /proc/sys/kernel/random/boot_id").output.strip(), boot, "the guest without a server")
    stage.start_server("--public-network", NETWORK, *server_options(stage))
    expect_in("PowerState/running", statuses(stage, LINE), "instance view")
    expect_equal(processes(stage), [process], "QEMU processes")
    said = eventually(
        lambda: guest(stage, "curl -sf -H Metadata:true 'http://169.254.169.254/metadata/instance/compute/name?api-version=2021-02-01'"),
        30, "the metadata service does not come back", every=1)
    expect_equal(said, NAME, "what the guest is told")


def test_a_lost_key_stops_it_and_its_return_lets_it_start_with_its_data(stage):
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], False)
    eventually(lambda: not processes(stage), 60, "the machine goes on")
    seen = statuses(stage, LINE)
    expect_in("PowerState/stopped", seen, "instance view")
    expect_in("is disabled", seen["ProvisioningState/failed/DiskEncryptionKeyUnavailable"], "the reason")
    stage.az_refused(f"vm start {LINE}", code="disabled")
    expect_equal(processes(stage), [], "QEMU processes")
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], True)
    stage.az(f"vm start {LINE}")
    eventually(lambda: sign_in(stage, "true", ok=None).status == 0, 300, "no login after the start", every=2)
    lines = sign_in(stage, "sudo cat /root/canary | wc -l; sudo mount /dev/vdb /media; sudo cat /media/canary | wc -l; sudo umount /media").output.split()
    expect_equal(lines, ["2000", "2000"], "lines that were written before")


def test_its_boot_log_is_kept(stage):
    (log,) = stage.data.glob("run/vm/*/console.log")
    expect_in("coffer-provision: vm1 is instance", log.read_text(errors="replace"), "the console's log")


def test_a_process_that_was_killed_is_found_to_be_stopped(stage):
    (process,) = processes(stage)
    os.kill(process, signal.SIGKILL)
    reason = "ProvisioningState/failed/VMStoppedByItself"
    eventually(lambda: {"PowerState/stopped", reason} <= statuses(stage, LINE).keys(), 30, "the machine is not said to have stopped by itself", every=1)


def test_deallocation_closes_its_disks_and_deletion_takes_what_was_to_go(stage):
    stage.az(f"vm deallocate {LINE}")
    disks = stage.az_json(f"disk list -g {GROUP}")
    expect_equal({each["diskState"] for each in disks}, {"Reserved"}, "the disks' states")
    stage.az(f"vm delete {LINE} --yes")
    left = stage.az_json(f"disk list -g {GROUP}")
    expect_equal([(each["diskState"], each.get("managedBy")) for each in left], [("Unattached", None)], "what is left of the disks")
    expect_equal(processes(stage), [], "QEMU processes")
    expect_equal(list((stage.data / "run/vm").iterdir()), [], "what is left beside them")
