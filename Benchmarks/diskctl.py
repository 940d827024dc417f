#!/usr/bin/env python3
"""Speaks the control protocol of coffer-diskd (docs/formats/disk-control.md), for measurements and by hand.

    diskctl.py DATA make BYTES [LAYERS]    makes a disk under random data keys, opens it, prints its NBD URI; 0 layers: not encrypted
    diskctl.py DATA COMMAND [JSON]         sends one command, such as: list, or: close '{"disk": "..."}'

Needs the package `cryptography`. The wrapped keys in the headers it makes are random bytes: such a disk cannot be opened again.
"""
import json, os, socket, struct, sys, uuid
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def mac(key, data):
    h = hmac.HMAC(key or bytes(32), hashes.SHA256())
    h.update(data)
    return h.finalize()


def expand(key, info, length):
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = mac(key, block + info + bytes([counter]))
        out, counter = out + block, counter + 1
    return out[:length]


def seal(secret, recipient, info, aad):
    """HPKE base mode (RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM."""
    kem, suite = b"KEM" + struct.pack(">H", 0x20), b"HPKE" + struct.pack(">HHH", 0x20, 1, 2)
    extract = lambda s, salt, label, ikm: mac(salt, b"HPKE-v1" + s + label + ikm)
    derive = lambda s, prk, label, i, n: expand(prk, struct.pack(">H", n) + b"HPKE-v1" + s + label + i, n)
    ephemeral = X25519PrivateKey.generate()
    enc = ephemeral.public_key().public_bytes_raw()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(recipient))
    shared = derive(kem, extract(kem, b"", b"eae_prk", shared), b"shared_secret", enc + recipient, 32)
    context = b"\0" + extract(suite, b"", b"psk_id_hash", b"") + extract(suite, b"", b"info_hash", info)
    root = extract(suite, shared, b"secret", b"")
    key, nonce = derive(suite, root, b"key", context, 32), derive(suite, root, b"base_nonce", context, 12)
    return enc + AESGCM(key).encrypt(nonce, secret, aad)


def receive(connection, count):
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            sys.exit("coffer-diskd closed the connection")
        data += piece
    return data


def call(data, command, arguments=None, role="diskd"):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(f"{data}/run/{role}.sock")
        body = json.dumps({command: arguments or {}}).encode()
        connection.sendall(struct.pack(">I", len(body)) + body)
        reply = json.loads(receive(connection, struct.unpack(">I", receive(connection, 4))[0]))
    if "failure" in reply:
        sys.exit(f"{command}: {reply['failure']['_0']}")
    return reply


def make(data, byte_count, layers=1):
    recipient = bytes(call(data, "hello", {"version": 1})["greeting"]["_0"]["recipientKey"])
    disk = str(uuid.uuid4())
    keys = [os.urandom(64) for _ in range(layers)]
    box = lambda i: {"box": list(seal(keys[i], recipient, b"coffer data key v1", f"{disk}/{i}".encode()))}
    wrapped = [{"keyID": f"platform:{i}", "algorithm": "A256KW", "wrappedKey": list(os.urandom(72))} for i in range(layers)]
    sealed = [box(i) for i in range(layers)]
    call(data, "create", {"disk": disk, "byteCount": byte_count, "layers": wrapped, "keys": sealed})
    export = call(data, "open", {"disk": disk, "keys": sealed, "isReadOnly": False})["disk"]["_0"]["export"]
    return f"nbd+unix:///{export['name']}?socket={export['socketPath']}"


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    if sys.argv[2] == "make":
        print(make(sys.argv[1], int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 1))
    else:
        print(json.dumps(call(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}), indent=1))
