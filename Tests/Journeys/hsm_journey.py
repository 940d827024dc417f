"""The customer's key and the root key are in a token of SoftHSM's: a disk lives under them, and without the token nothing opens."""
import base64
import os
import subprocess

from stage import *

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
LABEL = "journey"


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def set_up(stage):
    pin = uuid.uuid4().hex
    (stage.root / "tokens").mkdir()
    settings = stage.root / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {stage.root}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    stage.environment["SOFTHSM2_CONF"] = str(settings)
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--so-pin", pin, "--pin", pin], check=True,
        env=stage.environment, stdout=subprocess.DEVNULL)
    pin_file = stage.root / "pin"
    pin_file.touch(mode=0o600)
    pin_file.write_text(pin)
    stage.kept["options"] = ["--pkcs11", MODULE, "--token", LABEL, "--pin-file", str(pin_file), "--root-key-in-token"]
    stage.start_server(*stage.kept["options"])
    stage.login()
    stage.az("group create -n g -l uksouth")
    stage.az("keyvault create -n kv-hsm -g g -l uksouth --sku premium --enable-purge-protection true")
    stage.az("keyvault create -n kv-soft -g g -l uksouth")
    for vault in ("kv-hsm", "kv-soft"):
        stage.assign(CRYPTO_OFFICER, stage.principal, stage.vault_id(vault))


def test_az_makes_and_uses_an_hsm_key(stage):
    key = stage.az_json("keyvault key create --vault-name kv-hsm -n k --kty RSA-HSM")
    expect_equal(key["key"]["kty"], "RSA-HSM", "type of the key")
    kid = key["key"]["kid"]
    shown = stage.keys("GET", "kv-hsm", "keys/k", api="7.5").json
    expect(shown["attributes"]["hsmPlatform"] in ("1", "2"), f"hsmPlatform: {shown['attributes']}")
    for algorithm in ("RSA-OAEP", "RSA-OAEP-256"):
        sealed = stage.keys("POST", "kv-hsm", "keys/k/encrypt", {"alg": algorithm, "value": encoded(b"hello")}).json["value"]
        opened = stage.keys("POST", "kv-hsm", "keys/k/decrypt", {"alg": algorithm, "value": sealed}).json["value"]
        expect_equal(opened, encoded(b"hello"), f"what {algorithm} decrypts")
    stage.kept["kid"] = kid


def test_a_standard_vault_refuses_an_hsm_key(stage):
    refused = stage.az("keyvault key create --vault-name kv-soft -n k --kty RSA-HSM", ok=False)
    expect_in("premium", refused.errors, "the refusal")


def test_a_certificate_is_signed_in_the_token(stage):
    stage.assign("Key Vault Administrator", stage.principal, stage.vault_id("kv-hsm"))
    for name, key in (("rsa", {"keyType": "RSA-HSM", "keySize": 2048}), ("ec", {"keyType": "EC-HSM", "curve": "P-384"})):
        policy = stage.root / f"{name}-policy.json"
        policy.write_text(json.dumps({
            "issuerParameters": {"name": "Self"}, "keyProperties": {"exportable": False, "reuseKey": False, **key},
            "secretProperties": {"contentType": "application/x-pem-file"},
            "x509CertificateProperties": {"subject": "CN=hsm.example", "validityInMonths": 12}}))
        stage.az(f"keyvault certificate create --vault-name kv-hsm -n {name} -p @{policy}")
        path = stage.root / f"{name}.pem"
        stage.az(f"keyvault certificate download --vault-name kv-hsm -n {name} -f {path} -e PEM")
        done = stage.run(["openssl", "verify", "-check_ss_sig", "-partial_chain", "-CAfile", path, path])
        expect_in("OK", done.output, "openssl's word on the certificate")
        secret = stage.az_json(f"keyvault secret show --vault-name kv-hsm -n {name}")["value"]
        expect("PRIVATE KEY" not in secret and "BEGIN CERTIFICATE" in secret, "the secret is not the certificate alone")


def test_a_disk_lives_under_an_hsm_key_and_follows_its_rotation(stage):
    stage.make_set("kv-hsm", stage.kept["kid"], auto_rotation=True)
    stage.make_disk("d", stage.get_set()["id"])
    canary = new_canary()
    disk = attached(stage.attach())
    written = stage.write_canary([disk], canary)
    rotated = stage.rotate_key("kv-hsm")
    version = rotated.rsplit("/", 1)[1]
    eventually(lambda: version in json.dumps(stage.inspect()), 30, "the header is wrapped under the new version", every=0.5)
    stage.detach()
    stage.read_canary([attached(stage.attach())], canary, written)
    stage.detach()


def test_no_root_key_is_in_the_data_directory_and_without_the_token_nothing_opens(stage):
    expect(not (stage.data / "root.key").exists(), "there is a root.key")
    expect((stage.data / "root.key.token").exists(), "there is no root.key.token")
    stage.server.stop()
    without = stage.start_server(wait=False)
    expect_equal(without.process.wait(30), 78, "exit status without the token")
    expect_in("--root-key-in-token", stage.tail(without.log), "the refusal")
    os.rename(stage.root / "tokens", stage.root / "tokens.away")
    (stage.root / "tokens").mkdir()
    away = stage.start_server(*stage.kept["options"], wait=False)
    expect_equal(away.process.wait(30), 78, "exit status without the token's objects")
    expect_in(LABEL, stage.tail(away.log), "the refusal")
    (stage.root / "tokens").rmdir()
    os.rename(stage.root / "tokens.away", stage.root / "tokens")
    stage.start_server(*stage.kept["options"])
    stage.keys("GET", "kv-hsm", "keys/k")
