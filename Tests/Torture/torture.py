#!/usr/bin/env python3
"""Tortures coffer-diskd: random reads, writes, trims, flushes, snapshots, re-wraps, re-encryptions and resizes against a model in
memory, ended by crashes at random times; after each every flushed byte must be right and every sector decrypt.

    torture.py [--seed N] [--seconds S] [--mode kill|power|faults|ceph] [--lie P] [--diskd PATH] [--keep]

kill: the process is killed with -9; what it acknowledged is there.  power: on top of that, what was not synced is dropped, torn or
reordered (shim.c, powercut.py).  faults: writes and syncs of its files fail with EIO and ENOSPC, and a backing file is made shorter: clean
errors, and no byte that was never written.  ceph: as kill, with the disks in a Ceph cluster of one node, which is started for it.

--lie P makes that share of syncs do nothing while they say they did: the program must find fault then, or it finds nothing.
The last line is `N crashes, N checks, N failed`. Needs Python's `cryptography` and a C compiler.
"""
import argparse
import mmap
import os
import pathlib
import random as randoms
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "Journeys")]
from ceph import POOL, Ceph  # noqa: E402
from diskhost import FIRST_TARGET, NBD, Gone, Host, Keys, Refused, new_id  # noqa: E402
from powercut import Replay  # noqa: E402

BLOCK, SECTOR = 512, 4096
REGIONS = 3
EXPECTED = {"busy", "badCommand", "generationChanged", "wrongKey"}


class Fault(Exception):
    """Something that must not be."""


def contents(tags, first):
    """Blocks whose every 16 bytes name their tag and place, so that no mixture passes for one; tag 0 is zeros."""
    return b"".join(
        bytes(BLOCK) if tag == 0 else struct.pack("<QQ", tag, first + index) * (BLOCK // 16) for index, tag in enumerate(tags))


def tag_of(block, number):
    """The tag of a block, or None if it is nothing that anybody wrote there."""
    tag, place = struct.unpack_from("<QQ", block)
    if block == (bytes(BLOCK) if tag == 0 else struct.pack("<QQ", tag, number) * (BLOCK // 16)):
        return tag
    return None


class Disk:
    """What a disk is to hold: for each block what was written last, and all that it may be after a crash."""

    def __init__(self, name, layers, size, tags=None):
        self.name, self.size = name, size
        self.now = list(tags) if tags else [0] * (size // BLOCK)
        # What a block may be after a power cut, after a write to it failed, and while a write to it is in flight.
        self.maybe, self.unsure, self.flying = {}, {}, {}
        self.states = {self.state(layers, [])}
        self.locks = [threading.Lock() for _ in range(REGIONS)]
        self.busy = threading.Lock()

    @staticmethod
    def state(layers, target):
        return tuple(bytes(layer["wrappedKey"]) for layer in layers), tuple(bytes(layer["wrappedKey"]) for layer in target)

    def settle(self, status):
        """What the host acknowledged, and what that leads to by itself."""
        seen = self.state(status["layers"], (status.get("reencryption") or {}).get("layers", []))
        self.states = {seen} | ({(seen[1], ())} if seen[1] else set())

    def intend(self, layers, target):
        """A command in flight may come to this."""
        seen = self.state(layers, target)
        self.states |= {seen} | ({(seen[1], ())} if seen[1] else set())

    def region(self, number):
        """The blocks that one client has for itself, of the size that it knows."""
        sectors = self.known * BLOCK // SECTOR
        return sectors * number // REGIONS * SECTOR // BLOCK, sectors * (number + 1) // REGIONS * SECTOR // BLOCK

    def begin(self, first, tags):
        for index, tag in enumerate(tags):
            self.maybe.setdefault(first + index, {self.now[first + index]}).add(tag)
            self.flying[first + index] = {self.now[first + index], tag}

    def end(self, first, tags, is_durable):
        for index, tag in enumerate(tags):
            self.now[first + index] = tag
            self.unsure.pop(first + index, None)
            self.flying.pop(first + index, None)
            if is_durable:
                self.maybe.pop(first + index, None)

    def fail(self, first, tags):
        for index, tag in enumerate(tags):
            self.unsure.setdefault(first + index, {self.now[first + index]}).add(tag)

    def flushed(self, numbers):
        for number in numbers:
            self.maybe.pop(number, None)

    def grow(self, size):
        self.now += [0] * (size // BLOCK - len(self.now))
        self.size = size


class Torture:
    def __init__(self, options):
        self.options, self.random = options, randoms.Random(options.seed)
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="torture-"))
        self.log = self.root / "diskd.log"
        self.crashes = self.checks = 0
        self.counts, self.failures = {}, []
        self.tag = 0
        self.tag_lock = threading.Lock()
        self.keys = Keys(randoms.Random(options.seed + 1))
        self.disks, self.doubtful = {}, set()
        self.tolerates_errors = False
        self.data = self.root / "d0"
        self.ceph = None
        if options.mode == "ceph":
            self.data.mkdir()
            self.ceph = Ceph(self.root / "ceph", timeout=30)
            self.ceph.start()
            store = ["--disk-store", f"rbd:{POOL}", "--ceph-conf", str(self.ceph.conf), "--ceph-user", "coffer"]
            self.host = Host(options.diskd, options=store)
            return
        (self.data / "disks").mkdir(parents=True)
        shim = self.root / "shim.so"
        subprocess.run([shutil.which("cc") or "clang", "-O2", "-shared", "-fPIC", "-o", shim, HERE / "shim.c", "-ldl"], check=True)
        self.fault_path = self.root / "faults"
        self.fault_path.write_bytes(bytes(64))
        self.fault_map = mmap.mmap(os.open(self.fault_path, os.O_RDWR), 64)
        self.host = Host(options.diskd, shim)

    # --- Crashes

    def start(self):
        self.record = self.root / f"record-{self.crashes}" if self.options.mode == "power" else None
        self.replay = Replay(self.data / "disks") if self.record else None
        self.set_faults(lie=self.options.lie)
        self.host.start(self.data, self.log, self.record, None if self.ceph else self.fault_path)

    def set_faults(self, **faults):
        if not self.ceph:
            self.write_faults(**faults)

    def write_faults(self, write=0.0, write_code=5, sync=0.0, sync_code=5, lie=0.0, files=7, deaths=(0.0, 0.0, 0.0), delay=0):
        share = lambda probability: int(probability * 65536)
        words = (write_code, share(write), sync_code, share(sync), share(lie), files, *map(share, deaths), delay)
        self.fault_map[:40] = struct.pack("<10I", *words)

    def plan_death(self):
        """Where the host is to die: at a moment of its own, if it comes to it, and how long its syncs take till then."""
        deaths = [0.0, 0.0, 0.0]
        if self.random.random() < 0.75:
            deaths[self.random.randrange(3)] = self.random.choice((0.02, 0.1, 0.3))
        self.set_faults(lie=self.options.lie, deaths=deaths, delay=self.random.choice((0, 1000, 10_000)))

    def crash(self):
        self.host.kill()
        self.crashes += 1
        if self.options.mode != "power":
            return
        self.replay.read(self.record)
        after = self.root / f"d{self.crashes}"
        after.mkdir()
        self.replay.cut(after / "disks", self.random)
        self.record.unlink()
        shutil.rmtree(self.data)
        self.data = after

    # --- What clients do

    def next_tags(self, count):
        with self.tag_lock:
            self.tag += 1
            return [self.tag] * count

    def client(self, disk, number, seed, stop):
        """Requests to one region of a disk, until the end."""
        random = randoms.Random(seed)
        # In some lives hardly anything is synced.
        flushes = random.choice((0, 0, 1, 3))
        mix = ("write",) * 12 + ("read",) * 6 + ("zero", "trim") * 2 + ("flush",) * flushes
        try:
            connection = NBD(self.host.data / "run/nbd.sock", disk.name)
            while not stop.is_set():
                with disk.locks[number]:
                    self.request(disk, number, random, connection, mix)
        except (Gone, Refused):
            pass
        except Exception as error:  # noqa: BLE001
            self.failures.append(f"{disk.name} region {number}: {error!r}")

    def request(self, disk, number, random, connection, mix):
        low, high = disk.region(number)
        if random.random() < 0.7 and high - low > 256:
            # Near by, so that blocks are written again before they are synced.
            low += (seed_of(disk.name) + number) % (high - low - 256)
            high = low + 256
        count = min(random.choice((1, 3, 8, 8, 16, 40, 128)), high - low)
        first = random.randrange(low, high - count + 1)
        what = random.choice(mix)
        self.counts[what] = self.counts.get(what, 0) + 1
        if what == "read":
            error, data = connection.read(first * BLOCK, count * BLOCK)
            if self.failed(error, what):
                return
            self.compare(disk, first, data, disk.unsure, "read")
        elif what == "flush":
            pending = [number for number in list(disk.maybe) if low <= number < high]
            if not self.failed(connection.flush(), what):
                disk.flushed(pending)
        elif what == "write":
            tags, is_durable = self.next_tags(count), random.random() < 0.1
            disk.begin(first, tags)
            if self.failed(connection.write(first * BLOCK, contents(tags, first), is_durable), what):
                disk.fail(first, tags)
            else:
                disk.end(first, tags, is_durable)
        else:
            step = SECTOR // BLOCK
            first, count = first // step * step, max(step, count // step * step)
            if first < low or first + count > high:
                return
            tags = [0] * count
            disk.begin(first, tags)
            offset, length = first * BLOCK, count * BLOCK
            error = connection.trim(offset, length) if what == "trim" else connection.zero(offset, length, random.random() < 0.5)
            if self.failed(error, what):
                disk.fail(first, tags)
            else:
                disk.end(first, tags, False)

    def failed(self, error, what):
        if error and not self.tolerates_errors:
            raise Fault(f"{what} failed with error {error}")
        return error

    def compare(self, disk, first, data, maybe, when):
        self.checks += 1
        for index in range(len(data) // BLOCK):
            number = first + index
            tag = tag_of(data[index * BLOCK:(index + 1) * BLOCK], number)
            allowed = maybe.get(number) or {disk.now[number]}
            if tag not in allowed:
                what = "noise" if tag is None else f"tag {tag}"
                raise Fault(f"{when}: block {number} of {disk.name} is {what}, and should be of {sorted(allowed)}")

    # --- What the control plane does

    def make(self, layers=None, size=None):
        random = self.random
        size = size or random.choice((1, 3, 8)) << 20
        layers = [self.keys.make() for _ in range(layers or random.choice((1, 2)))]
        disk = Disk(new_id(random), layers, size)
        self.host.status("create", disk=disk.name, byteCount=size, layers=layers, keys=self.host.boxes(self.keys, disk.name, layers))
        self.disks[disk.name] = disk
        self.host.open(self.keys, disk.name)
        return disk

    def command(self, random):
        """One random command; what is refused because of another is no fault."""
        disk = self.disks[random.choice(sorted(self.disks))]
        kinds = ("rewrap",) * 3 + ("reencrypt",) * 8 + ("steer",) * 3 + ("copy", "resize", "suspend")
        kind = random.choice(kinds)
        self.counts[kind] = self.counts.get(kind, 0) + 1
        try:
            with disk.busy:
                getattr(self, kind)(disk, random)
        except Refused as refusal:
            if refusal.code not in EXPECTED and not (self.tolerates_errors and refusal.code in ("system", "noSpace")):
                raise Fault(f"{kind}: {refusal}") from None
            self.counts[f"{kind} refused"] = self.counts.get(f"{kind} refused", 0) + 1

    def rewrap(self, disk, random):
        status = self.host.status("inspect", disk=disk.name)
        target = (status.get("reencryption") or {}).get("layers", [])
        numbers = list(range(len(status["layers"]))) + [FIRST_TARGET + index for index in range(len(target))]
        number = random.choice(numbers)
        old = (status["layers"] + target)[numbers.index(number)]
        new = self.keys.make(self.keys.key(old))
        layers, others = list(status["layers"]), list(target)
        (others if number >= FIRST_TARGET else layers)[number % FIRST_TARGET] = new
        disk.intend(layers, others)
        now = self.host.status(
            "rewrap", disk=disk.name, layer=number, to=new, key=self.host.box(self.keys.key(old), disk.name, number), **{"from": status["generation"]})
        disk.settle(now)

    def reencrypt(self, disk, random):
        status = self.host.status("inspect", disk=disk.name)
        if status.get("reencryption"):
            return
        target = [self.keys.make() for _ in range(random.choice((1, 2)))]
        disk.intend(status["layers"], target)
        boxes = self.host.boxes(self.keys, disk.name, status["layers"]) + self.host.boxes(self.keys, disk.name, target, FIRST_TARGET)
        rate = random.choice((0, 0, 0, 1 << 20, 8 << 20))
        disk.settle(self.host.status("reencrypt", disk=disk.name, to=target, keys=boxes, bytesPerSecond=rate))

    def steer(self, disk, random):
        wish = random.choice(({"isPaused": True}, {"isPaused": False}, {"isPaused": False}, {"bytesPerSecond": random.choice((0, 0, 4 << 20))}))
        disk.settle(self.host.status("steerReencryption", disk=disk.name, **wish))

    def suspend(self, disk, random):
        for lock in disk.locks:
            lock.acquire()
        try:
            disk.settle(self.host.status("suspend", disk=disk.name, reason="torture"))
            status = self.host.status("inspect", disk=disk.name)
            disk.settle(self.host.status("resume", disk=disk.name, keys=self.host.all_boxes(self.keys, disk.name, status)))
        finally:
            for lock in disk.locks:
                lock.release()

    def resize(self, disk, random):
        if disk.size >= 12 << 20:
            return
        for lock in disk.locks:
            lock.acquire()
        try:
            size = disk.size + random.choice((SECTOR, 1 << 20))
            disk.sizes = {disk.size, size}
            self.host.status("resize", disk=disk.name, byteCount=size)
            disk.sizes = {size}
            disk.grow(size)
        finally:
            for lock in disk.locks:
                lock.release()

    def copy(self, disk, random):
        for lock in disk.locks:
            lock.acquire()
        try:
            if len(self.disks) > 3:
                old = next(name for name in sorted(self.disks) if name != disk.name)
                if self.disks[old].busy.acquire(blocking=False):
                    self.delete(self.disks[old])
                return
            status = self.host.status("inspect", disk=disk.name)
            layers = [self.keys.make(self.keys.key(layer)) for layer in status["layers"]]
            name = new_id(random)
            self.doubtful.add(name)
            made = self.host.status("copy", disk=name, source=disk.name, layers=layers, keys=self.host.boxes(self.keys, name, layers))
            while made["state"] == "copying":
                time.sleep(0.01)
                made = self.host.status("inspect", disk=name)
            if made["state"] == "failed":
                raise Refused("busy", made["reason"])
            copied = Disk(name, layers, disk.size, disk.now)
            copied.settle(made)
            copied.unsure = {number: set(tags) for number, tags in disk.unsure.items()}
            self.doubtful.discard(name)
            self.disks[name] = copied
        finally:
            for lock in disk.locks:
                lock.release()

    def delete(self, disk):
        self.doubtful.add(disk.name)
        del self.disks[disk.name]
        self.host.status("close", disk=disk.name)
        self.host.call("delete", disk=disk.name)
        self.doubtful.discard(disk.name)

    # --- One life of the host

    def live(self, seconds):
        """Requests and commands for a while, ended by a crash in their midst."""
        stop, threads = threading.Event(), []
        for disk in list(self.disks.values()):
            disk.known = len(disk.now)
            if disk.name in self.opened:
                for number in range(REGIONS):
                    arguments = (disk, number, self.random.random(), stop)
                    threads.append(threading.Thread(target=self.client, args=arguments, daemon=True))
        commander = threading.Thread(target=self.commands, args=(self.random.random(), stop), daemon=True)
        for thread in threads + [commander]:
            thread.start()
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.host.process.poll() is None:
            time.sleep(0.005)
        return stop, threads + [commander]

    def commands(self, seed, stop):
        random = randoms.Random(seed)
        try:
            while not stop.is_set():
                self.command(random)
                time.sleep(random.random() * 0.05)
        except Gone:
            pass
        except Exception as error:  # noqa: BLE001
            self.failures.append(f"command: {error!r}")

    def open_all(self):
        self.opened = set()
        for disk in list(self.disks.values()):
            try:
                found = self.host.status("inspect", disk=disk.name)
            except Refused as refusal:
                raise Fault(f"{disk.name} is lost: {refusal}") from None
            seen = Disk.state(found["layers"], (found.get("reencryption") or {}).get("layers", []))
            if seen not in disk.states:
                raise Fault(f"the header of {disk.name} has layers that were not acknowledged")
            sizes = getattr(disk, "sizes", {disk.size})
            if found["byteCount"] not in sizes:
                raise Fault(f"{disk.name} has {found['byteCount']} bytes, not one of {sizes}")
            if found["byteCount"] > disk.size:
                disk.grow(found["byteCount"])
            disk.sizes = {disk.size}
            disk.settle(self.host.open(self.keys, disk.name))
            self.opened.add(disk.name)

    def verify(self, disk, when):
        """Reads all of a disk and holds it against the model, which knows more afterwards."""
        connection = NBD(self.host.data / "run/nbd.sock", disk.name)
        maybe = {"power": disk.maybe, "kill": disk.flying, "ceph": disk.flying, "faults": disk.unsure}[self.options.mode]
        for offset in range(0, disk.size, 1 << 20):
            length = min(1 << 20, disk.size - offset)
            error, data = connection.read(offset, length)
            if error:
                raise Fault(f"{when}: reading {disk.name} at {offset} failed with error {error}")
            first = offset // BLOCK
            self.compare(disk, first, data, maybe, when)
            for index in range(length // BLOCK):
                disk.now[first + index] = tag_of(data[index * BLOCK:(index + 1) * BLOCK], first + index)
        connection.close()
        disk.maybe, disk.unsure, disk.flying = {}, {}, {}

    def clear_doubt(self):
        """Disks that a command in flight was making or deleting: either way is right; none may be half there."""
        listed = self.host.call("list")["disks"]
        if listed["refused"]:
            raise Fault(f"directories that are no disks: {listed['refused']}")
        names = {status["disk"] for status in listed["_0"]}
        for name in names - set(self.disks):
            if name not in self.doubtful:
                raise Fault(f"{name} is there and should not be")
            self.host.call("delete", disk=name)
        self.doubtful = set()

    def run(self):
        options, deadline = self.options, time.monotonic() + self.options.seconds
        self.start()
        for layers in (1, 2):
            self.make(layers)
        self.opened = set(self.disks)
        while time.monotonic() < deadline and not self.failures:
            life = self.random.uniform(0.2, 2.0)
            if options.mode == "faults":
                self.life_with_faults(life)
                continue
            self.plan_death()
            stop, threads = self.live(life)
            self.crash()
            stop.set()
            for thread in threads:
                thread.join(60)
            if self.failures:
                break
            self.after_crash()
        if not self.failures:
            self.finish()
        self.host.kill()

    def after_crash(self):
        for disk in self.disks.values():
            if disk.busy.locked():
                disk.busy = threading.Lock()
            disk.locks = [threading.Lock() for _ in range(REGIONS)]
        while self.random.random() < 0.25:
            self.start()
            opener = threading.Thread(target=self.try_to_open, daemon=True)
            opener.start()
            time.sleep(self.random.uniform(0, 0.05))
            self.crash()
            opener.join(60)
        self.start()
        self.clear_doubt()
        self.open_all()
        for disk in self.disks.values():
            self.verify(disk, f"after crash {self.crashes}")

    def try_to_open(self):
        """Opens the disks of a host that crashes meanwhile, perhaps amid what it does about the crash before."""
        try:
            self.open_all()
        except (Gone, Refused):
            pass
        except Exception as error:  # noqa: BLE001
            self.failures.append(f"opening: {error!r}")

    def life_with_faults(self, seconds):
        """Files fail for a while; then all is opened anew, and each block is one that was written there."""
        random = self.random
        self.tolerates_errors = True
        stop, threads = self.live(seconds / 2)
        self.set_faults(
            write=random.choice((0, 0.02, 0.3)), write_code=random.choice((5, 28)), sync=random.choice((0, 0.05)),
            sync_code=random.choice((5, 28)), files=random.choice((1, 2, 3, 7)))
        time.sleep(seconds / 2)
        stop.set()
        for thread in threads:
            thread.join(60)
        self.set_faults()
        self.crashes += 1
        for disk in self.disks.values():
            try:
                self.host.status("close", disk=disk.name)
            except Refused as refusal:
                if refusal.code not in ("system", "noSpace"):
                    raise Fault(f"close: {refusal}") from None
        self.clear_doubt()
        self.open_all()
        self.tolerates_errors = False
        for disk in self.disks.values():
            self.verify(disk, f"after faults {self.crashes}")
        self.shorten(random.choice(sorted(self.disks)))

    def shorten(self, name):
        """A backing file that somebody made shorter: an error where bytes are missing, and no opening of what is not all there."""
        disk, path = self.disks[name], self.host.data / "disks" / name / "data"
        tail = path.read_bytes()[-SECTOR:]
        connection = NBD(self.host.data / "run/nbd.sock", name)
        os.truncate(path, disk.size - SECTOR)
        error, _ = connection.read(disk.size - SECTOR, SECTOR)
        if not error:
            raise Fault("a sector that the backing file lost was read without an error")
        connection.close()
        try:
            self.host.status("close", disk=name)
            raise Fault("a disk whose backing file is too short was closed without a word")
        except Refused as refusal:
            if refusal.code != "corruptHeader":
                raise Fault(f"a backing file that is too short was told as {refusal}") from None
        try:
            self.host.open(self.keys, name)
            raise Fault("a disk whose backing file is too short was opened")
        except Refused as refusal:
            if refusal.code != "corruptHeader":
                raise Fault(f"a backing file that is too short was told as {refusal}") from None
        with open(path, "r+b") as file:
            file.seek(disk.size - SECTOR)
            file.write(tail)
        self.host.open(self.keys, name)
        self.verify(disk, "after the backing file was made whole again")

    def finish(self):
        """Lets every re-encryption end, and looks at everything once more."""
        for disk in self.disks.values():
            for _ in range(6000):
                status = self.host.status("inspect", disk=disk.name)
                job = status.get("reencryption")
                if not job:
                    break
                if job["state"] != "running" or job["bytesPerSecond"]:
                    self.host.status("steerReencryption", disk=disk.name, isPaused=False, bytesPerSecond=0)
                time.sleep(0.01)
            else:
                raise Fault(f"the re-encryption of {disk.name} does not end: {job}")
            disk.settle(status)
            self.verify(disk, "at the end")
            if self.ceph:
                continue
            names = sorted(path.name for path in (self.host.data / "disks" / disk.name).iterdir())
            if names != ["data", "header"]:
                raise Fault(f"{disk.name} has the files {names} at the end")
        journals = [name for name in self.ceph.objects() if "journal" in name] if self.ceph else []
        if journals:
            raise Fault(f"the pool has {journals} at the end")


def seed_of(name):
    return int(name[:8], 16)


def find_diskd():
    return HERE.parents[1] / ".build/release/coffer-diskd"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--mode", choices=("kill", "power", "faults", "ceph"), default="power")
    parser.add_argument("--lie", type=float, default=0.0)
    parser.add_argument("--diskd", type=pathlib.Path, default=find_diskd())
    parser.add_argument("--keep", action="store_true", help="keep the directory of a run that failed")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = int.from_bytes(os.urandom(4), "big")
    print(f"torture: mode {options.mode}, seed {options.seed}, {options.seconds:g} s", flush=True)
    torture = Torture(options)
    try:
        torture.run()
    except (Fault, Refused) as fault:
        torture.failures.append(str(fault))
    finally:
        if torture.host.process and torture.host.process.poll() is None:
            torture.host.kill()
        if torture.ceph:
            torture.ceph.stop()
    for failure in torture.failures:
        print(f"FAILED: {failure}")
    print(", ".join(f"{count} {what}" for what, count in sorted(torture.counts.items())))
    if torture.failures and options.keep:
        print(f"kept: {torture.root}")
    else:
        shutil.rmtree(torture.root, ignore_errors=True)
    print(f"{torture.crashes} crashes, {torture.checks} checks, {len(torture.failures)} failed")
    return 1 if torture.failures else 0


if __name__ == "__main__":
    sys.exit(main())
