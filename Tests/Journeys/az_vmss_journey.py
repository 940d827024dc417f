"""`az vmss create` gives real guests of one model on disks of one set: growing and shrinking, changed models, lost keys, crashes."""
import pathlib

from machines import *
from stage import *
from vms import *

GROUP, NAME = "g", "ss"
LINE = f"-g {GROUP} -n {NAME}"
PASSWORD = "Correct-Horse-7f3a9c"
MARK = f"mark-{uuid.uuid4().hex}"
RUN = "vmss run-command invoke"


def set_up(stage):
    serve_machines(stage, GROUP)
    make_machines_set(stage, GROUP)
    (stage.root / "custom.sh").write_text(f"#!/bin/sh\necho '{MARK}' > /root/made-by-custom-data\n")
    stage.kept["create"] = (
        f"vmss create {LINE} --image Debian12 --orchestration-mode Uniform --vm-sku Standard_B1ls --admin-username ada --public-ip-per-vm"
        f" --os-disk-encryption-set des --data-disk-sizes-gb 1 --data-disk-encryption-sets des --ssh-key-values {stage.root}/key.pub"
        f" --authentication-type all --custom-data {stage.root}/custom.sh --admin-password {PASSWORD}")


def instances(stage):
    """The instances by their numbers."""
    return {each["instanceId"]: each for each in stage.az_json(f"vmss list-instances {LINE}")}


def latest(stage):
    return {number: each["latestModelApplied"] for number, each in instances(stage).items()}


def state(stage):
    return stage.az_json(f"vmss show {LINE}")["provisioningState"]


def grow(stage, capacity):
    """Begins to make instances, and returns once the first is being made."""
    path = f"/resourceGroups/{GROUP}/providers/Microsoft.Compute/virtualMachineScaleSets/{NAME}"
    thread = threading.Thread(target=lambda: stage.az(f"vmss scale {LINE} --new-capacity {capacity}", ok=None))
    thread.start()
    seen = lambda: {each["properties"]["provisioningState"] for each in stage.arm("GET", f"{path}/virtualMachines", "2024-07-01").json["value"]}
    eventually(lambda: "Creating" in seen(), 60, "no instance is being made", every=0.1)
    return thread


def test_what_is_not_served_is_refused_with_what_to_say_instead(stage):
    create = stage.kept["create"]
    stage.az_refused(create.replace("Uniform", "Flexible"), code="--orchestration-mode Uniform")
    stage.az_refused(create, "--instance-count", "21", code="0 to 20")
    stage.az_refused(create.replace("B1ls", "B9"), code="Standard_B9")
    expect_equal(stage.az_json(f"vmss list -g {GROUP}"), [], "scale sets")


def test_a_set_is_made_with_encrypted_disks_and_addresses_for_each_instance(stage):
    stage.az_json(stage.kept["create"], "--instance-count", "2")
    expect_equal(state(stage), "Succeeded", "the set")
    expect_equal(latest(stage), {"0": True, "1": True}, "instances")
    expect_equal(len(processes(stage)), 2, "QEMU processes")
    disks = stage.az_json(f"disk list -g {GROUP}")
    expect_equal(len(disks), 4, "disks")
    for disk in disks:
        expect(disk["encryption"]["diskEncryptionSetId"].lower().endswith("/des"), f"{disk['name']} is in no set")
        expect_in(f"/virtualMachineScaleSets/{NAME}/virtualMachines/", disk["managedBy"], "whose the disk is")
    addresses = [each["ipAddress"] for each in stage.az_json(f"vmss list-instance-public-ips {LINE}")]
    expect_equal(len(set(addresses)), 2, "public addresses")
    expect_equal(len(stage.az_json(f"vmss nic list -g {GROUP} --vmss-name {NAME}")), 2, "interfaces")
    expect_equal(stage.az_json(f"vm list -g {GROUP}"), [], "virtual machines")
    view = stage.az_json(f"vmss get-instance-view {LINE}")
    expect_in({"code": "PowerState/running", "count": 2}, view["virtualMachine"]["statusesSummary"], "the instance view")


def test_inbound_nat_rules_lead_to_port_22_of_each_instance(stage):
    found = stage.az_json(f"vmss list-instance-connection-info {LINE}")
    expect_equal(sorted(found), ["instance 0", "instance 1"], "instances")
    address = stage.az_json(f"network public-ip show -g {GROUP} -n {NAME}LBPublicIP")["ipAddress"]
    expect_equal(sorted(found.values()), [f"{address}:50000", f"{address}:50001"], "where they are")
    stage.kept["address"] = address
    names = set()
    for number, place in sorted(found.items()):
        port = int(place.rsplit(":", 1)[1])
        eventually(lambda: ssh(stage, address, "true", ok=None, port=port).status == 0, 600, f"no login to {number}", every=2)
        wait_until_set_up(stage, f"{LINE} --instance-id {number.split()[1]}", RUN)
        names.add(ssh(stage, address, "hostname", port=port, password=PASSWORD).output.strip())
    computers = {each["osProfile"]["computerName"] for each in instances(stage).values()}
    expect_equal(names, computers, "who answers to the password")


def test_each_guest_has_the_sets_custom_data_and_nobody_else(stage):
    eventually(lambda: run_in_guest(stage, f"{LINE} --instance-id 1", "cat /root/made-by-custom-data || true", command=RUN) == MARK, 120, "the data was not run", every=2)
    said = json.dumps([stage.az_json(f"vmss show {LINE}"), list(instances(stage).values())])
    expect(PASSWORD not in said and "$y$" not in said and base64.b64encode(MARK.encode()).decode() not in said, "documents have secrets")
    files, _, hits = search(PASSWORD, stage.data)
    expect(files > 5, "the search has seen the data directory")
    expect_equal(hits, {}, "files with the password")


def ask_port_80(stage):
    """What answers at the load balancer's port 80: the name of a machine, or nothing."""
    try:
        with socket.create_connection((stage.kept["address"], host_port(80)), timeout=10) as connection:
            return connection.recv(100).decode().strip()
    except OSError:
        return ""


def answering(stage, count=24):
    return {ask_port_80(stage) for _ in range(count)}


def test_a_rule_spreads_connections_over_the_instances_that_answer_the_probe(stage):
    computers = {number: each["osProfile"]["computerName"] for number, each in instances(stage).items()}
    # In a file, as systemd-run makes something of what begins with a dollar sign.
    program = ("use IO::Socket::INET; $s = IO::Socket::INET->new(LocalPort => 80, Listen => 9, ReuseAddr => 1) or die; $name = `hostname`;"
               " while ($c = $s->accept) { print $c $name; close $c }")
    serve = f"echo '{program}' > /root/web; systemd-run -q --unit web perl /root/web; sleep 2; systemctl is-active web"
    for number in computers:
        expect_equal(run_in_guest(stage, f"{LINE} --instance-id {number}", serve, command=RUN), "active", "the web server")
    expect_equal(answering(stage, 4), {""}, "what the security group lets through")
    stage.az(f"network nsg rule create -g {GROUP} --nsg-name {NAME}NSG -n web --priority 1010 --access Allow --protocol Tcp --destination-port-ranges 80")
    eventually(lambda: answering(stage) == set(computers.values()), 30, "not all answer", every=1)
    stage.az(f"network lb probe create -g {GROUP} --lb-name {NAME}LB -n web --protocol Tcp --port 80 --interval 5")
    stage.az(f"network lb rule update -g {GROUP} --lb-name {NAME}LB -n LBRule --probe-name web")
    eventually(lambda: answering(stage) == set(computers.values()), 30, "not all answer the probe", every=1)
    run_in_guest(stage, f"{LINE} --instance-id 0", "systemctl stop web", command=RUN)
    eventually(lambda: answering(stage) == {computers["1"]}, 40, "the silent instance gets connections", every=1)
    run_in_guest(stage, f"{LINE} --instance-id 0", serve, command=RUN)
    eventually(lambda: answering(stage) == set(computers.values()), 40, "the instance does not come back", every=1)
    listed = stage.az_json(f"network lb list -g {GROUP}")
    expect_equal([each["name"] for each in listed], [f"{NAME}LB"], "load balancers")
    stage.az_refused(f"network lb delete -g {GROUP} -n {NAME}LB", code="LoadBalancerInUseByVirtualMachineScaleSet")
    stage.az_refused(f"network lb outbound-rule create -g {GROUP} --lb-name {NAME}LB -n out --protocol All --address-pool {NAME}LBBEPool"
                     " --frontend-ip-configs loadBalancerFrontEnd", code="no way out")
    stage.az_refused(f"network lb probe create -g {GROUP} --lb-name {NAME}LB -n h --protocol Http --port 80 --path /", code="made by TCP")


def test_a_changed_model_is_that_of_new_instances_until_others_are_updated(stage):
    stage.az(f"vmss update {LINE} --vm-sku Standard_B1s")
    expect_equal(latest(stage), {"0": False, "1": False}, "instances with the newest model")
    stage.az(f"vmss scale {LINE} --new-capacity 3")
    expect_equal(latest(stage), {"0": False, "1": False, "2": True}, "instances with the newest model")
    stage.az(f"vmss update-instances {LINE} --instance-ids 1")
    found = instances(stage)
    expect_equal({number: each["sku"]["name"] for number, each in found.items()}, {"0": "Standard_B1ls", "1": "Standard_B1s", "2": "Standard_B1s"}, "sizes")
    expect_equal(len(processes(stage)), 3, "QEMU processes")


def test_a_smaller_set_has_lost_its_newest_instances_with_all_that_was_theirs(stage):
    stage.az(f"vmss scale {LINE} --new-capacity 1")
    expect_equal(sorted(instances(stage)), ["0"], "instances")
    expect_equal(len(processes(stage)), 1, "QEMU processes")
    expect_equal(len(stage.az_json(f"disk list -g {GROUP}")), 2, "disks")
    expect_equal(len(stage.az_json(f"vmss nic list -g {GROUP} --vmss-name {NAME}")), 1, "interfaces")


def test_commands_run_in_an_instance(stage):
    def run():
        done = stage.az(
            f"vmss run-command invoke {LINE} --instance-id 0 --command-id RunShellScript -o json --scripts",
            "curl -sf -H Metadata:true 'http://169.254.169.254/metadata/instance?api-version=2021-02-01' | jq -r '.compute | .name, .vmScaleSetName'", ok=None)
        return done.status == 0 and "ss_0\\nss" in done.output

    eventually(run, 300, "the instance does not say who it is", every=2)


def test_a_lost_key_stops_the_instances_and_says_why(stage):
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], False)
    eventually(lambda: not processes(stage), 60, "an instance goes on")
    view = stage.az_json(f"vmss get-instance-view {LINE} --instance-id 0")
    reasons = {each["code"]: each.get("message") for each in view["statuses"]}
    expect_in("is disabled", reasons["ProvisioningState/failed/DiskEncryptionKeyUnavailable"], "the reason")
    stage.az_refused(f"vmss start {LINE}", code="disabled")
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], True)
    stage.az(f"vmss start {LINE}")
    expect_equal(len(processes(stage)), 1, "QEMU processes")


def test_a_server_that_is_killed_while_a_set_grows_says_so_and_the_next_change_makes_it_whole(stage):
    growth = grow(stage, 3)
    stage.server.kill()
    growth.join()
    expect_equal(ask_port_80(stage), "", "the load balancer without a server")
    stage.start_server("--public-network", NETWORK)
    eventually(lambda: state(stage) in ("Failed", "Succeeded"), 60, "the set is not settled", every=1)
    legal = {"Succeeded", "Failed"}
    eventually(lambda: {each["provisioningState"] for each in instances(stage).values()} <= legal, 60, "instances are not settled", every=1)
    stage.az(f"vmss scale {LINE} --new-capacity 2")
    found = instances(stage)
    expect_equal((state(stage), len(found), {each["provisioningState"] for each in found.values()}), ("Succeeded", 2, {"Succeeded"}), "the set")
    expect_equal(len(processes(stage)), 2, "QEMU processes")
    expect_equal(len(stage.az_json(f"disk list -g {GROUP}")), 4, "disks")


def test_instances_are_stopped_made_anew_and_deleted(stage):
    stage.az(f"vmss deallocate {LINE}")
    expect_equal(processes(stage), [], "QEMU processes")
    before = instances(stage)
    stage.az(f"vmss reimage {LINE} --instance-ids 0")
    after = instances(stage)
    disk = lambda found: found["0"]["storageProfile"]["osDisk"]["managedDisk"]["id"]
    expect(disk(before) != disk(after), "the OS disk is the old one")
    other = next(number for number in after if number != "0")
    stage.az(f"vmss delete-instances {LINE} --instance-ids {other}")
    expect_equal((sorted(instances(stage)), stage.az_json(f"vmss show {LINE}")["sku"]["capacity"]), (["0"], 1), "what is left")


def test_a_deleted_set_leaves_nothing(stage):
    stage.az(f"vmss delete {LINE}")
    expect_equal(stage.az_json(f"disk list -g {GROUP}"), [], "disks")
    expect_equal(processes(stage), [], "QEMU processes")
    expect_equal(list((stage.data / "run/vm").iterdir()), [], "what is left beside them")
    stage.az(f"network lb delete -g {GROUP} -n {NAME}LB")
    expect_equal(stage.az_json(f"network lb list -g {GROUP}"), [], "load balancers")
    stage.az(f"network public-ip delete -g {GROUP} -n {NAME}LBPublicIP")


def test_a_template_deploys_a_set_of_no_instances_that_is_deleted_while_it_grows(stage):
    template = pathlib.Path(__file__).resolve().parent / "templates/scale-set.json"
    stage.az(f"deployment group create -g {GROUP} -n d -f {template} -p", f"keyData={(stage.root / 'key.pub').read_text().strip()}")
    expect_equal((state(stage), instances(stage)), ("Succeeded", {}), "the set")
    growth = grow(stage, 2)
    stage.az(f"vmss delete {LINE} --force-deletion true")
    growth.join()
    expect_equal(stage.az_json(f"disk list -g {GROUP}"), [], "disks")
    expect_equal(processes(stage), [], "QEMU processes")
    stage.az(f"network vnet delete -g {GROUP} -n net")
