"""azure-keyvault-keys: all kinds of keys, policies, backups and recovery."""
import hashlib
import os

from azure.keyvault.keys import JsonWebKey, KeyRotationLifetimeAction, KeyRotationPolicy
from azure.keyvault.keys.crypto import EncryptionAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from clients import *

CURVES = {"P-256": (ec.SECP256R1, "ES256", "sha256"), "P-384": (ec.SECP384R1, "ES384", "sha384"),
          "P-521": (ec.SECP521R1, "ES512", "sha512"), "P-256K": (ec.SECP256K1, "ES256K", "sha256")}
HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}


def octets(number):
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def verify_curve(public, digest, name, signature):
    size = (public.curve.key_size + 7) // 8
    assert len(signature) == 2 * size, len(signature)
    r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    public.verify(utils.encode_dss_signature(r, s), digest, ec.ECDSA(utils.Prehashed(HASHES[name])))


def curves():
    for curve, (kind, algorithm, name) in CURVES.items():
        key = keys.create_ec_key(f"ec-{curve}", curve=curve)
        public = ec.EllipticCurvePublicNumbers(int.from_bytes(key.key.x, "big"), int.from_bytes(key.key.y, "big"), kind()).public_key()
        digest = hashlib.new(name, b"document").digest()
        signature = cryptography(key).sign(SignatureAlgorithm(algorithm), digest).signature
        verify_curve(public, digest, name, signature)
        remote = cryptography(key.id)
        assert remote.verify(SignatureAlgorithm(algorithm), digest, signature).is_valid


def imports():
    private = rsa.generate_private_key(65537, 2048)
    numbers = private.private_numbers()
    public = numbers.public_numbers
    made = keys.import_key("imported-rsa", JsonWebKey(
        kty="RSA", n=octets(public.n), e=octets(public.e), d=octets(numbers.d), p=octets(numbers.p), q=octets(numbers.q),
        dp=octets(numbers.dmp1), dq=octets(numbers.dmq1), qi=octets(numbers.iqmp)))
    assert made.key.n == octets(public.n) and made.key.d is None
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    sealed = private.public_key().encrypt(b"made outside", oaep)
    assert cryptography(made.id).decrypt(EncryptionAlgorithm.rsa_oaep_256, sealed).plaintext == b"made outside"
    digest = hashlib.sha256(b"document").digest()
    signature = cryptography(made).sign(SignatureAlgorithm.ps256, digest).signature
    private.public_key().verify(signature, digest, padding.PSS(padding.MGF1(hashes.SHA256()), 32), utils.Prehashed(hashes.SHA256()))
    wrapped = cryptography(made).wrap_key(KeyWrapAlgorithm.rsa_oaep, b"k" * 32).encrypted_key
    sha1 = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    assert private.decrypt(wrapped, sha1) == b"k" * 32
    for curve, (kind, algorithm, name) in CURVES.items():
        private = ec.generate_private_key(kind())
        numbers = private.private_numbers()
        size = (private.curve.key_size + 7) // 8
        part = lambda number: number.to_bytes(size, "big")
        made = keys.import_key(f"imported-{curve}", JsonWebKey(
            kty="EC", crv=curve, x=part(numbers.public_numbers.x), y=part(numbers.public_numbers.y), d=part(numbers.private_value)))
        digest = hashlib.new(name, b"document").digest()
        verify_curve(private.public_key(), digest, name, cryptography(made).sign(SignatureAlgorithm(algorithm), digest).signature)


def remote():
    """What the client would do itself with the public part, done by the vault."""
    made = keys.create_rsa_key("remote", size=2048)
    assert "remote" in [each.name for each in keys.list_properties_of_keys()]
    keys.update_key_properties("remote", key_operations=["encrypt", "decrypt", "wrapKey", "unwrapKey", "sign", "verify"])
    there = cryptography(made.id)
    # Without the permission to see the key the client must ask the vault for everything.
    there._keys_get_forbidden = True
    sealed = there.encrypt(EncryptionAlgorithm.rsa_oaep_256, b"text").ciphertext
    assert there.decrypt(EncryptionAlgorithm.rsa_oaep_256, sealed).plaintext == b"text"
    wrapped = there.wrap_key(KeyWrapAlgorithm.rsa_oaep_256, b"k" * 32).encrypted_key
    assert there.unwrap_key(KeyWrapAlgorithm.rsa_oaep_256, wrapped).key == b"k" * 32
    digest = hashlib.sha256(b"document").digest()
    signature = there.sign(SignatureAlgorithm.rs256, digest).signature
    assert there.verify(SignatureAlgorithm.rs256, digest, signature).is_valid
    assert not there.verify(SignatureAlgorithm.rs256, hashlib.sha256(b"other").digest(), signature).is_valid


def policies():
    keys.create_rsa_key("turning", size=2048)
    policy = KeyRotationPolicy(lifetime_actions=[KeyRotationLifetimeAction("rotate", time_after_create="P18M")], expires_in="P2Y")
    keys.update_key_rotation_policy("turning", policy)
    found = keys.get_key_rotation_policy("turning")
    assert found.expires_in == "P2Y", found.expires_in
    assert [each.time_after_create for each in found.lifetime_actions if str(each.action).lower().endswith("rotate")] == ["P18M"]
    assert keys.rotate_key("turning").properties.expires_on is not None


def recovery():
    key = keys.create_rsa_key("going", size=2048)
    keys.rotate_key("going")
    versions = {each.version for each in keys.list_properties_of_key_versions("going")}
    blob = keys.backup_key("going")
    deleted = keys.begin_delete_key("going").result()
    assert deleted.recovery_id and deleted.scheduled_purge_date
    refused("KeyNotFound", keys.get_key, "going")
    refused("ObjectIsDeletedButRecoverable", keys.create_rsa_key, "going")
    assert "going" in [each.name for each in keys.list_deleted_keys()]
    assert keys.get_deleted_key("going").name == "going"
    keys.begin_recover_deleted_key("going").wait()
    assert {each.version for each in keys.list_properties_of_key_versions("going")} == versions
    keys.begin_delete_key("going").wait()
    keys.purge_deleted_key("going")
    refused("KeyNotFound", keys.get_deleted_key, "going")
    keys.restore_key_backup(blob)
    assert {each.version for each in keys.list_properties_of_key_versions("going")} == versions
    assert keys.get_key("going", key.properties.version).key.n == key.key.n


def random():
    one, other = keys.get_random_bytes(32), keys.get_random_bytes(32)
    assert len(one) == 32 and one != other


def gates():
    key = keys.create_rsa_key("gated", size=2048, enabled=False, tags={"a": "b"})
    assert key.properties.tags == {"a": "b"}
    refused("KeyDisabled", cryptography(key.id).sign, SignatureAlgorithm.rs256, bytes(32))
    keys.update_key_properties("gated", enabled=True, key_operations=["verify"])
    refused("KeyOperationForbidden", cryptography(key.id).sign, SignatureAlgorithm.rs256, bytes(32))
    refused("BadParameter", keys.create_rsa_key, "small", size=1024)
    refused("KeyNotFound", keys.get_key, "nothing")


run({"curves": curves, "imports": imports, "remote": remote, "policies": policies, "recovery": recovery, "random": random, "gates": gates})
