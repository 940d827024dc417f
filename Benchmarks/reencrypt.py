#!/usr/bin/env python3
"""How fast a disk is re-encrypted, beside a raw copy of its file: reencrypt.py [GIBIBYTES]

One line for each number of layers before and after. The disk is full and nobody uses it. Needs the package `cryptography`.
"""
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Tests/Torture"))
from diskhost import FIRST_TARGET, NBD, Host, Keys, new_id  # noqa: E402

size = int(float(sys.argv[1] if len(sys.argv) > 1 else 1) * 2**30) // 2**20 * 2**20
root = pathlib.Path(tempfile.mkdtemp(prefix="reencrypt-"))
(root / "disks").mkdir()
host, keys = Host(HERE.parent / ".build/release/coffer-diskd"), Keys(random.Random())
host.start(root, root / "log")
try:
    for before, after in ((1, 1), (1, 2), (2, 1), (2, 2)):
        layers, disk = [keys.make() for _ in range(before)], new_id(random)
        host.status("create", disk=disk, byteCount=size, layers=layers, keys=host.boxes(keys, disk, layers))
        host.open(keys, disk)
        client, piece = NBD(root / "run/nbd.sock", disk), os.urandom(2**20)
        for offset in range(0, size, len(piece)):
            client.write(offset, piece, False)
        client.flush()
        client.close()
        started = time.monotonic()
        subprocess.run(["dd", f"if={root}/disks/{disk}/data", f"of={root}/copy", "bs=1M", "conv=fdatasync"], check=True, capture_output=True)
        copy = time.monotonic() - started
        (root / "copy").unlink()
        target = [keys.make() for _ in range(after)]
        boxes = host.boxes(keys, disk, layers) + host.boxes(keys, disk, target, FIRST_TARGET)
        started = time.monotonic()
        host.status("reencrypt", disk=disk, to=target, keys=boxes, bytesPerSecond=0)
        while host.status("inspect", disk=disk).get("reencryption"):
            time.sleep(0.02)
        taken = time.monotonic() - started
        print(f"{before} -> {after} layers: raw copy {size / copy / 1e6:.0f} MB/s, re-encryption {size / taken / 1e6:.0f} MB/s, {copy / taken:.2f} of it", flush=True)
        host.status("close", disk=disk)
        host.call("delete", disk=disk)
finally:
    host.kill()
    shutil.rmtree(root)
