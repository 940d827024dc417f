"""A Ceph cluster of one monitor and one OSD, on this machine alone: Debian's packages, with authentication, its data in one directory.

    ceph.py DIRECTORY     starts one, prints the path of its ceph.conf and the user that Coffer is to use, and serves until it is ended
"""
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import uuid

CONF = """[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{port}/0
ms bind msgr1 = false
ms bind ipv6 = false
public addr = 127.0.0.1
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
osd crush chooseleaf type = 0
osd pool default pg num = 8
osd pool default pg autoscale mode = off
mon data avail crit = 1
mon data avail warn = 1
run dir = {root}/run
admin socket = {root}/run/$name.asok
pid file = {root}/run/$name.pid
log file = {root}/run/$name.log
crash dir = {root}/run
[mon.a]
mon data = {root}/mon
mon initial members = a
# Changes of the map, such as new snapshots, do not wait for others.
paxos propose interval = 0.1
[osd.0]
osd data = {root}/osd
keyring = {root}/osd/keyring
osd objectstore = bluestore
bluestore block size = {size}
bluestore block db size = 0
osd memory target = 939524096
osd snap trim sleep = 0.001
osd max object name len = 256
[client]
rados osd op timeout = {timeout}
[client.admin]
keyring = {root}/admin.keyring
[client.coffer]
keyring = {root}/coffer.keyring
"""
POOL = "disks"


class Ceph:
    def __init__(self, root, environment=None, size=4 << 30, timeout=4):
        self.root = pathlib.Path(root)
        self.conf = self.root / "ceph.conf"
        self.environment = {**(environment or os.environ), "CEPH_CONF": str(self.conf)}
        self.size, self.timeout, self.processes = size, timeout, {}

    def run(self, *words, ok=True, timeout=60):
        words = [str(word) for word in words]
        done = subprocess.run(words, capture_output=True, text=True, errors="replace", env=self.environment, timeout=timeout, stdin=subprocess.DEVNULL)
        if ok and done.returncode:
            raise RuntimeError(f"{' '.join(words)[:300]}: status {done.returncode}\n{done.stderr[-2000:]}")
        return done.stdout

    def daemon(self, name, *words):
        log = open(self.root / f"{name}.out", "ab")
        self.processes[name] = subprocess.Popen([*words, "-f"], env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def start(self):
        """Makes the cluster, and a pool and a user as docs/formats/rbd.md describes them."""
        try:
            self.make()
        except BaseException:
            self.stop()
            raise

    def make(self):
        for part in ("mon", "osd", "run"):
            (self.root / part).mkdir(parents=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        fsid = str(uuid.uuid4())
        self.conf.write_text(CONF.format(fsid=fsid, port=port, root=self.root, size=self.size, timeout=self.timeout))
        self.run("ceph-authtool", "--create-keyring", self.root / "mon.keyring", "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
        self.run(
            "ceph-authtool", "--create-keyring", self.root / "admin.keyring", "--gen-key", "-n", "client.admin", "--cap", "mon", "allow *",
            "--cap", "osd", "allow *", "--cap", "mgr", "allow *")
        self.run("ceph-authtool", self.root / "mon.keyring", "--import-keyring", self.root / "admin.keyring")
        self.run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v2:127.0.0.1:{port}]", self.root / "monmap")
        self.run("ceph-mon", "--mkfs", "-i", "a", "--monmap", self.root / "monmap", "--keyring", self.root / "mon.keyring")
        self.daemon("mon", "ceph-mon", "-i", "a")
        osd = str(uuid.uuid4())
        self.run("ceph", "--connect-timeout", "30", "osd", "new", osd)
        self.run("ceph", "auth", "get-or-create", "osd.0", "mon", "allow profile osd", "osd", "allow *", "-o", self.root / "osd/keyring")
        self.run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self.start_osd()
        self.run("ceph", "osd", "pool", "create", POOL, "8", "8")
        self.run("rbd", "pool", "init", POOL)
        self.run(
            "ceph", "auth", "get-or-create", "client.coffer", "mon", "profile rbd", "osd", f"profile rbd pool={POOL}", "-o",
            self.root / "coffer.keyring")

    def start_osd(self):
        self.daemon("osd", "ceph-osd", "-i", "0")
        deadline = time.monotonic() + 60
        while "1 up" not in self.run("ceph", "osd", "stat"):
            if time.monotonic() > deadline:
                raise RuntimeError("the OSD does not come up")
            time.sleep(0.2)

    def kill_osd(self):
        self.processes["osd"].kill()
        self.processes["osd"].wait()

    def pause_osd(self):
        self.processes["osd"].send_signal(signal.SIGSTOP)

    def continue_osd(self):
        self.processes["osd"].send_signal(signal.SIGCONT)

    def objects(self, namespace=""):
        """The names of all objects."""
        return self.run("rados", "-p", POOL, *(["-N", namespace] if namespace else []), "ls").split()

    def stop(self):
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
                process.wait()


def main():
    ceph = Ceph(sys.argv[1], timeout=30)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        ceph.start()
        print(f"{ceph.conf} coffer", flush=True)
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        ceph.stop()


if __name__ == "__main__":
    main()
