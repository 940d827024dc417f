"""The Azure SDK's clients on a transport that holds each response against the OpenAPI files and records what was asked."""
import atexit
import json
import os
import pathlib
import sys
import urllib.parse

from azure.core.pipeline.transport import RequestsTransport
from azure.identity import ClientSecretCredential
from azure.keyvault.certificates import CertificateClient
from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient
from azure.keyvault.secrets import SecretClient
from azure.mgmt.keyvault import KeyVaultManagementClient

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from openapi import specification

mismatches, exchanges = [], []


class RecordingTransport(RequestsTransport):
    def send(self, request, **options):
        response = super().send(request, **options)
        inner = getattr(response, "internal_response", None) or response._internal_response
        path = urllib.parse.unquote(urllib.parse.urlsplit(request.url).path)
        status, rules = inner.status_code, specification()
        operation = rules and rules.find(request.method, path)
        # A challenge has no body of its own, and the client asks again.
        if operation and status != 401:
            exchanges.append({"operation": operation.id, "file": operation.file, "method": request.method, "status": status})
            mismatches.extend(rules.mismatches(operation, status, inner.content))
        return response


def finish():
    """Writes the record, and ends the program with an error if a response was not as specified."""
    record = os.environ.get("COFFER_RECORD")
    if record:
        with open(record, "a") as file:
            file.writelines(json.dumps(each) + "\n" for each in exchanges)
    if mismatches:
        print("not as specified:", *sorted(set(mismatches)), sep="\n  ", file=sys.stderr, flush=True)
        os._exit(1)


atexit.register(finish)
credential = ClientSecretCredential(
    os.environ["AZURE_TENANT_ID"], os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_SECRET"],
    authority=os.environ["AZURE_AUTHORITY_HOST"], disable_instance_discovery=True)
url = sys.argv[1]
keys = KeyClient(url, credential, transport=RecordingTransport())
secrets = SecretClient(url, credential, transport=RecordingTransport())
certificates = CertificateClient(url, credential, transport=RecordingTransport())


def cryptography(key):
    return CryptographyClient(key, credential, transport=RecordingTransport())


def management():
    arm = os.environ["COFFER_URL"].rstrip("/")
    return KeyVaultManagementClient(
        credential, os.environ["AZURE_SUBSCRIPTION_ID"], base_url=arm, credential_scopes=[f"{arm}//.default"],
        transport=RecordingTransport())


def refused(code, call, *arguments, **options):
    """The call must be refused with this code, outer or inner."""
    from azure.core.exceptions import HttpResponseError
    try:
        call(*arguments, **options)
    except HttpResponseError as error:
        found = error.error.code if error.error else None
        inner = (getattr(error.error, "innererror", None) or {}).get("code") if error.error else None
        assert code in (found, inner), f"expected {code}, got {found}/{inner}: {error}"
        return
    raise AssertionError(f"{call.__name__} was not refused with {code}")


def run(steps):
    steps[sys.argv[2]]()
