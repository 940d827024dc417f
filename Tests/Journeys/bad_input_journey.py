"""Each operation of Microsoft's OpenAPI files with input that no client should send: always the error envelope, never a 5xx."""
import random

from openapi import specification
from stage import *

SECONDS = 40
NAMES = ["under_score", "a" * 128, "é", "%00", "..%2f..%2fetc", "a b", "%0d%0aX: y", "%ff%fe"]
WRONG = [None, 17, -1, 1e300, 1 << 70, True, "", "x" * 30_000, "\u0000\u0007", "\ud83d\ude00", [], [[]], {}, {"a": {"b": []}}, ["x"] * 1000]
BODIES = [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe{}", b"[" * 20_000, b'{"a":' * 5_000]


def set_up(stage):
    if specification() is None:
        raise Skip("../shared/specs is not there, which says what the operations are")
    stage.start_server()
    stage.make_group()
    stage.kept["vault"] = stage.make_vault(purge_protection=False)
    for role in ("Key Vault Administrator",):
        stage.assign(role, stage.principal, stage.vault_id(stage.kept["vault"]))
    stage.make_key(stage.kept["vault"], "k")
    stage.keys("PUT", stage.kept["vault"], "secrets/k2", {"value": "v"})
    stage.kept["random"] = random.Random(20261124)


class Connection:
    """One connection kept for many requests, made anew when the server hangs up."""

    def __init__(self, stage, url):
        self.stage, self.parts, self.connection = stage, urllib.parse.urlsplit(url), None

    def request(self, method, path, body, token):
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        for attempt in (1, 2):
            try:
                if self.connection is None:
                    context = ssl.create_default_context(cafile=self.stage.environment["REQUESTS_CA_BUNDLE"])
                    self.connection = http.client.HTTPSConnection(self.parts.hostname, self.parts.port, timeout=30, context=context)
                    self.connection._create_connection = lambda address, *rest: socket.create_connection(("127.0.0.1", address[1]), 30)
                self.connection.request(method, path, body=body, headers=headers)
                answer = self.connection.getresponse()
                return Reply(answer.status, answer.headers, answer.read())
            except (http.client.HTTPException, OSError):
                self.connection = None
                if attempt == 2:
                    raise

    def is_refused(self, method, path, body, token, may_succeed):
        reply = self.request(method, path, body, token)
        what = f"{method} {path[:200]} {(body or b'')[:200]!r}: {reply}"
        expect(reply.status < 500, f"a server error: {what}")
        if reply.status >= 400:
            error = (reply.json or {}).get("error")
            expect(isinstance(error, dict) and error.get("code") and error.get("message"), f"no error envelope: {what}")
        else:
            expect(may_succeed, f"not refused: {what}")
        return reply


def address(stage, operation, **values):
    given = {"subscriptionId": stage.subscription.split("/")[-1], "resourceGroupName": "g", "vaultName": stage.kept["vault"], "location": "uksouth",
             "operationKind": "add", "key-name": "k", "keyName": "k", "secret-name": "k2", "secretName": "k2", "certificate-name": "c"}
    given.update(values)
    path = operation.path
    for name in [part.split("}")[0] for part in path.split("{")[1:]]:
        path = path.replace("{%s}" % name, given.get(name, "x" if not name.endswith("-version") else "0" * 32))
    return path


def operations(stage):
    for operation in specification().operations:
        if operation.is_for_vaults:
            is_resource = operation.file.startswith("resource-manager")
            # Succeeding with these would take away what the others are sent to.
            yield operation, is_resource


def door(stage, is_resource):
    doors = stage.kept.setdefault("doors", {})
    if is_resource not in doors:
        doors[is_resource] = Connection(stage, stage.url if is_resource else stage.vault_url(stage.kept["vault"]))
    return doors[is_resource], stage.token() if is_resource else stage.vault_token(), "2023-07-01" if is_resource else "7.5"


def body_schema(operation):
    rules = specification()
    for parameter in operation.definition.get("parameters", []):
        _, parameter = rules.resolve(rules.folder / operation.file, parameter)
        if parameter.get("in") == "body":
            return rules.schema(rules.folder / operation.file, parameter["schema"])
    return None


def sample(schema, depth=0):
    """Something that the schema allows."""
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if kind == "object":
        return {name: sample(each, depth + 1) for name, each in schema.get("properties", {}).items()} if depth < 5 else {}
    return {"array": [], "integer": 1, "number": 1, "boolean": True}.get(kind, "x")


def spoiled(schema, random_):
    """Bodies that each have one thing wrong, at the top or one level below."""
    whole = sample(schema)
    yield {}
    for name in whole:
        for value in random_.sample(WRONG, 4):
            yield {**whole, name: value}
        yield {key: value for key, value in whole.items() if key != name}
        if isinstance(whole[name], dict):
            for inner in whole[name]:
                yield {**whole, name: {**whole[name], inner: random_.choice(WRONG)}}


def test_wrong_api_versions_are_refused(stage):
    for operation, is_resource in operations(stage):
        way, token, _ = door(stage, is_resource)
        for query in ("", "?api-version=", "?api-version=1.0", "?api-version=%00", "?api-version=" + "9" * 300):
            way.is_refused(operation.method, address(stage, operation) + query, b"{}", token, may_succeed=False)


def test_illegal_names_are_refused(stage):
    for operation, is_resource in operations(stage):
        way, token, version = door(stage, is_resource)
        for name in [part.split("}")[0] for part in operation.path.split("{")[1:]]:
            if name in ("subscriptionId", "resourceGroupName"):
                continue
            for bad in NAMES:
                path = address(stage, operation, **{name: bad.replace("é", "%C3%A9").replace(" ", "%20")})
                way.is_refused(operation.method, f"{path}?api-version={version}", b"{}", token, may_succeed=operation.method in ("GET", "DELETE"))


def test_bodies_of_the_wrong_shape_are_answered(stage):
    started, sent = time.monotonic(), 0
    for operation, is_resource in operations(stage):
        schema = body_schema(operation)
        if schema is None:
            continue
        way, token, version = door(stage, is_resource)
        path = f"{address(stage, operation, vaultName='kv-bad-input' if operation.method == 'PUT' else stage.kept['vault'])}?api-version={version}"
        for body in BODIES:
            way.is_refused(operation.method, path, body, token, may_succeed=not body or body in (b"null",))
            sent += 1
        for body in spoiled(schema, stage.kept["random"]):
            if time.monotonic() - started > SECONDS:
                break
            way.is_refused(operation.method, path, json.dumps(body).encode(), token, may_succeed=True)
            sent += 1
    stage.say(f"{sent} bad bodies were answered")
    expect(sent > 200, f"only {sent} bodies were sent")


def test_bad_paging_is_refused(stage):
    way, token, version = door(stage, False)
    for collection in ("keys", "secrets", "deletedkeys", "deletedsecrets"):
        for query in ("maxresults=0", "maxresults=26", "maxresults=x", "$skiptoken=%00", "$skiptoken=" + "A" * 5000):
            way.is_refused("GET", f"/{collection}?api-version={version}&{query}", None, token, may_succeed=False)


def test_nothing_went_wrong_inside(stage):
    log = stage.server.log.read_text(errors="replace").lower()
    expect("internal error" not in log and '"status":"500"' not in log, f"the log tells of an error inside: {log[-1000:]}")
    expect_equal(stage.server.process.poll(), None, "exit status of the server")
