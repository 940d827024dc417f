"""What Azure forbids about encryption at host and Azure Disk Encryption, tried with az under the rule sets 2021 and current."""
from machines import *
from stage import *

GROUP = "g"
UBUNTU = ("Canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-gen2")
DEBIAN = ("Debian", "debian-12", "12-gen2")
WINDOWS = ("MicrosoftWindowsServer", "WindowsServer", "2022-datacenter-g2")
COMPUTE = f"/resourceGroups/{GROUP}/providers/Microsoft.Compute"
FEATURE = "--namespace Microsoft.Compute"
NETWORK = f"127.{random.randrange(64, 250)}.{random.randrange(256)}.0/24"
BOTH = ("2021", "current")

# Rules of encryption at host for sizes, of the first row of the comparison: the size, and by which rule sets it is refused.
SIZES_AT_HOST = {
    "Standard_D2_v3": BOTH, "Standard_D1_v2": BOTH, "Standard_A2_v2": BOTH, "Standard_E2_v3": BOTH, "Standard_NC6": BOTH, "Standard_NV6": BOTH,
    "Standard_H8": BOTH, "Standard_E2s_v3": (), "Standard_D2ds_v5": (),
}
# Azure Disk Encryption: the machine, its size, the volumes, the refusing rule and in which rule sets. Without a rule it is told not to be served.
GUEST = [
    ("ubuntu", "Basic_A0", "ALL", "guest-size-basic", BOTH),
    ("ubuntu", "Standard_A2_v2", "ALL", "guest-size-basic", BOTH),
    ("bare", "Standard_D2_v4", "ALL", "guest-size-temporary-disk", ("2021",)),
    ("bare", "Standard_D2s_v4", "ALL", "guest-size-temporary-disk", ("2021",)),
    ("bare", "Standard_E2s_v4", "ALL", "guest-size-temporary-disk", ("2021",)),
    ("ubuntu", "Standard_D2ds_v6", "ALL", "guest-size-generation", ("current",)),
    ("ubuntu", "Standard_B1s", "DATA", "guest-memory", BOTH),
    ("ubuntu", "Standard_B2s", "ALL", "guest-memory-os", BOTH),
    ("ubuntu", "Standard_D2s_v3", "ALL", None, ()),
    ("debian", "Standard_D2s_v3", "ALL", "guest-operating-system", BOTH),
    ("custom", "Standard_D2s_v3", "ALL", "guest-custom-image", BOTH),
    ("windows", "Standard_D2s_v3", "DATA", "guest-windows-volume", BOTH),
    ("customers", "Standard_D2s_v3", "ALL", "guest-customer-key", BOTH),
    ("hosts", "Standard_D2s_v3", "ALL", "guest-host-encryption", BOTH),
]
SENTENCES = {
    "guest-size-basic": "not for Basic sizes and the A-series", "guest-size-temporary-disk": "which has no local temporary disk",
    "guest-size-generation": "not for series of version 6 and newer", "guest-memory": "needs 2 GB of memory", "guest-memory-os": "needs 8 GB of memory",
    "guest-operating-system": "not available for the operating system 'Debian:debian-12:12-gen2'",
    "guest-custom-image": "not available for Linux VMs of custom images", "guest-windows-volume": "together with its OS disk only",
    "guest-customer-key": "cannot be enabled on disks that are encrypted with a customer's key",
    "guest-host-encryption": "Azure Disk Encryption cannot be enabled on disks that have encryption at host enabled",
}


def set_up(stage):
    image = stage.root / "nothing.raw"
    with open(image, "wb") as file:
        file.truncate(64 << 20)
    for publisher, offer, sku in (UBUNTU, DEBIAN, WINDOWS):
        system = "Windows" if publisher == WINDOWS[0] else "Linux"
        stage.coffer(f"image import {image} --publisher {publisher} --offer {offer} --sku {sku} --version 1.0.0 --os-type {system} --hyper-v-generation V1")
    serve(stage, "2021")
    stage.login()
    stage.make_group(GROUP)
    vault = stage.make_vault(GROUP)
    stage.make_set(vault, stage.make_key(vault))
    stage.az(f"keyvault update -g {GROUP} -n {vault} --enabled-for-disk-encryption true")
    stage.kept.update(vault=vault, subnet=stage.make_network(GROUP), rules="2021")


def serve(stage, rules):
    if stage.server:
        stage.server.stop()
    stage.start_server("--public-network", NETWORK, "--rules", rules)
    stage.kept["rules"] = rules


def make(stage, name, image=UBUNTU, size="Standard_D2s_v3", encryption_set=None, data=(), **security):
    """A machine, deallocated: none of these images could run."""
    stage.make_interface(name, stage.kept["subnet"], GROUP)
    disk = {"createOption": "FromImage", "name": f"{name}-os"}
    if encryption_set:
        disk["managedDisk"] = {"diskEncryptionSet": {"id": f"{stage.subscription}{COMPUTE}/diskEncryptionSets/{encryption_set}"}}
    storage = {"osDisk": disk, "dataDisks": list(data), "imageReference": dict(zip(("publisher", "offer", "sku"), image or UBUNTU), version="latest")}
    if image is None:
        stage.arm("PUT", f"{COMPUTE}/disks/{name}-os", "2024-03-02", {
            "location": "uksouth", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 1}})
        managed = {"id": f"{stage.subscription}{COMPUTE}/disks/{name}-os"}
        storage = {"osDisk": {"createOption": "Attach", "osType": "Linux", "managedDisk": managed}, "dataDisks": list(data)}
    interface = f"{stage.subscription}/resourceGroups/{GROUP}/providers/Microsoft.Network/networkInterfaces/{name}"
    properties = {"hardwareProfile": {"vmSize": size}, "storageProfile": storage, "networkProfile": {"networkInterfaces": [{"id": interface}]}}
    if security:
        properties["securityProfile"] = security
    stage.arm("PUT", f"{COMPUTE}/virtualMachines/{name}", "2024-07-01", {"location": "uksouth", "properties": properties})
    eventually(
        lambda: stage.arm("GET", f"{COMPUTE}/virtualMachines/{name}", "2024-07-01").json["properties"]["provisioningState"] == "Succeeded",
        60, f"{name} is not made")
    deallocate(stage, name)


def deallocate(stage, name):
    """Without waiting for a guest that is none."""
    for action in ("powerOff?skipShutdown=true", "deallocate"):
        stage.arm("POST", f"{COMPUTE}/virtualMachines/{name}/{action}", "2024-07-01")


def resize(stage, name, size):
    """As `az vm resize` sends it, without its other questions."""
    stage.arm("PATCH", f"{COMPUTE}/virtualMachines/{name}", "2024-07-01", {"properties": {"hardwareProfile": {"vmSize": size}}})


def refused(stage, line, *more, code, rule, text):
    result = stage.az(line, *more, ok=False)
    for part in (code, f"(Rule {rule} of the rule set {stage.kept['rules']}.)", text):
        expect_in(part, result.errors, f"az {line}")


def test_the_feature_is_not_registered_and_az_says_what_azure_says(stage):
    expect_equal(stage.az_json(f"feature show {FEATURE} -n EncryptionAtHost")["properties"]["state"], "NotRegistered", "state of the feature")
    text = ("The property 'securityProfile.encryptionAtHost' is not valid because the 'Microsoft.Compute/EncryptionAtHost' feature is not enabled"
            " for this subscription.")
    stage.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stage.root / "key")])
    for value in ("true", "false"):
        refused(
            stage, f"vm create -g {GROUP} -n no{value} --image {':'.join(UBUNTU)}:latest --size Standard_D2s_v3 --admin-username ada"
            f" --encryption-at-host {value} --ssh-key-values", f"{stage.root}/key.pub", code="InvalidParameter", rule="host-feature", text=text)
    make(stage, "hosts")
    refused(
        stage, f"vm update -g {GROUP} -n hosts --set securityProfile.encryptionAtHost=true", code="InvalidParameter", rule="host-feature", text=text)


def test_the_feature_is_registered_with_az(stage):
    registered = stage.az_json(f"feature register {FEATURE} -n EncryptionAtHost")
    expect_equal(registered["properties"]["state"], "Registered", "state of the feature")
    stage.az("provider register -n Microsoft.Compute")
    expect_equal([each["name"] for each in stage.az_json(f"feature list {FEATURE}")], ["Microsoft.Compute/EncryptionAtHost"], "features")
    shown = stage.az_json("feature registration list")
    expect_equal([(each["name"], each["properties"]["state"]) for each in shown], [("EncryptionAtHost", "Registered")], "registrations")
    stage.az(f"feature unregister {FEATURE} -n EncryptionAtHost")
    expect_equal(stage.az_json(f"feature show {FEATURE} -n EncryptionAtHost")["properties"]["state"], "Unregistered", "state of the feature")
    stage.az(f"feature registration create {FEATURE} -n EncryptionAtHost")
    stage.az_refused(f"feature register {FEATURE} -n Nothing", code="FeatureNotFound")


def test_it_is_enabled_only_while_the_machine_is_deallocated(stage):
    stage.az(f"vm start -g {GROUP} -n hosts")
    change = f"vm update -g {GROUP} -n hosts --set securityProfile.encryptionAtHost="
    text = "can be changed only while it is deallocated"
    refused(stage, change + "true", code="OperationNotAllowed", rule="host-deallocated", text=text)
    deallocate(stage, "hosts")
    expect_equal(stage.az_json(change + "true")["securityProfile"]["encryptionAtHost"], True, "encryption at host")
    stage.az(f"vm start -g {GROUP} -n hosts")
    refused(stage, change + "false", code="OperationNotAllowed", rule="host-deallocated", text=text)
    deallocate(stage, "hosts")


def test_machines_for_the_rows_are_made(stage):
    make(stage, "ubuntu")
    # Between sizes with a temporary disk and without there is no way.
    make(stage, "bare", size="Standard_D2s_v4")
    make(stage, "debian", DEBIAN)
    make(stage, "windows", WINDOWS)
    make(stage, "custom", None)
    make(stage, "customers", encryption_set="des")


def check_sizes_at_host(stage):
    for size, rule_sets in SIZES_AT_HOST.items():
        if stage.kept["rules"] in rule_sets:
            rule = "host-size-2021" if stage.kept["rules"] == "2021" else "host-size"
            refused(stage, f"vm resize -g {GROUP} -n hosts --size {size}", code="InvalidParameter", rule=rule,
                    text=f"The VM size '{size}' does not support Encryption at Host")
        else:
            stage.az(f"vm resize -g {GROUP} -n hosts --size {size}")
    resize(stage, "hosts", "Standard_D2s_v3")


def check_guest_rows(stage):
    for machine, size, volume, rule, rule_sets in GUEST:
        resize(stage, machine, size)
        line = f"vm encryption enable -g {GROUP} -n {machine} --disk-encryption-keyvault {stage.kept['vault']} --volume-type {volume}"
        if stage.kept["rules"] in rule_sets:
            code = "OperationNotAllowed" if rule in ("guest-customer-key", "guest-host-encryption") else "InvalidParameter"
            refused(stage, line, code=code, rule=rule, text=SENTENCES[rule])
        else:
            result = stage.az(line, ok=False)
            for part in ("NotSupported", "Azure Disk Encryption here"):
                expect_in(part, result.errors, line)


def past(stage, name, *states):
    """A disk that was said to be encrypted in its guest, or not to be any more."""
    stage.az(f"disk create -g {GROUP} -n {name} --size-gb 1")
    for state in states:
        stage.az(f"disk update -g {GROUP} -n {name} --set", f'encryptionSettingsCollection={{"enabled": {state}}}')


def check_disks_with_a_past(stage):
    rules = stage.kept["rules"]
    now, once = f"now{rules}", f"once{rules}"
    past(stage, now, "true")
    past(stage, once, "true", "false")
    expect_equal(stage.az_json(f"disk show -g {GROUP} -n {now}")["encryptionSettingsCollection"]["enabled"], True, "what the disk shows")
    stage.az(f"snapshot create -g {GROUP} -n {once}-snap --source {once}")
    for what in (f"disk update -g {GROUP} -n {now}", f"disk update -g {GROUP} -n {once}", f"snapshot update -g {GROUP} -n {once}-snap"):
        refused(stage, f"{what} --encryption-type EncryptionAtRestWithCustomerKey --disk-encryption-set des", code="OperationNotAllowed",
                rule="customer-key-guest-encrypted", text="was, encrypted with Azure Disk Encryption")
    attach = f"vm disk attach -g {GROUP} --vm-name hosts --name "
    if rules == "2021":
        refused(stage, attach + now, code="OperationNotAllowed", rule="host-guest-encrypted", text="Only one of the two can be used")
        stage.az(attach + once)
        stage.az(f"vm disk detach -g {GROUP} --vm-name hosts --name {once}")
    else:
        for name in (now, once):
            refused(stage, attach + name, code="OperationNotAllowed", rule="host-ever-guest-encrypted", text="is or was encrypted with Azure Disk Encryption")


def test_sizes_have_encryption_at_host_as_in_2021(stage):
    check_sizes_at_host(stage)


def test_azure_disk_encryption_is_refused_as_in_2021(stage):
    check_guest_rows(stage)


def test_disks_with_a_past_are_refused_as_in_2021(stage):
    check_disks_with_a_past(stage)


def test_sizes_have_encryption_at_host_as_today(stage):
    serve(stage, "current")
    check_sizes_at_host(stage)


def test_azure_disk_encryption_is_refused_as_today(stage):
    check_guest_rows(stage)


def test_disks_with_a_past_are_refused_as_today(stage):
    check_disks_with_a_past(stage)
