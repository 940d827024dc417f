"""Bad tokens and bad requests: each is refused, and each with an answer of its own."""
import base64
import json
import time

from stage import *

GROUPS = "/resourcegroups"


def set_up(stage):
    stage.start_server("--test-clock")
    stage.make_group()
    stage.kept["vault"] = stage.make_vault()
    stage.kept["refusals"] = {}


def ask(stage, token):
    return stage.request("GET", f"{stage.url}{stage.subscription}{GROUPS}?api-version=2024-11-01", token=token)


def refused(stage, kind, token):
    reply = ask(stage, token)
    expect_equal(reply.status, 401, f"status for a token that is {kind} ({reply})")
    expect_in("Bearer", reply.headers.get("WWW-Authenticate", ""), "challenge")
    stage.kept["refusals"][kind] = (reply.code, reply.json["error"]["message"])


def tampered(token, **claims):
    header, _, signature = token.split(".")
    return ".".join([header, jwt_encode({**jwt_part(token, 1), **claims}), signature])


def test_a_good_token_is_believed(stage):
    expect_equal(ask(stage, stage.token()).status, 200, "status")


def test_no_token_is_challenged(stage):
    refused(stage, "missing", None)


def test_garbage_is_refused(stage):
    for garbage in ("x", "a.b.c", "....", "A" * 100_000, stage.token()[:-40], "é"):
        reply = ask(stage, garbage.encode().decode("latin-1"))
        expect(reply.status in (400, 401, 431), f"garbage gives {reply}")
    refused(stage, "malformed", "a.b.c")


def test_a_changed_claim_is_refused(stage):
    refused(stage, "forged", tampered(stage.token(), oid="00000000-0000-0000-0000-000000000001"))


def test_an_unsigned_token_is_refused(stage):
    token = stage.token()
    none = jwt_encode({**jwt_part(token, 0), "alg": "none"})
    for signature in ("", token.split(".")[2]):
        reply = ask(stage, f"{none}.{token.split('.')[1]}.{signature}")
        expect_equal(reply.status, 401, "status of alg none")


def test_a_token_for_the_vault_is_not_one_for_the_resource_manager(stage):
    refused(stage, "for another audience", stage.vault_token())
    reply = stage.keys("GET", stage.kept["vault"], "keys", token=stage.token(), status=401)
    expect_in("Bearer", reply.headers["WWW-Authenticate"], "challenge of the vault")


def test_a_token_of_another_tenant_is_refused(stage):
    other = "11111111-2222-3333-4444-555555555555"
    claims = jwt_part(stage.token(), 1)
    foreign = tampered(stage.token(), tid=other, iss=claims["iss"].replace(stage.tenant, other))
    header = jwt_encode({**jwt_part(foreign, 0), "kid": "of-another-tenant"})
    refused(stage, "of another tenant", ".".join([header, *foreign.split(".")[1:]]))


def test_an_expired_token_is_refused(stage):
    token = stage.token()
    life = jwt_part(token, 1)["exp"] - jwt_part(token, 1)["nbf"]
    reply = stage.request("POST", f"{stage.url}/coffer/clock", {"advanceSeconds": life + 600}, token)
    expect_equal(reply.status, 200, f"moving the clock ({reply})")
    stage.tokens.clear()
    refused(stage, "expired", token)
    expect_equal(ask(stage, stage.token()).status, 200, "status with a new token")


def test_each_refusal_says_which_it_is(stage):
    refusals = stage.kept["refusals"]
    expect(len(refusals) >= 6, f"only {sorted(refusals)} were refused")
    expect_equal(len(set(refusals.values())), len(refusals), f"different refusals ({refusals})")


def test_a_wrong_secret_gives_no_token(stage):
    for secret, scope in (("wrong", f"{stage.url}//.default"), (stage.environment["AZURE_CLIENT_SECRET"], "https://elsewhere.example/.default")):
        reply = stage.request(
            "POST", f"{stage.url}/{stage.tenant}/oauth2/v2.0/token",
            raw=urllib.parse.urlencode({
                "grant_type": "client_credentials", "client_id": stage.environment["AZURE_CLIENT_ID"],
                "client_secret": secret, "scope": scope}).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"})
        expect(reply.status in (400, 401), f"status ({reply})")
        expect_in("AADSTS", reply.json["error_description"], "description")
        expect(secret not in reply.body.decode() or secret == "wrong", "the answer repeats the secret")


def test_an_oversized_body_is_refused(stage):
    path = f"{stage.subscription}{GROUPS}/big?api-version=2024-11-01"
    body = json.dumps({"location": "uksouth", "tags": {"a": "x" * (20 << 20)}}).encode()
    try:
        reply = stage.request("PUT", stage.url + path, raw=body, token=stage.token(), headers={"Content-Type": "application/json"})
    except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
        # It may hang up in the middle of such a body; what counts is that the next request is served.
        reply = None
    expect(reply is None or reply.status == 413, f"status {reply}")
    headers = {"Content-Type": "application/json", "Content-Length": str(1 << 40)}
    reply = stage.request("PUT", stage.url + path, raw=b"{}", token=stage.token(), headers=headers)
    expect_equal(reply.status, 413, "status for an announced terabyte")
    expect_equal(ask(stage, stage.token()).status, 200, "status of the next request")


def test_json_of_the_wrong_shape_is_refused(stage):
    base = f"{stage.subscription}/resourceGroups/g/providers"
    disk, vault = f"{base}/Microsoft.Compute/disks/bad?api-version=2024-03-02", f"{base}/Microsoft.KeyVault/vaults/kv-badbad?api-version=2023-07-01"
    bodies = (
        b"", b"{", b"[]", b"null", b"17", b'"text"', b'{"location":7}', b'{"location":"uksouth","properties":[]}',
        b'{"location":"uksouth","properties":{"diskSizeGB":"ten","creationData":{"createOption":"Empty"}}}',
        b'{"location":"uksouth","properties":{"diskSizeGB":-1,"creationData":{"createOption":"Empty"}}}',
        b'{"location":"uksouth","properties":{"diskSizeGB":1e99,"creationData":{"createOption":"Empty"}}}',
        b"\xff\xfe{}", b"[" * 100_000,
    )
    for path in (disk, vault):
        for body in bodies:
            reply = stage.request("PUT", stage.url + path, raw=body, token=stage.token(), headers={"Content-Type": "application/json"})
            expect_equal(reply.status, 400, f"PUT {path.split('?')[0][-30:]} of {body[:60]!r} ({reply})")
            expect(reply.code, f"an error code for {body[:60]!r}")


def test_wrong_shapes_are_refused_by_the_vault(stage):
    for body in (b"{", b"[]", b'{"kty":5}', b'{"kty":"RSA","key_size":"big"}', b'{"kty":"RSA","key_size":1024}', b'{"kty":"XYZ"}', b"[" * 50_000):
        reply = stage.request(
            "POST", f"{stage.vault_url(stage.kept['vault'])}/keys/bad/create?api-version=7.4", raw=body, token=stage.vault_token(),
            headers={"Content-Type": "application/json"})
        expect_equal(reply.status, 400, f"create of {body[:60]!r} ({reply})")


def test_an_unknown_api_version_is_refused(stage):
    for query in ("", "?api-version=", "?api-version=1999-01-01", "?api-version=banana"):
        reply = stage.request("GET", f"{stage.url}{stage.subscription}/resourceGroups/g/providers/Microsoft.Compute/disks{query}", token=stage.token())
        expect_equal(reply.status, 400, f"resource manager with {query!r} ({reply})")
        reply = stage.request("GET", f"{stage.vault_url(stage.kept['vault'])}/keys{query}", token=stage.vault_token())
        expect_equal(reply.status, 400, f"vault with {query!r} ({reply})")


def test_paths_that_do_not_exist_are_not_found(stage):
    for path in ("/nothing", "/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups?api-version=2024-11-01", "/%00", "/" + "a" * 5000):
        reply = stage.request("GET", stage.url + path, token=stage.token())
        expect(reply.status in (400, 403, 404, 414), f"GET {path[:60]}: {reply}")


def test_no_token_or_secret_is_in_the_log(stage):
    log = stage.server.log.read_text(errors="replace")
    expect(log, "there is no log")
    for secret in (stage.environment["AZURE_CLIENT_SECRET"], *stage.tokens.values()):
        expect(secret not in log, "the log holds a secret")
        expect(secret.split(".")[-1] not in log, "the log holds a token's signature")
