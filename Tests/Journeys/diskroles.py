"""Has a storage service and a host of virtual machines, two processes of coffer-diskd, serve a disk, as the control plane would.

    diskroles.py DATA KEYS make BYTES LAYERS     makes a disk under new data keys, which are left in the file KEYS
    diskroles.py DATA KEYS open CACHE WHERE      opens it for a machine; WHERE its data is encrypted: host or storage
    diskroles.py DATA KEYS close
    diskroles.py DATA KEYS inspect               what each of the two says
    diskroles.py DATA KEYS holes

Prints JSON. Needs the package `cryptography`.
"""
import json
import os
import pathlib
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Benchmarks"))
from diskctl import call, seal

DATA, KEYS, COMMAND, *REST = sys.argv[1:]


def sealed(kept, role):
    recipient = bytes(call(DATA, "hello", {"version": 7}, role)["greeting"]["_0"]["recipientKey"])
    keys = [bytes.fromhex(key) for key in kept["keys"]]
    return [{"box": list(seal(key, recipient, b"coffer data key v1", f"{kept['disk']}/{index}".encode()))} for index, key in enumerate(keys)]


def make(byte_count, layers):
    kept = {"disk": str(uuid.uuid4()), "keys": [os.urandom(64).hex() for _ in range(int(layers))]}
    descriptor = os.open(KEYS, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(kept, file)
    wrapped = [{"keyID": f"platform:{index}", "algorithm": "A256KW", "wrappedKey": list(os.urandom(72))} for index in range(int(layers))]
    call(DATA, "create", {"disk": kept["disk"], "byteCount": int(byte_count), "layers": wrapped, "keys": sealed(kept, "diskd")})
    return kept["disk"]


def open_(kept, cache, where):
    at_host = where == "host"
    use = {"machine": {"cache": cache, "encryptsAtHost": at_host}}
    opened = call(DATA, "open", {
        "disk": kept["disk"], "keys": [] if at_host else sealed(kept, "diskd"), "isReadOnly": False, "use": use})["disk"]["_0"]
    return call(DATA, "attach", {"storage": opened, "keys": sealed(kept, "hostd") if at_host else [], "isReadOnly": False}, "hostd")["disk"]["_0"]


def main():
    if COMMAND == "make":
        return make(*REST)
    kept = json.loads(pathlib.Path(KEYS).read_text())
    about = {"disk": kept["disk"]}
    if COMMAND == "open":
        return open_(kept, *REST)
    if COMMAND == "close":
        call(DATA, "close", about, "hostd")
        return call(DATA, "close", about)["disk"]["_0"]
    if COMMAND == "inspect":
        return {role: call(DATA, "inspect", about, role)["disk"]["_0"]["state"] for role in ("diskd", "hostd")}
    if COMMAND == "holes":
        return call(DATA, "holes", about)["holes"]["_0"]
    sys.exit(__doc__)


print(json.dumps(main()))
