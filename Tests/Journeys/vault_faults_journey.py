"""Many clients at one name, kill -9 while they write, and a copy of the data without its root key."""
import concurrent.futures

from stage import *


def set_up(stage):
    stage.start_server()
    stage.make_group()
    stage.kept["vault"] = stage.make_vault(purge_protection=False)
    stage.assign("Key Vault Secrets Officer", stage.principal, stage.vault_id(stage.kept["vault"]))
    stage.vault_token()
    stage.kept["known"] = []


def ask(stage, method, path, body=None):
    separator = "&" if "?" in path else "?"
    return stage.request(
        method, f"{stage.vault_url(stage.kept['vault'])}/{path}{separator}api-version=7.5", body, stage.vault_token())


def versions(stage, path):
    found, link = set(), f"{stage.vault_url(stage.kept['vault'])}/{path}/versions?api-version=7.5"
    while link:
        reply = stage.request("GET", link, token=stage.vault_token())
        expect_equal(reply.status, 200, f"versions of {path} ({reply})")
        found |= {(each.get("kid") or each.get("id")).rsplit("/", 1)[1] for each in reply.json["value"]}
        link = reply.json.get("nextLink")
    return found


def storm(stage, kind, make, legal):
    """Eight clients make, delete and recover one name. No version that was answered for may be missing at the end."""
    made = []

    def client(number):
        for turn in range(10):
            if number < 5:
                method, path, body = make(number, turn)
                reply = ask(stage, method, path, body)
                if reply.status == 200:
                    name = (reply.json.get("key") or {}).get("kid") or reply.json.get("id")
                    made.append(name.rsplit("/", 1)[1])
            elif number == 5:
                reply = ask(stage, "DELETE", f"{kind}/contended")
            else:
                reply = ask(stage, "POST", f"deleted{kind}/contended/recover")
            expect(reply.status in legal, f"an answer that is not legal: {reply}")

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(client, number) for number in range(8)]:
            future.result()
    live, deleted = ask(stage, "GET", f"{kind}/contended"), ask(stage, "GET", f"deleted{kind}/contended")
    expect_equal(sorted([live.status, deleted.status]), [200, 404], f"the name is in use or deleted, not both ({live}, {deleted})")
    if deleted.status == 200:
        expect_equal(ask(stage, "POST", f"deleted{kind}/contended/recover").status, 200, "status of recovering")
    found = versions(stage, f"{kind}/contended")
    expect(len(made) > 5, f"only {len(made)} versions were made")
    expect(set(made) == found, f"lost: {set(made) - found}; never answered for: {found - set(made)}")


def test_one_secret_and_many_clients_end_in_a_legal_state(stage):
    storm(stage, "secrets", lambda number, turn: ("PUT", "secrets/contended", {"value": f"{number}-{turn}"}), (200, 404, 409))


def test_one_key_and_many_clients_end_in_a_legal_state(stage):
    def make(number, turn):
        return ("POST", "keys/contended/rotate", None) if turn % 2 else ("POST", "keys/contended/create", {"kty": "EC", "crv": "P-256"})

    storm(stage, "keys", make, (200, 404, 409))


def test_what_was_acknowledged_survives_kill_minus_nine(stage):
    acknowledged, tried = {}, {}

    def writer(number):
        turn = 0
        while True:
            name, value = f"crash-{number}", f"{uuid.uuid4()}-{turn}"
            tried.setdefault(name, set()).add(value)
            try:
                reply = ask(stage, "PUT", f"secrets/{name}", {"value": value})
            except (OSError, http.client.HTTPException):
                return
            expect_equal(reply.status, 200, f"setting a secret ({reply})")
            acknowledged.setdefault(name, {})[reply.json["id"].rsplit("/", 1)[1]] = value
            turn += 1

    for patience in (0.3, 0.7, 1.1, 0.5):
        before = sum(map(len, acknowledged.values()))
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            futures = [pool.submit(writer, number) for number in range(4)]
            eventually(lambda: sum(map(len, acknowledged.values())) > before + 10 * patience, 20, "secrets are set")
            stage.server.kill()
            for future in futures:
                future.result()
        stage.start_server()
    for name, values in acknowledged.items():
        found = versions(stage, f"secrets/{name}")
        expect(set(values) <= found, f"{name} lost {set(values) - found}")
        for version in found:
            value = ask(stage, "GET", f"secrets/{name}/{version}").json["value"]
            expect(value == values.get(version, value) and value in tried[name], f"{name}/{version} is {value}")
    verified = stage.coffer("audit-log verify --all --output json").json
    expect(verified and all(report["valid"] for report in verified), "the audit log does not hold after the crashes")
    stage.say(f"{sum(map(len, acknowledged.values()))} acknowledged versions in four crashes")


def test_a_copy_without_the_root_key_reveals_nothing(stage):
    canary = "Plaintext" + uuid.uuid4().hex
    ask(stage, "PUT", "secrets/canary", {"value": canary, "contentType": "visible-metadata"})
    exponents = []
    for number in range(2):
        parts = key_parts(stage)
        body = {"key": {"kty": "RSA", **parts}}
        expect_equal(ask(stage, "PUT", f"keys/known-{number}", body).status, 200, "status of the import")
        exponents += [parts[name] for name in ("d", "p", "q", "dp", "dq", "qi")]
    token = stage.vault_token()
    stage.server.stop()
    copy = stage.root / "copy"
    # A disk host that has just been started may still be on its way out; its socket is no file.
    shutil.copytree(stage.data, copy, ignore=lambda directory, names: [name for name in names if (pathlib.Path(directory) / name).is_socket()])
    # What opens an installation is kept apart from what it stores: the root key, and the administrator's own credential.
    for name in ("root.key", "administrator.secret"):
        (copy / name).unlink()
    files = [path for path in copy.rglob("*") if path.is_file()]
    text = {path: path.read_bytes() for path in files}
    # The search must be able to find what is not a secret.
    expect(any(b"visible-metadata" in data or b"canary" in data for data in text.values()), "the search finds nothing at all")
    needles = [canary.encode(), base64.b64encode(canary.encode())[:-4], token.split(".")[2].encode(), stage.environment["AZURE_CLIENT_SECRET"].encode()]
    for part in exponents:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        needles += [part.encode(), raw, raw.hex().encode(), base64.b64encode(raw)[:-4]]
    for path, data in text.items():
        for needle in needles:
            expect(needle not in data, f"{path.relative_to(copy)} reveals {needle[:12]!r}…")
    (copy / "root.key").write_bytes(os.urandom((stage.data / "root.key").stat().st_size))
    (copy / "root.key").chmod(0o600)
    stranger = stage.start_server(port=free_port(), data=copy, wait=False)
    expect_equal(stranger.process.wait(30), 78, "exit status of a server over a copy with another root key")
    stage.start_server()
    expect_equal(ask(stage, "GET", "secrets/canary").json["value"], canary, "value after all that")


def key_parts(stage):
    """The parts of a new RSA key as a JSON web key has them, from OpenSSL's text."""
    pem = stage.root / "known.pem"
    stage.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", pem])
    output = stage.run(["openssl", "rsa", "-in", pem, "-noout", "-text"]).output
    pem.unlink()
    fields, name = {}, None
    for line in output.splitlines():
        if not line.startswith(" "):
            name, _, rest = line.partition(":")
            fields[name] = ""
        else:
            fields[name] += line.strip().replace(":", "")
    names = {"n": "modulus", "d": "privateExponent", "p": "prime1", "q": "prime2", "dp": "exponent1", "dq": "exponent2", "qi": "coefficient"}
    parts = {"e": "AQAB"}
    for short, long in names.items():
        raw = bytes.fromhex(fields[long]).lstrip(b"\0")
        parts[short] = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return parts
