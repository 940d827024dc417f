"""Virtual machines as journeys speak to them: through az, ssh, their agents and their processes."""
import json
import os
import random
import time

from expectations import eventually, expect
from machines import build_image

# Other installations on this machine have other addresses.
NETWORK = f"127.{random.randrange(64, 250)}.{random.randrange(256)}.0/24"


def import_image(stage):
    """Puts the image of Debian 12 into the installation's catalogue, before the server starts."""
    image = build_image(stage)
    record = json.loads(image.with_name(image.name + ".json").read_text())
    stage.coffer(
        f"image import {image} --publisher {record['publisher']} --offer {record['offer']} --sku {record['sku']}"
        f" --version {record['version']} --hyper-v-generation {record['hyperVGeneration']}")


def serve_machines(stage, group, *options):
    """Starts a server that has the image and addresses of its own, signs in, and makes a resource group and a key to sign in to machines with."""
    import_image(stage)
    stage.start_server("--public-network", NETWORK, *options)
    stage.login()
    stage.make_group(group)
    stage.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stage.root / "key")])


def make_machines_set(stage, group):
    """A vault, a key and the disk encryption set `des`; `kept` has `vault` and `kid`."""
    vault = stage.make_vault(group)
    stage.kept.update(vault=vault, kid=stage.make_key(vault))
    stage.make_set(vault, stage.kept["kid"])


def host_port(port):
    """Where a port below 1024 of a public address is on this host."""
    return port if os.geteuid() == 0 or port >= 1024 else port + 10_000


def ssh(stage, address, line, ok=True, port=None, password=None):
    """Runs a line as `ada` at a public address, signed in with the key, or with a password."""
    words = ["-p", str(port or host_port(22)), "-o", "StrictHostKeyChecking=no", "-o", "ConnectTimeout=10",
             "-o", f"UserKnownHostsFile={stage.root}/known_hosts", "-o", "LogLevel=ERROR", f"ada@{address}", line]
    if password is None:
        return stage.run(["ssh", "-i", str(stage.root / "key"), "-o", "BatchMode=yes", *words], ok=ok)
    return stage.run(
        ["sshpass", "-e", "ssh", "-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=1", *words], ok=ok, environment={"SSHPASS": password})


def run_in_guest(stage, line, *scripts, patience=300, command="vm run-command invoke"):
    """Runs shell lines as root in the guest of `-g GROUP -n NAME`, once its agent answers; what they print."""
    deadline = time.monotonic() + patience
    while True:
        result = stage.az(f"{command} {line} --command-id RunShellScript --scripts", *scripts, "-o", "json", ok=None)
        if result.status == 0:
            message = result.json["value"][0]["message"]
            return message.split("[stdout]\n", 1)[1].split("\n[stderr]", 1)[0].strip()
        expect("VMAgentStatusCommunicationError" in result.errors and time.monotonic() < deadline, f"the guest runs no command: {result.errors[-600:]}")


def wait_until_set_up(stage, line, command="vm run-command invoke"):
    eventually(
        lambda: run_in_guest(stage, line, "systemctl is-active coffer-provision.service", command=command) == "active", 600, "the guest is not set up", every=2)


def statuses(stage, line):
    """Of the instance view: codes and messages."""
    view = stage.az_json(f"vm get-instance-view {line}")["instanceView"]
    return {each["code"]: each.get("message") for each in view["statuses"]}


def processes(stage):
    """The QEMU processes of the installation's machines."""
    return stage.processes_of("qemu-system-x86_64")
