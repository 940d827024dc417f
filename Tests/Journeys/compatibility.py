#!/usr/bin/env python3
"""Writes docs/COMPATIBILITY.md from what the journeys recorded: compatibility.py [--check]

Each operation of Microsoft's OpenAPI files has one line: whether it answered a current SDK as specified, whether Coffer refuses it on
purpose, or neither. With --check nothing is written, and the exit status is 1 if a state differs from the committed file.
"""
import json
import re
import sys

from openapi import PACKAGE, specification

PAGE = PACKAGE / "docs/COMPATIBILITY.md"
SHOWN, REFUSED, OPEN = "works", "refused on purpose", "not shown"
# Why an operation is refused, by its id or by the file it stands in.
REASONS = {
    "release": "a key is released to attested hardware only, which there is none of",
    "GetRandomBytes": "managed HSMs' alone, as in Azure",
    "storage": "retired by Azure: managed storage account keys",
    "rbac": "managed HSMs' alone; vaults have Azure's role assignments",
    "settings": "managed HSMs' alone", "backuprestore": "managed HSMs' alone", "securitydomain": "managed HSMs' alone",
    "managedHsm": "there are no managed HSMs; lists of them are empty", "keysManagedHsm": "there are no managed HSMs",
    "PrivateEndpointConnections": "there are no private endpoints", "PrivateLinkResources": "there are no private endpoints",
}
HEAD = """# Compatibility

Every operation of Microsoft's OpenAPI files (data plane 7.5, resource manager 2023-07-01) and its state. *works*: a current Azure SDK for
Python called it, with challenge verification on, and the answer was as the OpenAPI file has it. *not shown*: no SDK journey calls it.
Written by `Tests/Journeys/compatibility.py` from what the journeys recorded; `./test` compares.
"""


def recorded():
    """The operations that succeeded, each as file and id, with the statuses they ended with."""
    found = {}
    for path in sorted((PACKAGE / ".build").glob("exchanges-*.jsonl")):
        for line in path.read_text().splitlines():
            each = json.loads(line)
            if each["status"] < 400:
                found.setdefault((each["file"], each["operation"]), set()).add(each["status"])
    return found


def rows():
    shown = recorded()
    for operation in sorted(specification().operations, key=lambda each: (each.file, each.path, each.method)):
        statuses = shown.get((operation.file, operation.id))
        prefix = operation.id.split("_")[0]
        reason = next((REASONS[name] for name in (operation.id, prefix, operation.group) if name in REASONS), None)
        if statuses:
            state, note = SHOWN, " ".join(map(str, sorted(statuses)))
        else:
            state, note = (REFUSED, reason) if reason else (OPEN, "")
        path = re.sub(r"^/subscriptions/\{subscriptionId\}/(resourceGroups/\{resourceGroupName\}/)?providers/Microsoft.KeyVault", "…", operation.path)
        yield operation, f"| `{operation.id}` | `{operation.method} {path}` | {state} | {note} |"


def page():
    text, heading = HEAD, None
    counts = {SHOWN: 0, REFUSED: 0, OPEN: 0}
    for operation, row in rows():
        if operation.file != heading:
            heading = operation.file
            plane = "Data plane" if heading.startswith("data-plane") else "Resource manager"
            text += f"\n## {plane}: {operation.group}\n| operation | request | state | status or reason |\n|---|---|---|---|\n"
        text += row + "\n"
        counts[row.split(" | ")[2]] += 1
    return text + "\n" + ", ".join(f"{count} {state}" for state, count in counts.items()) + ".\n"


def main():
    if specification() is None or not recorded():
        print("compatibility: not compared, because ../shared/specs or the record of the journeys is not there")
        return 0
    new, old = page(), PAGE.read_text() if PAGE.exists() else ""
    if sys.argv[1:] != ["--check"]:
        PAGE.write_text(new)
        return 0
    differences = sorted(set(new.splitlines()) ^ set(old.splitlines()))
    if differences:
        print("docs/COMPATIBILITY.md is not what the journeys show; write it anew with Tests/Journeys/compatibility.py:", *differences, sep="\n  ")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
