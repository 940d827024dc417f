"""Each word of which Microsoft's OpenAPI files have a list, in every request body: the listed ones are taken, another is refused with 400."""
import copy
import subprocess

from openapi import specification
from stage import *

WRONG = "No-Such-Word"
POLICY = {
    "key_props": {"kty": "EC", "crv": "P-256"}, "issuer": {"name": "Self"},
    "x509_props": {"subject": "CN=enum.example", "key_usage": ["digitalSignature"]},
    "lifetime_actions": [{"trigger": {"lifetime_percentage": 80}, "action": {"action_type": "EmailContacts"}}],
}
# What OpenAPI does not list and the service still knows: an operation, and the way to the word.
MORE = [
    ("ImportKey", "key/key_ops/0"), ("CreateCertificate", "policy/secret_props/contentType"), ("SetCertificateIssuer", "provider"),
    ("UpdateCertificateIssuer", "provider"), ("Vaults_CreateOrUpdate", "properties/publicNetworkAccess"),
    ("Vaults_Update", "properties/publicNetworkAccess"),
]
# What the service alone writes, and what belongs to things that there are not (a released key, a private endpoint).
PASSED_OVER = {"recoveryLevel", "provisioningState", "enc", "actionsRequired"}
GIVEN = {"resourceGroupName": "g", "key-name": "k", "secret-name": "s", "certificate-name": "c", "issuer-name": "i", "keyName": "a", "operationKind": "add"}


def set_up(stage):
    if specification() is None:
        raise Skip("../shared/specs is not there, which says what the words are")
    stage.start_server()
    stage.make_group()
    stage.kept["vault"] = stage.make_vault(purge_protection=False)
    stage.assign("Key Vault Administrator", stage.principal, stage.vault_id(stage.kept["vault"]))
    stage.make_key(stage.kept["vault"], "k")
    stage.keys("POST", stage.kept["vault"], "certificates/c/create", {"policy": POLICY}, status=202)
    stage.kept["samples"] = samples(stage)


def pem(stage):
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=in -keyout - -days 9".split()
    return subprocess.run(words, check=True, capture_output=True, text=True, cwd=stage.root).stdout


def web_key():
    """The private number 1 on P-256, whose point is the curve's generator (FIPS 186-4 D.1.2.3)."""
    x, y = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296", "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    text = {name: base64.urlsafe_b64encode(bytes.fromhex(hexed)).decode().rstrip("=") for name, hexed in (("x", x), ("y", y), ("d", "01".zfill(64)))}
    return {"kty": "EC", "crv": "P-256", "key_ops": ["sign"], **text}


def vault_properties(stage):
    return {
        "tenantId": stage.tenant, "sku": {"family": "A", "name": "standard"}, "createMode": "default", "publicNetworkAccess": "Enabled",
        "enableRbacAuthorization": True, "networkAcls": {"bypass": "AzureServices", "defaultAction": "Allow"}, "accessPolicies": [policies(stage)],
    }


def policies(stage):
    return {"tenantId": stage.tenant, "objectId": stage.principal, "permissions": {
        "keys": ["get"], "secrets": ["get"], "certificates": ["get"], "storage": ["get"]}}


def samples(stage):
    """Bodies that are accepted, by operation, with every word in one of them at least."""
    digest = base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=")
    policy = {"lifetimeActions": [{"trigger": {"timeAfterCreate": "P90D"}, "action": {"type": "Rotate"}}]}
    plain = {name: value for name, value in POLICY.items() if name != "issuer"}
    return {
        "CreateKey": [{"kty": "RSA", "key_ops": ["sign"]}, {"kty": "EC", "crv": "P-256"}],
        "ImportKey": [{"key": web_key()}],
        "UpdateKey": [{"key_ops": ["encrypt", "decrypt", "wrapKey", "unwrapKey", "sign", "verify"]}],
        "encrypt": [{"alg": "RSA-OAEP", "value": "eA"}],
        "wrapKey": [{"alg": "RSA-OAEP", "value": "eA"}],
        "decrypt": [{"alg": "RSA-OAEP", "value": None}],
        "unwrapKey": [{"alg": "RSA-OAEP", "value": None}],
        "sign": [{"alg": "RS256", "value": digest}],
        "verify": [{"alg": "RS256", "digest": digest, "value": digest}],
        "UpdateKeyRotationPolicy": [policy],
        "CreateCertificate": [{"policy": {**POLICY, "secret_props": {"contentType": "application/x-pkcs12"}}}],
        "ImportCertificate": [{"value": pem(stage), "policy": {**plain, "secret_props": {"contentType": "application/x-pem-file"}}}],
        "UpdateCertificate": [{"policy": POLICY}],
        "UpdateCertificatePolicy": [POLICY],
        "SetCertificateIssuer": [{"provider": "DigiCert", "org_details": {"admin_details": [{"email": "a@example.org"}]}}],
        "UpdateCertificateIssuer": [{"provider": "GlobalSign"}],
        "Vaults_CreateOrUpdate": [{"location": "uksouth", "properties": vault_properties(stage)}],
        "Vaults_Update": [{"properties": vault_properties(stage)}],
        "Vaults_UpdateAccessPolicy": [{"properties": {"accessPolicies": [policies(stage)]}}],
        "Vaults_CheckNameAvailability": [{"name": "kv-free-name", "type": "Microsoft.KeyVault/vaults"}],
        "Keys_CreateIfNotExist": [
            {"properties": {"kty": "RSA", "keyOps": ["sign"], "rotationPolicy": policy}}, {"properties": {"kty": "EC", "curveName": "P-256"}}],
    }


def send(stage, operation, body, count=[0]):
    count[0] += 1
    # A new name each time, where a name can be made but once.
    given = {**GIVEN, "vaultName": stage.kept["vault"], "subscriptionId": stage.subscription.split("/")[-1], "keyName": f"a{count[0]}"}
    if operation.id in ("CreateKey", "CreateCertificate", "ImportCertificate", "ImportKey"):
        given.update({"certificate-name": f"c{count[0]}", "key-name": f"i{count[0]}"})
    path = operation.path
    for name in [part.split("}")[0] for part in path.split("{")[1:]]:
        path = path.replace("{%s}" % name, given.get(name, ""))
    is_resource = operation.file.startswith("resource-manager")
    base, token = (stage.url, stage.token()) if is_resource else (stage.vault_url(stage.kept["vault"]), stage.vault_token())
    return stage.request(operation.method, f"{base}{path}?api-version={'2023-07-01' if is_resource else '7.5'}", body, token)


def words(file, schema, depth=0):
    """The ways to the words of a schema that have a list; `*` is any place in an array."""
    rules = specification()
    file, schema = rules.resolve(file, schema)
    if depth > 8 or schema.get("readOnly"):
        return
    if "enum" in schema:
        yield ""
    for part in schema.get("allOf", []):
        yield from words(file, part, depth + 1)
    for name, inner in schema.get("properties", {}).items():
        if name not in PASSED_OVER:
            yield from (f"{name}/{rest}".rstrip("/") for rest in words(file, inner, depth + 1))
    if "items" in schema:
        yield from (f"*/{rest}".rstrip("/") for rest in words(file, schema["items"], depth + 1))


def listed(operation):
    rules = specification()
    for parameter in operation.definition.get("parameters", []):
        file, parameter = rules.resolve(rules.folder / operation.file, parameter)
        if parameter.get("in") == "body":
            yield from words(file, parameter["schema"])


def spoil(body, way):
    """The body with another word at the way, or None if there is none."""
    spoiled = copy.deepcopy(body)
    place, steps = spoiled, way.replace("*", "0").split("/")
    try:
        for step in steps[:-1]:
            place = place[int(step) if step.isdigit() else step]
        last = int(steps[-1]) if steps[-1].isdigit() else steps[-1]
        if not isinstance(place[last], str):
            return None
        place[last] = WRONG
    except (KeyError, IndexError):
        return None
    return spoiled


def operations():
    return {each.id: each for each in specification().operations if each.is_for_vaults and not each.id.startswith(("release", "PrivateEndpoint"))}


def test_the_samples_have_every_listed_word_and_are_accepted(stage):
    sealed = stage.keys("POST", stage.kept["vault"], "keys/k/encrypt", {"alg": "RSA-OAEP", "value": "eA"}).json["value"]
    for name in ("decrypt", "unwrapKey"):
        stage.kept["samples"][name][0]["value"] = sealed
    for operation in operations().values():
        for body in stage.kept["samples"].get(operation.id, []):
            reply = send(stage, operation, body)
            expect(reply.status < 300, f"{operation.id} {body}: {reply}")
        for way in listed(operation):
            held = any(spoil(body, way) for body in stage.kept["samples"].get(operation.id, []))
            expect(held, f"{operation.id}: no sample has {way}")


def test_another_word_is_refused(stage):
    ways = [(operation, way) for operation in operations().values() for way in listed(operation)]
    ways += [(operations()[name], way) for name, way in MORE]
    for operation, way in ways:
        for body in filter(None, [spoil(body, way) for body in stage.kept["samples"][operation.id]]):
            reply = send(stage, operation, body)
            expect_equal(reply.status, 400, f"{operation.id} with {WRONG} at {way}: {reply}")
            expect(reply.code, f"no code: {reply}")
            if not operation.file.startswith("resource-manager"):
                expect_equal(reply.code, "BadParameter", f"code of {operation.id} at {way}")
    expect(len(ways) > 60, f"only {len(ways)} words")
    stage.say(f"{len(ways)} words")


def test_members_of_another_type_of_key_are_refused(stage):
    create, take = operations()["CreateKey"], operations()["ImportKey"]
    for body in ({"kty": "RSA", "crv": "P-256"}, {"kty": "EC", "key_size": 2048}, {"kty": "oct", "crv": "P-256"}):
        expect_equal(send(stage, create, body).code, "BadParameter", f"{body}")
    for member in ("n", "k", "p"):
        expect_equal(send(stage, take, {"key": {**web_key(), member: "AQAB"}}).code, "BadParameter", f"an EC key with {member}")
    policy = {**POLICY, "key_props": {"kty": "RSA", "crv": "P-256"}}
    expect_equal(send(stage, operations()["CreateCertificate"], {"policy": policy}).code, "BadParameter", "a certificate's RSA key with a curve")


def test_nothing_was_changed_by_what_was_refused(stage):
    vault = stage.arm("GET", stage.vault_path(stage.kept["vault"]), "2023-07-01").json["properties"]
    expect_equal((vault["sku"]["name"], vault["networkAcls"]["defaultAction"]), ("standard", "Allow"), "the vault")
    for path in ("keys", "secrets", "certificates"):
        expect(WRONG not in json.dumps(stage.keys("GET", stage.kept["vault"], path).json), f"{path} has it")
