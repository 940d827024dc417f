"""Virtual machines as journeys speak to them: through az, their agents and their processes."""
import json
import os
import pathlib
import random

from expectations import eventually
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


def run_in_guest(stage, line, *scripts):
    """Runs shell lines as root in the guest of `-g GROUP -n NAME`; what they print."""
    answer = stage.az_json(f"vm run-command invoke {line} --command-id RunShellScript --scripts", *scripts)
    message = answer["value"][0]["message"]
    return message.split("[stdout]\n", 1)[1].split("\n[stderr]", 1)[0].strip()


def wait_until_set_up(stage, line):
    eventually(lambda: run_in_guest(stage, line, "systemctl is-active coffer-provision.service") == "active", 240, "the guest is not set up", every=2)


def statuses(stage, line):
    """Of the instance view: codes and messages."""
    view = stage.az_json(f"vm get-instance-view {line}")["instanceView"]
    return {each["code"]: each.get("message") for each in view["statuses"]}


def processes(stage):
    """The QEMU processes of the installation's machines."""
    found = []
    for pid in stage.processes():
        try:
            if pathlib.Path(f"/proc/{pid}/comm").read_text().startswith("qemu-system"):
                found.append(pid)
        except OSError:
            continue
    return found
