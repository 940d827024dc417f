#!/usr/bin/env python3
"""What encryption costs the guest: hostencryption.py [MEGABYTES] [ROUNDS]

Storage service and host are two processes, as with `coffer serve --disk-roles apart`, without a cache. One small guest writes and reads a disk in
pieces of 1 MiB, directly: encrypted by the storage service alone, by the host, and in the guest by dm-crypt. The cases take turns; medians. Prints a
table in Markdown. The guest's processor is translated (QEMU's TCG), AES instructions too, which makes dm-crypt look worse than it is on real ones.
Needs `scripts/setup.sh`, the guest of `guest/build.sh .build/guest` and a release build.
"""
import pathlib
import statistics
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Tests/Journeys"))
import disk_roles_journey as roles
from stage import *

MEGABYTES, ROUNDS = (int(word) for word in (sys.argv[1:] + ["256", "3"][len(sys.argv) - 1:]))
CASES = {"storage": "by the storage service", "host": "at the host", "guest": "in the guest, by dm-crypt"}


def processor_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(stage, case):
    roles.control(stage, "disk", "make", (MEGABYTES + 16) << 20, 1)
    opened = roles.control(stage, "disk", "open", "none", "host" if case == "host" else "storage")
    before = {role: processor_seconds(stage.kept[role]) for role in ("storage", "host")}
    said = stage.guest("io-cost", [roles.as_guest_disk(opened)], megabytes=MEGABYTES, crypt=int(case == "guest")).succeed()
    gibibytes = 2 * MEGABYTES / 1024
    result = {role: (processor_seconds(stage.kept[role]) - before[role]) / gibibytes for role in before}
    for name in ("write", "read"):
        result[name] = int(said[f"{name}_hundredths"]) / 100 / (MEGABYTES / 1024)
        result[f"{name} rate"] = MEGABYTES / max(0.01, float(said[f"{name}_seconds"]))
    roles.control(stage, "disk", "close")
    return result


stage = Stage("bench-host")
stage.say = lambda text: None
try:
    stage.data.mkdir()
    roles.start(stage, "storage")
    (stage.root / "link.sock").symlink_to(stage.data / "run/nbd.sock")
    roles.start(stage, "host")
    found = {case: [] for case in CASES}
    for _ in range(ROUNDS):
        for case in CASES:
            found[case].append(measure(stage, case))
    print("| encrypted | guest's processor s/GiB, write | read | MiB/s, write | read | storage's processor s/GiB | host's |")
    print("|---|---|---|---|---|---|---|")
    for case, name in CASES.items():
        median = {key: statistics.median(each[key] for each in found[case]) for key in found[case][0]}
        print(f"| {name} | {median['write']:.2f} | {median['read']:.2f} | {median['write rate']:.0f} | {median['read rate']:.0f} | {median['storage']:.2f} | {median['host']:.2f} |")
finally:
    stage.close()
