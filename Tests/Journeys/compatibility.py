#!/usr/bin/env python3
"""Writes docs/COMPATIBILITY.md from what the journeys recorded: compatibility.py [--check]

Each operation of Microsoft's OpenAPI files has one line: whether it answered a current SDK as specified, how Coffer refuses it on
purpose, or neither. With --check nothing is written, and the exit status is 1 if a state differs from the committed file.
"""
import json
import re
import sys

from openapi import PACKAGE, specification

PAGE = PACKAGE / "docs/COMPATIBILITY.md"
SHOWN, REFUSED, OPEN = "works", "refused on purpose", "not shown"
HEAD = """# Compatibility

Every operation of Microsoft's OpenAPI files (data plane 7.5, resource manager 2023-07-01) and its state. *works*: a current Azure SDK for
Python called it, with challenge verification on, and the answer was as the OpenAPI file has it (or a plain request, where the SDK has no call). *refused on purpose*: a plain request was
refused with this status, code and sentence. *not shown*: no journey calls it.
Written by `Tests/Journeys/compatibility.py` from what the journeys recorded; `./test` compares.
"""


def recorded():
    """What the journeys recorded of each operation, by its file and id."""
    found = {}
    for path in sorted((PACKAGE / ".build").glob("exchanges-*.jsonl")):
        for line in path.read_text().splitlines():
            each = json.loads(line)
            found.setdefault((each["file"], each["operation"]), []).append(each)
    return found


def state(exchanges):
    """The state of an operation, and what is said of it."""
    if answered := [each for each in exchanges if each["status"] < 400]:
        notes = sorted({each["note"] for each in answered if "note" in each})
        return SHOWN, ", ".join([" ".join(sorted({str(each["status"]) for each in answered})), *notes])
    # The SDK's clients are refused in many ways; only the journey of refusals says what is refused for good.
    refusal = next((each for each in exchanges if "message" in each), None)
    return (REFUSED, f"{refusal['status']} `{refusal['code']}`: {refusal['message']}") if refusal else (OPEN, "")


def rows():
    shown = recorded()
    for operation in sorted(specification().operations, key=lambda each: (each.file, each.path, each.method)):
        what, note = state(shown.get((operation.file, operation.id), []))
        path = re.sub(r"^/subscriptions/\{subscriptionId\}/(resourceGroups/\{resourceGroupName\}/)?providers/Microsoft.KeyVault", "…", operation.path)
        yield operation, f"| `{operation.id}` | `{operation.method} {path}` | {what} | {note} |"


def page():
    text, heading = HEAD, None
    counts = {SHOWN: 0, REFUSED: 0, OPEN: 0}
    for operation, row in rows():
        if operation.file != heading:
            heading = operation.file
            plane = "Data plane" if heading.startswith("data-plane") else "Resource manager"
            text += f"\n## {plane}: {operation.group}\n| operation | request | state | status, or the refusal |\n|---|---|---|---|\n"
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
