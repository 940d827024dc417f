#!/usr/bin/env python3
"""Measures how long a rotation takes: rewrap.py [--disks 1000] [--attached 0] [--rounds 3]

Starts Coffer in a throwaway directory, makes one set with automatic rotation and that many empty disks of 1 GiB, and rotates its key. A
round's time is from the request that rotates the key until the set's `previousKeys` are empty. Every header is looked at afterwards.
"""
import argparse
import concurrent.futures
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Tests/Journeys"))
from stage import *


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--disks", type=int, default=1000)
    parser.add_argument("--attached", type=int, default=0, help="how many of them are attached meanwhile")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    stage = Stage("rewrap")
    try:
        stage.start_server()
        stage.make_encrypted_disk("disk0", auto_rotation=True)
        started = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: stage.make_disk(f"disk{number}", stage.kept["set_id"]), range(1, arguments.disks)))
        print(f"{arguments.disks} disks made in {time.monotonic() - started:.1f} s", flush=True)
        for number in range(arguments.attached):
            stage.attach(f"disk{number}")
        times = []
        for _ in range(arguments.rounds):
            started = time.monotonic()
            new = stage.rotate_key(stage.kept["vault"])
            while True:
                properties = stage.get_set()["properties"]
                if properties["activeKey"]["keyUrl"] == new and not properties["previousKeys"]:
                    break
                time.sleep(0.05)
            times.append(time.monotonic() - started)
            report = stage.coffer_json("disk report")
            expect(all(each.get("keyUrl") == new for each in report["value"]), "a disk is wrapped by another version")
            print(f"re-wrapped in {times[-1]:.2f} s, {arguments.disks / times[-1]:.0f} a second", flush=True)
        print(f"median {statistics.median(times):.2f} s")
    finally:
        stage.close()


if __name__ == "__main__":
    main()
