"""Whole virtual machines that boot from a disk of their own, and the metadata service that one of them sees."""
import base64
import fcntl
import http.server
import json
import os
import pathlib
import random
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
import time

from expectations import *
from guests import PACKAGE

IMAGE = PACKAGE / ".build/images/debian-12.raw"
HERE = pathlib.Path(__file__).resolve().parent
UEFI = pathlib.Path("/usr/share/OVMF")


def build_image(stage):
    """The image of Debian 12, built unless it is there; one journey at a time. Its path."""
    IMAGE.parent.mkdir(parents=True, exist_ok=True)
    with open(IMAGE.parent / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stage.run([stage.coffer_path, "image", "build", "debian-12", "--output", str(IMAGE)], timeout=600)
    return IMAGE


class Metadata:
    """Answers as 169.254.169.254 does, on a Unix socket: `instance` as the instance's metadata, `host` as what Coffer adds, if any."""

    def __init__(self, path, instance, host=None):
        self.path, self.asked = path, []
        metadata = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def address_string(self):
                return "guest"

            def log_message(self, *_):
                pass

            def do_GET(self):
                metadata.asked.append(self.path)
                if self.headers.get("Metadata") != "true":
                    return self.answer(400, {"error": "Bad request. Required metadata header not specified"})
                if self.path == "/metadata/instance?api-version=2021-02-01":
                    return self.answer(200, instance)
                if self.path == "/coffer/provision" and host:
                    return self.answer(200, host)
                self.answer(404, {"error": "Not found"})

            def answer(self, status, value):
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

        self.server = Server(str(path), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Machine:
    """A machine that boots from `disk` (QEMU's words for a block device, without the id), by BIOS or UEFI.

    Its first card has a network with port `ssh_port` of this machine leading to its SSH; its second one leads to `metadata` alone.
    """

    def __init__(self, stage, name, disk, metadata, ssh_port, uefi=False, temporary=None):
        self.stage, self.name = stage, name
        self.directory = stage.root / name
        self.directory.mkdir()
        self.console = self.directory / "console.log"
        forward = f"-cmd:{sys.executable} -S {HERE / 'relay.py'} {metadata.path}"
        words = [
            "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-machine", "q35", "-m", "512", "-nodefaults", "-no-user-config",
            "-display", "none", "-no-reboot", "-serial", f"file:{self.console}",
            "-drive", f"{disk},if=none,id=os,cache=unsafe", "-device", "virtio-blk-pci,drive=os,bootindex=1",
            "-device", "virtio-serial-pci", "-chardev", f"socket,id=agent,path={self.directory}/agent,server=on,wait=off",
            "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
            "-netdev", f"user,id=lan,hostfwd=tcp:127.0.0.1:{ssh_port}-:22", "-device", "virtio-net-pci,netdev=lan,mac=52:54:00:c0:ff:e1",
            "-netdev", "user,id=metadata,net=169.254.169.0/24,host=169.254.169.1,dns=169.254.169.3,dhcpstart=169.254.169.15,restrict=on,"
            f"guestfwd=tcp:169.254.169.254:80{forward},guestfwd=tcp:169.254.169.254:8443{forward}",
            "-device", "virtio-net-pci,netdev=metadata,mac=52:54:a9:c0:ff:e1", "-device", "virtio-rng-pci",
        ]
        if temporary:
            words += ["-drive", f"file={temporary},format=raw,if=none,id=temporary,cache=unsafe",
                      "-device", "virtio-blk-pci,drive=temporary,serial=coffer-temp"]
        if uefi:
            shutil.copy(UEFI / "OVMF_VARS_4M.fd", self.directory / "vars.fd")
            words += ["-drive", f"if=pflash,format=raw,readonly=on,file={UEFI}/OVMF_CODE_4M.fd",
                      "-drive", f"if=pflash,format=raw,file={self.directory}/vars.fd"]
        self.started = time.monotonic()
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, env={**os.environ, **stage.environment})
        self.agent = None

    def wait_for_agent(self, timeout=240):
        """Until the guest agent answers; returns the seconds since the start."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            expect(self.process.poll() is None, f"{self.name}'s QEMU has ended; its console: {self.said()[-500:]}")
            mark = random.randrange(1 << 30)
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(2)
            try:
                connection.connect(f"{self.directory}/agent")
                connection.sendall(b"\xff" + json.dumps({"execute": "guest-sync-delimited", "arguments": {"id": mark}}).encode() + b"\n")
                heard = b""
                while b'"return": %d}' % mark not in heard:
                    piece = connection.recv(4096)
                    if not piece:
                        raise OSError
                    heard += piece
                connection.settimeout(60)
                self.agent = connection
                return time.monotonic() - self.started
            except OSError:
                connection.close()
                time.sleep(0.2)
        raise Failure(f"{self.name}'s guest agent says nothing; its console: {self.said()[-2000:]}")

    def call(self, command, **arguments):
        self.agent.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        heard = b""
        while not heard.endswith(b"\n"):
            piece = self.agent.recv(65536)
            expect(piece, f"{self.name}'s guest agent is gone")
            heard += piece
        answer = json.loads(heard)
        expect("return" in answer, f"{command}: {answer.get('error')}")
        return answer["return"]

    def execute(self, line, ok=True, timeout=120):
        """Runs a line of shell as root in the guest and returns what it prints."""
        process = self.call("guest-exec", path="/bin/sh", arg=["-c", line], **{"capture-output": True})["pid"]
        deadline = time.monotonic() + timeout
        while not (state := self.call("guest-exec-status", pid=process))["exited"]:
            expect(time.monotonic() < deadline, f"`{line}` does not end in {self.name}")
            time.sleep(0.1)
        said, complained = (base64.b64decode(state.get(name, "")).decode(errors="replace") for name in ("out-data", "err-data"))
        self.stage.say(f"{self.name}# {line[:200]} -> {state.get('exitcode')}\n{said}{complained}")
        expect(not ok or state.get("exitcode") == 0, f"`{line}` in {self.name} ended with {state.get('exitcode')}: {said}{complained}")
        return said.strip()

    def wait_for_provisioning(self, timeout=180):
        """Until the machine is set up; returns the seconds since the start."""
        def is_ready():
            state = self.execute("systemctl is-active coffer-provision.service", ok=False)
            expect(state != "failed", f"provisioning failed: {self.said()[-1000:]}")
            return state == "active"
        eventually(is_ready, timeout, f"{self.name} is not set up", every=0.5)
        return time.monotonic() - self.started

    def said(self):
        return self.console.read_text(errors="replace") if self.console.exists() else ""

    def stop(self):
        """Shuts it down from within."""
        self.agent.sendall(json.dumps({"execute": "guest-shutdown"}).encode() + b"\n")
        try:
            self.process.wait(90)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failure(f"{self.name} does not shut down; its console: {self.said()[-1000:]}") from None
