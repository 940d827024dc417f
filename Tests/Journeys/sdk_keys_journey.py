"""The Azure SDK for Python with its default checks on: challenge, resource verification, local and remote cryptography."""
import pathlib

from stage import *

PROGRAM = '''
import hashlib, os, sys
from azure.identity import ClientSecretCredential
from azure.keyvault.keys import KeyClient, KeyRotationPolicy
from azure.keyvault.keys.crypto import CryptographyClient, EncryptionAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm
from azure.core.exceptions import ResourceNotFoundError

credential = ClientSecretCredential(
    os.environ["AZURE_TENANT_ID"], os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_SECRET"],
    authority=os.environ["AZURE_AUTHORITY_HOST"], disable_instance_discovery=True)
client = KeyClient(sys.argv[1], credential)
step = sys.argv[2]
secret = b"k" * 64

if step == "create":
    for size in (2048, 3072, 4096):
        key = client.create_rsa_key(f"sdk-{size}", size=size)
        assert len(key.key.n) * 8 == size, key.key.n
        assert client.get_key(key.name).id == key.id
        assert client.get_key(key.name, key.properties.version).id == key.id
    assert {each.name for each in client.list_properties_of_keys()} >= {"sdk-2048", "sdk-3072", "sdk-4096"}
elif step == "wrap":
    remote = CryptographyClient(client.get_key("sdk-2048"), credential)
    for algorithm in (KeyWrapAlgorithm.rsa_oaep, KeyWrapAlgorithm.rsa_oaep_256):
        wrapped = remote.wrap_key(algorithm, secret)
        assert remote.unwrap_key(algorithm, wrapped.encrypted_key).key == secret
    sealed = remote.encrypt(EncryptionAlgorithm.rsa_oaep_256, b"text")
    assert remote.decrypt(EncryptionAlgorithm.rsa_oaep_256, sealed.ciphertext).plaintext == b"text"
elif step == "sign":
    remote = CryptographyClient(client.get_key("sdk-3072"), credential)
    for algorithm, digest in (("RS256", "sha256"), ("RS384", "sha384"), ("RS512", "sha512"),
                              ("PS256", "sha256"), ("PS384", "sha384"), ("PS512", "sha512")):
        hashed = hashlib.new(digest, b"document").digest()
        signature = remote.sign(SignatureAlgorithm(algorithm), hashed).signature
        assert remote.verify(SignatureAlgorithm(algorithm), hashed, signature).is_valid, algorithm
        other = hashlib.new(digest, b"other").digest()
        assert not remote.verify(SignatureAlgorithm(algorithm), other, signature).is_valid, algorithm
elif step == "rotate":
    old = client.get_key("sdk-2048")
    wrapped = CryptographyClient(old, credential).wrap_key(KeyWrapAlgorithm.rsa_oaep_256, secret)
    new = client.rotate_key("sdk-2048")
    assert new.properties.version != old.properties.version
    assert client.get_key("sdk-2048").id == new.id
    assert len(list(client.list_properties_of_key_versions("sdk-2048"))) == 2
    opened = CryptographyClient(old.id, credential).unwrap_key(KeyWrapAlgorithm.rsa_oaep_256, wrapped.encrypted_key)
    assert opened.key == secret
elif step == "update":
    updated = client.update_key_properties("sdk-4096", enabled=False, tags={"a": "b"})
    assert updated.properties.enabled is False and updated.properties.tags == {"a": "b"}
    client.update_key_properties("sdk-4096", enabled=True)
elif step == "missing":
    try:
        client.get_key("nothing")
    except ResourceNotFoundError as error:
        assert error.error.code == "KeyNotFound", error
    else:
        raise AssertionError("a key that is not there was found")
'''


def set_up(stage):
    stage.start_server()
    stage.make_group()
    stage.kept["vault"] = stage.make_vault()
    (stage.root / "sdk.py").write_text(PROGRAM)


def step(stage, name):
    python = pathlib.Path(stage.az_path).parent / "python"
    if not python.exists():
        raise Skip("the az in use is not in a virtual environment with the SDK")
    stage.run([python, stage.root / "sdk.py", stage.vault_url(stage.kept["vault"]), name])


def test_keys_of_all_sizes_are_created(stage):
    step(stage, "create")


def test_keys_are_wrapped_and_unwrapped(stage):
    step(stage, "wrap")


def test_digests_are_signed_and_verified(stage):
    step(stage, "sign")


def test_an_old_version_still_unwraps_after_rotation(stage):
    step(stage, "rotate")


def test_properties_are_updated(stage):
    step(stage, "update")


def test_a_missing_key_is_named_so(stage):
    step(stage, "missing")
