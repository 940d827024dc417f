"""Reads Microsoft's OpenAPI files (Swagger 2.0) of Key Vault and holds responses against them.

The files are not part of this repository: they lie in `../shared/specs` beside it, or where COFFER_SPECS says.
"""
import functools
import json
import os
import pathlib
import re

PACKAGE = pathlib.Path(__file__).resolve().parents[2]
DATA_PLANE = "data-plane/Microsoft.KeyVault/stable/7.5"
RESOURCES = "resource-manager/Microsoft.KeyVault/stable/2023-07-01"
FILES = [f"{DATA_PLANE}/{name}.json" for name in ("keys", "secrets", "certificates", "rbac", "settings", "backuprestore", "securitydomain", "storage")]
FILES += [f"{RESOURCES}/{name}.json" for name in ("keyvault", "keys", "secrets", "managedHsm", "keysManagedHsm", "providers")]
# What came with versions of the API after the files that are kept.
NEWER = {"attestation", "previousVersion", "preserveCertOrder", "external_key", "key_size", "platforms", "subjectType", "ipAddresses", "uris", "ip_addresses"}


def find_folder():
    for candidate in (os.environ.get("COFFER_SPECS"), PACKAGE.parent / "shared/specs"):
        folder = pathlib.Path(candidate or "/nonexistent") / "azure-rest-api-specs/specification/keyvault"
        if folder.is_dir():
            return folder
    return None


class Operation:
    def __init__(self, file, path, method, definition):
        self.file, self.path, self.method = file, path, method.upper()
        self.id, self.definition = definition["operationId"], definition
        pattern = re.sub(r"\\\{[^/]*?\\\}", "[^/]+", re.escape(path))
        # The version may be left out, with its slash or without.
        if path.endswith("-version}"):
            pattern = pattern.removesuffix("/[^/]+") + "(/[^/]*)?"
        self.pattern = re.compile(f"^{pattern}/?$", re.IGNORECASE)

    @property
    def group(self):
        return self.file.rsplit("/", 1)[1].removesuffix(".json")

    @property
    def is_for_vaults(self):
        """Whether vaults have it at all; the rest are managed HSMs' and storage accounts'."""
        return self.group in ("keys", "secrets", "certificates", "keyvault", "providers")


class Specification:
    def __init__(self, folder):
        self.folder = folder
        self.operations = []
        for name in FILES:
            for path, methods in self.document(folder / name)["paths"].items():
                self.operations += [Operation(name, path, method, each) for method, each in methods.items() if method != "parameters"]
        # Words before placeholders: /certificates/contacts is not a certificate's name.
        self.operations.sort(key=lambda operation: operation.path.count("{"))

    @staticmethod
    @functools.cache
    def document(path):
        return json.loads(path.read_text())

    def find(self, method, path):
        return next((each for each in self.operations if each.method == method and each.pattern.match(path)), None)

    def resolve(self, file, value):
        while "$ref" in value:
            name, _, pointer = value["$ref"].partition("#")
            file = (file.parent / name).resolve() if name else file
            value = self.document(file)
            for step in pointer.strip("/").split("/"):
                value = value[step]
        return file, value

    def schema(self, file, value, depth=0):
        """A JSON schema of a Swagger schema. What is deeper than any answer goes is not looked at."""
        file, value = self.resolve(file, value)
        if depth > 12:
            return {}
        made = {key: value[key] for key in ("type", "required", "minimum", "maximum", "minLength", "maxLength") if key in value}
        if "enum" in value and not value.get("x-ms-enum", {}).get("modelAsString", True):
            made["enum"] = value["enum"]
        if value.get("type") == "file":
            return {}
        parts = [self.schema(file, each, depth + 1) for each in value.get("allOf", [])]
        properties = {name: self.schema(file, each, depth + 1) for name, each in value.get("properties", {}).items()}
        for part in parts:
            properties = {**part.get("properties", {}), **properties}
            made["required"] = [*made.get("required", []), *part.get("required", [])]
        if properties:
            made["properties"] = properties
            if "additionalProperties" not in value:
                made["propertyNames"] = {"enum": sorted({*properties, *NEWER})}
        if isinstance(value.get("additionalProperties"), dict):
            made["additionalProperties"] = self.schema(file, value["additionalProperties"], depth + 1)
        if "items" in value:
            made["items"] = self.schema(file, value["items"], depth + 1)
        if "nextLink" in properties:
            properties["nextLink"] = {"type": ["string", "null"]}
        return made

    @functools.cache
    def validator(self, operation, status):
        import jsonschema
        responses = operation.definition["responses"]
        response = responses.get(str(status)) or (responses.get("default") if status >= 400 else None)
        if response is None:
            return None
        _, response = self.resolve(self.folder / operation.file, response)
        schema = self.schema(self.folder / operation.file, response["schema"]) if "schema" in response else None
        return schema, schema and jsonschema.Draft7Validator(schema)

    def mismatches(self, operation, status, body):
        """What is wrong with a response, as sentences."""
        found = self.validator(operation, status)
        where = f"{operation.id} {status}"
        if found is None:
            return [f"{where}: the status is not among {sorted(operation.definition['responses'])}"]
        schema, validator = found
        if validator is None:
            return [f"{where}: a body where there is none: {body[:100]!r}"] if body and status < 300 else []
        try:
            value = json.loads(body)
        except ValueError:
            return [f"{where}: no JSON: {body[:100]!r}"]
        return [f"{where}: {'/'.join(map(str, error.absolute_path)) or 'body'}: {error.message[:300]}" for error in validator.iter_errors(value)]


@functools.cache
def specification():
    """The specification, or None where the files are not."""
    folder = find_folder()
    return Specification(folder) if folder else None
