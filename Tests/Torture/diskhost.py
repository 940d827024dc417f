"""A coffer-diskd of its own: its process, its control protocol and its NBD exports."""
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import time
import uuid

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "Benchmarks"))
from diskctl import seal  # noqa: E402

FIRST_TARGET = 2


class Refused(Exception):
    """A failure that the host answered."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code


class Gone(Exception):
    """The host ended."""


class Keys:
    """All data keys that were ever made, by their wrapped forms, which are random here."""

    def __init__(self, random):
        self.random, self.known = random, {}

    def make(self, key=None):
        wrapped = self.random.randbytes(72)
        self.known[wrapped] = key or self.random.randbytes(64)
        return {"keyID": "platform:1", "algorithm": "A256KW", "wrappedKey": list(wrapped)}

    def key(self, layer):
        return self.known[bytes(layer["wrappedKey"])]


class Host:
    def __init__(self, program, shim=None, options=()):
        self.program, self.shim, self.options, self.process, self.data = program, shim, options, None, None

    def start(self, data, log, record=None, faults=None):
        self.data = pathlib.Path(data)
        environment = dict(os.environ)
        if self.shim and (record or faults):
            environment |= {
                "LD_PRELOAD": str(self.shim), "TORTURE_ROOT": str(self.data / "disks"), "TORTURE_LOG": str(record or os.devnull),
                "TORTURE_FAULTS": str(faults or "")}
        self.process = subprocess.Popen(
            [str(self.program), "--data", str(data), "--foreground", *self.options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(log, "ab"), env=environment)
        deadline = time.monotonic() + 60
        while True:
            try:
                self.recipient = bytes(self.call("hello", version=1)["greeting"]["_0"]["recipientKey"])
                return
            except Gone:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"coffer-diskd did not start: {open(log).read()[-2000:]}") from None
                time.sleep(0.01)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def call(self, command, **arguments):
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(120)
                connection.connect(str(self.data / "run/diskd.sock"))
                body = json.dumps({command: arguments}).encode()
                connection.sendall(struct.pack(">I", len(body)) + body)
                reply = json.loads(receive(connection, struct.unpack(">I", receive(connection, 4))[0]))
        except OSError as error:
            raise Gone(f"{command}: {error}") from None
        if "failure" in reply:
            failure = reply["failure"]["_0"]
            raise Refused(failure["code"], failure["message"])
        return reply

    def status(self, command, **arguments):
        return self.call(command, **arguments)["disk"]["_0"]

    def box(self, key, disk, number):
        return {"box": list(seal(key, self.recipient, b"coffer data key v1", f"{disk}/{number}".encode()))}

    def boxes(self, keys, disk, layers, first=0):
        return [self.box(keys.key(layer), disk, first + index) for index, layer in enumerate(layers)]

    def all_boxes(self, keys, disk, status):
        target = (status.get("reencryption") or {}).get("layers", [])
        return self.boxes(keys, disk, status["layers"]) + self.boxes(keys, disk, target, FIRST_TARGET)

    def open(self, keys, disk):
        return self.status("open", disk=disk, keys=self.all_boxes(keys, disk, self.status("inspect", disk=disk)), isReadOnly=False)


def receive(connection, count):
    data = bytearray()
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise Gone("the connection was closed")
        data += piece
    return bytes(data)


class NBD:
    """A connection to an export. Requests one after the other; each returns the error number, 0 for none."""

    def __init__(self, path, export):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(120)
        try:
            self.socket.connect(str(path))
            receive(self.socket, 18)
            name = export.encode()
            option = struct.pack(">I", len(name)) + name + struct.pack(">H", 0)
            self.socket.sendall(struct.pack(">I", 3) + b"IHAVEOPT" + struct.pack(">II", 7, len(option)) + option)
            while True:
                _, _, kind, length = struct.unpack(">QIII", receive(self.socket, 20))
                receive(self.socket, length)
                if kind == 1:
                    return
                if kind & 1 << 31:
                    raise Refused("nbd", f"option {kind}")
        except OSError as error:
            raise Gone(str(error)) from None

    def request(self, kind, offset, length, data=b"", flags=0):
        try:
            self.socket.sendall(struct.pack(">IHHQQI", 0x25609513, flags, kind, 1, offset, length) + data)
            _, error, _ = struct.unpack(">IIQ", receive(self.socket, 16))
            return error, receive(self.socket, length) if kind == 0 and not error else b""
        except OSError as error:
            raise Gone(str(error)) from None

    def read(self, offset, length):
        return self.request(0, offset, length)

    def write(self, offset, data, is_durable):
        return self.request(1, offset, len(data), data, 1 if is_durable else 0)[0]

    def flush(self):
        return self.request(3, 0, 0)[0]

    def trim(self, offset, length):
        return self.request(4, offset, length)[0]

    def zero(self, offset, length, may_make_hole):
        return self.request(6, offset, length, flags=0 if may_make_hole else 2)[0]

    def close(self):
        self.socket.close()


def new_id(random):
    return str(uuid.UUID(bytes=random.randbytes(16)))
