#!/usr/bin/env python3
"""nbdtls.py [REPETITIONS, 5] [MIB, 512]: what TLS costs NBD, of coffer-diskd and of qemu-nbd.

libnbd's nbdcopy is the client, one connection, disks on tmpfs; the peers take turns. A reading copies a disk to nowhere, a writing copies random data
to it. Prints Markdown: medians of the rate and of the server's processor seconds a GiB, and ratios. DISKD names a coffer-diskd, as for disks.sh.

Needs libnbd-bin, qemu-utils, openssl and python3-cryptography; as root it installs what is missing.
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
DISKD = os.environ.get("DISKD", str(HERE.parent / ".build/release/coffer-diskd"))
REPETITIONS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
MIB = int(sys.argv[2]) if len(sys.argv) > 2 else 512
TICKS = os.sysconf("SC_CLK_TCK")


def install():
    if shutil.which("nbdcopy") and shutil.which("qemu-nbd") and subprocess.run([sys.executable, "-c", "import cryptography"], capture_output=True).returncode == 0:
        return
    subprocess.run(["apt-get", "install", "-y", "-q", "--no-install-recommends", "libnbd-bin", "qemu-utils", "openssl", "python3-cryptography"], check=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def certificates(root):
    """One directory with both sides' certificates, in the layout that QEMU and libnbd read."""
    root.mkdir()
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *curve, "-days", "2", "-subj", "/CN=bench", "-keyout", root / "ca-key.pem", "-out", root / "ca-cert.pem")
    for role, name in (("server", "localhost"), ("client", "*")):
        (root / "ext").write_text(f"extendedKeyUsage={role}Auth\nsubjectAltName=IP:127.0.0.1,DNS:localhost\n")
        openssl("req", "-new", *curve, "-subj", f"/CN={name}", "-keyout", root / f"{role}-key.pem", "-out", root / "request")
        openssl("x509", "-req", "-in", root / "request", "-CA", root / "ca-cert.pem", "-CAkey", root / "ca-key.pem", "-CAcreateserial", "-days", "2",
                "-extfile", root / "ext", "-out", root / f"{role}-cert.pem")
        os.chmod(root / f"{role}-key.pem", 0o600)


class Server:
    def __init__(self, words, port=None, path=None):
        self.process = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            with socket.socket(socket.AF_UNIX if path else socket.AF_INET) as probe:
                if probe.connect_ex(str(path) if path else ("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        sys.exit(f"{words[0]} does not answer")

    def seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def measure(server, source, target):
    """MB/s, and processor seconds a GiB of the server and of the client."""
    before, children, start = server.seconds(), os.times(), time.monotonic()
    subprocess.run(["nbdcopy", "--connections=1", "--allocated", source, target], check=True, timeout=600)
    wall, after = time.monotonic() - start, os.times()
    client = after.children_user + after.children_system - children.children_user - children.children_system
    return MIB * 1.048576 / wall, (server.seconds() - before) * 1024 / MIB, client * 1024 / MIB


def main():
    install()
    work = pathlib.Path(tempfile.mkdtemp(prefix="coffer-tls.", dir="/dev/shm"))
    servers = []
    try:
        raw = work / "raw.img"
        with open(raw, "wb") as file:
            for _ in range(MIB):
                file.write(os.urandom(1 << 20))
        tls = work / "tls"
        certificates(tls)
        peers = {}
        for layers in (0, 1):
            port, data = free_port(), work / f"coffer-{layers}"
            server = Server([DISKD, "--data", data, "--foreground", "--nbd-listen", f"127.0.0.1:{port}", "--nbd-certificate", tls / "server-cert.pem",
                             "--nbd-key", tls / "server-key.pem", "--nbd-client-ca", tls / "ca-cert.pem"], port=port)
            servers.append(server)
            local = subprocess.run([sys.executable, HERE / "diskctl.py", data, "make", str(MIB << 20), str(layers)], check=True, capture_output=True, text=True).stdout.strip()
            name = local.split("nbd+unix:///")[1].split("?")[0]
            what = "unencrypted" if layers == 0 else "one layer"
            peers[f"coffer-diskd, {what}"] = (server, local)
            peers[f"coffer-diskd, {what}, TLS"] = (server, f"nbds://127.0.0.1:{port}/{name}?tls-certificates={tls}")
        for secure in (False, True):
            port, image = free_port(), work / f"qemu-{secure}.img"
            shutil.copy(raw, image)
            words = ["qemu-nbd", "-t", "-e", "16", "-f", "raw", "-x", "d", "--discard=unmap"]
            if secure:
                words += ["-b", "127.0.0.1", "-p", port, "--object", f"tls-creds-x509,id=t,dir={tls},endpoint=server,verify-peer=yes", "--tls-creds", "t", image]
                server, uri = Server(words, port=port), f"nbds://127.0.0.1:{port}/d?tls-certificates={tls}"
            else:
                path = work / "qemu.sock"
                server, uri = Server([*words, "-k", path, image], path=path), f"nbd+unix:///d?socket={path}"
            servers.append(server)
            peers["qemu-nbd, unencrypted" + (", TLS" if secure else "")] = (server, uri)
        results = {name: {"read": [], "write": []} for name in peers}
        for _ in range(REPETITIONS):
            for name, (server, uri) in peers.items():
                results[name]["write"].append(measure(server, str(raw), uri))
                results[name]["read"].append(measure(server, uri, "null:"))
        medians = {name: {way: [statistics.median(column) for column in zip(*runs)] for way, runs in ways.items()} for name, ways in results.items()}
        print(f"load {os.getloadavg()[0]:.1f}\n")
        print("| server | read MB/s | write MB/s | server s/GiB read | server s/GiB written | client s/GiB read |\n|---|---|---|---|---|---|")
        for name, ways in medians.items():
            print(f"| {name} | {ways['read'][0]:.0f} | {ways['write'][0]:.0f} | {ways['read'][1]:.2f} | {ways['write'][1]:.2f} | {ways['read'][2]:.2f} |")
        print("\n| ratio | read | write | server's time read | server's time written |\n|---|---|---|---|---|")
        for one, other in (("coffer-diskd, unencrypted, TLS", "coffer-diskd, unencrypted"), ("coffer-diskd, one layer, TLS", "coffer-diskd, one layer"),
                           ("qemu-nbd, unencrypted, TLS", "qemu-nbd, unencrypted"), ("coffer-diskd, unencrypted, TLS", "qemu-nbd, unencrypted, TLS"),
                           ("coffer-diskd, one layer, TLS", "qemu-nbd, unencrypted, TLS")):
            a, b = medians[one], medians[other]
            print(f"| {one} / {other} | {a['read'][0] / b['read'][0]:.2f} | {a['write'][0] / b['write'][0]:.2f} | {a['read'][1] / max(b['read'][1], 0.01):.2f} | "
                  f"{a['write'][1] / max(b['write'][1], 0.01):.2f} |")
        if "RESULTS" in os.environ:
            pathlib.Path(os.environ["RESULTS"]).write_text(json.dumps(results))
    finally:
        for server in servers:
            server.end()
        shutil.rmtree(work)


main()
