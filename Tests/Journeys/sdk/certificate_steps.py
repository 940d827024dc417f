"""azure-keyvault-certificates: policies, imports, requests signed elsewhere, and recovery; opened with other tools."""
import base64
import datetime
import subprocess

from azure.keyvault.certificates import CertificateContact, CertificatePolicy
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from clients import *


def make():
    policy = CertificatePolicy("Self", subject="CN=made.example", san_dns_names=["made.example", "www.made.example"], validity_in_months=6)
    made = certificates.begin_create_certificate("made", policy).result()
    certificate = x509.load_der_x509_certificate(bytes(made.cer))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    assert names == ["made.example", "www.made.example"], names
    # The secret of the same name is a PFX, which others open.
    blob = base64.b64decode(secrets.get_secret("made").value)
    key, inside, _ = pkcs12.load_key_and_certificates(blob, None)
    assert inside == certificate and key.public_key().public_numbers() == certificate.public_key().public_numbers()
    opened = subprocess.run(["openssl", "pkcs12", "-nokeys", "-passin", "pass:"], input=blob, capture_output=True, check=True).stdout
    assert b"BEGIN CERTIFICATE" in opened
    assert keys.get_key("made", made.properties.version).properties.managed
    assert certificates.get_certificate_policy("made").subject == "CN=made.example"
    assert certificates.get_certificate_version("made", made.properties.version).properties.x509_thumbprint == made.properties.x509_thumbprint
    assert "made" in [each.name for each in certificates.list_properties_of_certificates()]
    assert len(list(certificates.list_properties_of_certificate_versions("made"))) == 1
    assert certificates.update_certificate_properties("made", tags={"a": "b"}).properties.tags == {"a": "b"}
    assert certificates.get_certificate_operation("made").status == "completed"


def imports():
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "outside.example")])
    now = datetime.datetime.now(datetime.timezone.utc)
    whole = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(17)
             .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=90)).sign(key, hashes.SHA256()))
    pfx = pkcs12.serialize_key_and_certificates(b"c", key, whole, None, serialization.BestAvailableEncryption(b"word"))
    made = certificates.import_certificate("imported-pfx", pfx, password="word")
    assert bytes(made.cer) == whole.public_bytes(serialization.Encoding.DER)
    back, _, _ = pkcs12.load_key_and_certificates(base64.b64decode(secrets.get_secret("imported-pfx").value), None)
    assert back.private_numbers() == key.private_numbers()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    policy = CertificatePolicy("Unknown", subject="CN=outside.example", content_type="application/x-pem-file")
    made = certificates.import_certificate("imported-pem", pem + whole.public_bytes(serialization.Encoding.PEM), policy=policy)
    assert bytes(made.cer) == whole.public_bytes(serialization.Encoding.DER)
    assert "BEGIN PRIVATE KEY" in secrets.get_secret("imported-pem").value
    # A request of the vault is signed outside and merged.
    certificates.begin_create_certificate("merged", CertificatePolicy("Unknown", subject="CN=merged.example"))
    request = x509.load_der_x509_csr(bytes(certificates.get_certificate_operation("merged").csr))
    assert request.is_signature_valid
    signed = (x509.CertificateBuilder().subject_name(request.subject).issuer_name(name).public_key(request.public_key()).serial_number(18)
              .not_valid_before(now).not_valid_after(now + datetime.timedelta(days=30)).sign(key, hashes.SHA256()))
    merged = certificates.merge_certificate("merged", [signed.public_bytes(serialization.Encoding.DER)])
    assert bytes(merged.cer) == signed.public_bytes(serialization.Encoding.DER)


def recovery():
    certificates.begin_create_certificate("leaving", CertificatePolicy("Self", subject="CN=leaving.example")).result()
    blob = certificates.backup_certificate("leaving")
    assert certificates.begin_delete_certificate("leaving").result().recovery_id
    refused("CertificateNotFound", certificates.get_certificate, "leaving")
    assert "leaving" in [each.name for each in certificates.list_deleted_certificates()]
    certificates.get_deleted_certificate("leaving")
    certificates.begin_recover_deleted_certificate("leaving").wait()
    certificates.begin_delete_certificate("leaving").wait()
    certificates.purge_deleted_certificate("leaving")
    certificates.restore_certificate_backup(blob)
    assert certificates.get_certificate("leaving").name == "leaving"


def pending():
    certificates.begin_create_certificate("waiting", CertificatePolicy("Unknown", subject="CN=waiting.example"))
    assert certificates.cancel_certificate_operation("waiting").cancellation_requested
    certificates.delete_certificate_operation("waiting")
    certificates.begin_create_certificate("ruled", CertificatePolicy("Self", subject="CN=ruled.example")).result()
    changed = certificates.update_certificate_policy("ruled", CertificatePolicy("Self", subject="CN=changed.example", validity_in_months=3))
    assert changed.subject == "CN=changed.example", changed.subject


def forms():
    policy = CertificatePolicy("Self", subject="CN=forms.example")
    made = certificates.begin_create_certificate("forms", policy, preserve_order=True).result()
    assert made.properties.preserve_order is True, made.properties.preserve_order
    assert secrets.get_secret("forms").properties.content_type == "application/x-pkcs12"
    text = secrets.get_secret("forms", out_content_type="application/x-pem-file").value.encode()
    assert x509.load_pem_x509_certificate(text).public_bytes(serialization.Encoding.DER) == bytes(made.cer)
    key = serialization.load_pem_private_key(text, None)
    assert key.public_key().public_numbers() == x509.load_der_x509_certificate(bytes(made.cer)).public_key().public_numbers()
    refused("BadParameter", secrets.get_secret, "forms", out_content_type="text/plain")
    # What is yet to be signed has a secret that is there and disabled.
    certificates.begin_create_certificate("first", CertificatePolicy("Unknown", subject="CN=first.example"))
    refused("SecretDisabled", secrets.get_secret, "first")
    assert keys.get_key("first").properties.enabled is False
    assert "first" in [each.name for each in certificates.list_properties_of_certificates(include_pending=True)]
    assert "first" not in [each.name for each in certificates.list_properties_of_certificates()]


def people():
    certificates.set_contacts([CertificateContact(email="a@example.org", name="A", phone="1")])
    assert [each.email for each in certificates.get_contacts()] == ["a@example.org"]
    certificates.delete_contacts()
    certificates.create_issuer("mine", "Test", account_id="account")
    assert certificates.get_issuer("mine").provider == "Test"
    assert certificates.update_issuer("mine", enabled=False).enabled is False
    assert "mine" in [each.name for each in certificates.list_properties_of_issuers()]
    certificates.delete_issuer("mine")


run({"make": make, "imports": imports, "recovery": recovery, "people": people, "pending": pending, "forms": forms})
