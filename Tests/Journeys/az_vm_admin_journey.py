"""What administrators do with a virtual machine through the real az: passwords, custom data, boot logs, sizes, redeployment, availability sets."""
import crypt
import time

from machines import *
from stage import *
from vms import *

GROUP, NAME = "g", "vm1"
LINE = f"-g {GROUP} -n {NAME}"
PASSWORD = "Correct-Horse-7f3a9c"
MARK = f"mark-{uuid.uuid4().hex}"


def set_up(stage):
    serve_machines(stage, GROUP)


def guest(stage, *lines):
    return run_in_guest(stage, LINE, *lines)


def sign_in(stage, password, line, ok=None):
    return ssh(stage, stage.kept["address"], line, ok=ok, password=password)


def test_how_processors_are_run_is_said_once_with_the_reason(stage):
    lines = [line for line in stage.server.log.read_text().splitlines() if "virtual machines run under" in line]
    expect_equal(len(lines), 1, "lines about it")
    expect_in("reason", lines[0], "the line")
    expect((stage.data / "run/accelerator.json").exists(), "the verdict is not kept")
    shown = stage.coffer("host show --output json").json
    expect_in(shown["reason"], lines[0], "the line")
    stage.kept["acceleration"] = shown
    expect_in(shown["accelerator"], stage.coffer("host show").output, "the table")


def test_availability_sets_are_made_and_listed(stage):
    made = stage.az_json(f"vm availability-set create -g {GROUP} -n set1 --platform-fault-domain-count 2 --platform-update-domain-count 3")
    expect_equal((made["platformFaultDomainCount"], made["platformUpdateDomainCount"], made["sku"]["name"]), (2, 3, "Aligned"), "the set")
    expect_equal([each["name"] for each in stage.az_json(f"vm availability-set list -g {GROUP}")], ["set1"], "the sets")


def test_a_machine_is_made_with_a_password_and_custom_data(stage):
    script = stage.root / "custom.sh"
    script.write_text(f"#!/bin/sh\necho '{MARK}' > /root/made-by-custom-data\n")
    started = time.monotonic()
    made = stage.az_json(
        f"vm create {LINE} --image Debian12 --size Standard_B1s --admin-username ada --authentication-type password --availability-set set1"
        f" --custom-data {script} --admin-password", PASSWORD)
    created = time.monotonic()
    stage.kept["address"] = made["publicIpAddress"]
    answered = guest(stage, "cut -d' ' -f1 /proc/uptime")
    stage.say(f"az vm create took {created - started:.0f} s, the first answer came {time.monotonic() - started:.0f} s after its start"
              f" and {answered} s after the guest's")
    wait_until_set_up(stage, LINE)
    seen = {code: message for code, message in statuses(stage, LINE).items() if code.startswith("HypervisorState/")}
    found = stage.kept["acceleration"]
    expect_equal(seen, {f"HypervisorState/{found['accelerator']}": found["reason"]}, "how its processors are run")
    shown = stage.az_json(f"vm show {LINE}")
    said = json.dumps(shown)
    expect(PASSWORD not in said and "customData\": \"" not in said and "$y$" not in said, "the machine's document has secrets")
    members = stage.az_json(f"vm availability-set show -g {GROUP} -n set1")["virtualMachines"]
    expect_equal([each["id"].lower() for each in members], [shown["id"].lower()], "who is in the set")
    stage.az_refused(f"vm availability-set delete -g {GROUP} -n set1", code="OperationNotAllowed")


def test_the_password_is_hashed_in_the_guest_and_nowhere_in_clear_on_the_host(stage):
    kept = guest(stage, "getent shadow ada | cut -d: -f2")
    expect(kept.startswith("$y$"), "the hash is not yescrypt's")
    expect_equal(crypt.crypt(PASSWORD, kept), kept, "the hash of the password")
    files, _, hits = search(PASSWORD, stage.data)
    expect(files > 5, "the search has seen the data directory")
    expect_equal(hits, {}, "files with the password")
    expect_equal(search(kept, stage.data)[2], {}, "files with its hash")


def test_the_administrator_signs_in_with_the_password_and_with_no_other(stage):
    eventually(lambda: sign_in(stage, PASSWORD, "true").status == 0, 300, "no login with the password", every=2)
    expect_equal(sign_in(stage, PASSWORD, "id -un; sudo -n id -un", ok=True).output, "ada\nroot\n", "who signed in")
    expect(sign_in(stage, "Wrong-Horse-7f3a9c", "true").status != 0, "another password opens it too")


def test_custom_data_is_root_s_and_a_script_is_run(stage):
    expect_equal(guest(stage, "stat -c '%U %a' /var/lib/waagent/CustomData; head -c 9 /var/lib/waagent/CustomData"), "root 700\n#!/bin/sh", "custom data")
    eventually(lambda: guest(stage, "cat /root/made-by-custom-data 2>/dev/null || echo none") == MARK, 60, "the script did not run", every=2)


def test_secrets_are_handed_out_until_the_guest_has_them(stage):
    told = json.loads(guest(stage, "curl -sf -H Metadata:true http://169.254.169.254/coffer/provision"))
    expect_equal(sorted(told), ["authority", "certificateAuthority"], "what is told afterwards")


def test_its_boot_log_is_read_while_boot_diagnostics_are_enabled(stage):
    stage.az_refused(f"vm boot-diagnostics get-boot-log {LINE}", code="enable boot diagnostics")
    stage.az(f"vm boot-diagnostics enable {LINE}")
    expect_in("coffer-provision: vm1 is instance", stage.az(f"vm boot-diagnostics get-boot-log {LINE}").output, "the boot log")
    uris = stage.az_json(f"vm boot-diagnostics get-boot-log-uris {LINE} --expire 5")
    url = uris["serialConsoleLogBlobUri"]
    expect("consoleScreenshotBlobUri" not in uris or uris["consoleScreenshotBlobUri"] is None, "there is a screenshot of no display")
    reply = stage.request("GET", url)
    expect(reply.status == 200 and b"coffer-provision" in reply.body and len(reply.body) <= 1 << 20, f"the log: {reply}")
    for bad in (url[:-1], url[:-4] + "AAAA", url.split("sig=")[0], url.replace("boot-diagnostics/", "boot-diagnostics/0")):
        expect_equal(stage.request("GET", bad).status, 403, f"the answer at {bad}")
    expect_equal(stage.request("PUT", url, raw=b"x").status, 405, "a write to the log")
    stage.az(f"vm boot-diagnostics disable {LINE}")
    expect_equal(stage.request("GET", url).status, 403, "the answer after boot diagnostics were disabled")


def test_it_is_resized_within_the_rules(stage):
    options = {each["name"] for each in stage.az_json(f"vm list-vm-resize-options {LINE}")}
    expect("Standard_B1ms" in options and "Standard_A1_v2" not in options and "Standard_D2s_v5" not in options, f"the sizes it can have: {options}")
    stage.az_refused(f"vm resize {LINE} --size Standard_D2s_v5", code="OperationNotAllowed")
    before = int(guest(stage, "awk '/MemTotal/ {print $2}' /proc/meminfo"))
    stage.az(f"vm resize {LINE} --size Standard_B1ms")
    after = int(guest(stage, "awk '/MemTotal/ {print $2}' /proc/meminfo"))
    expect(after > 1.8 * before, f"memory was {before} KiB and is {after} KiB")


def test_it_is_redeployed_with_its_data_and_not_reimaged(stage):
    boot = guest(stage, "echo kept > /root/kept; sync; cat /proc/sys/kernel/random/boot_id")
    stage.az(f"vm redeploy {LINE}")
    expect_in("PowerState/running", statuses(stage, LINE), "instance view")
    again = guest(stage, "cat /root/kept /proc/sys/kernel/random/boot_id").split()
    expect(again[0] == "kept" and again[1] != boot, f"after the redeployment: {again}")
    stage.az_refused(f"vm reimage {LINE}", code="OperationNotAllowed")
    expect_equal(len(processes(stage)), 1, "QEMU processes")


def test_sizes_and_usage_are_listed(stage):
    expect_in("Standard_B1s", {each["name"] for each in stage.az_json("vm list-sizes -l uksouth")}, "sizes")
    usage = {each["name"]["value"]: int(each["currentValue"]) for each in stage.az_json("vm list-usage -l uksouth")}
    expect_equal((usage["cores"], usage["virtualMachines"], usage["availabilitySets"], usage["standardBSFamily"]), (1, 1, 1, 1), "what is used")


def test_a_machine_s_place_is_fixed_and_its_set_goes_after_it(stage):
    stage.az_refused(f"vm update {LINE} --set", "zones=[\"2\"]", code="PropertyChangeNotAllowed")
    stage.az(f"vm delete {LINE} --yes --force-deletion yes")
    stage.az(f"vm availability-set delete -g {GROUP} -n set1")
    expect_equal(processes(stage), [], "QEMU processes")
