"""The audit log: what az and Coffer do is in it, it outlives kill -9 and a restart, and whoever changes it in the database is found out."""
import base64
import hashlib
import sqlite3

from stage import *


def set_up(stage):
    stage.start_server("--throttle")
    stage.make_encrypted_disk("d")
    stage.coffer("disk attach d -g g")
    stage.coffer("disk detach d -g g")


def verify(stage, *options, ok=True):
    return json.loads(stage.coffer("audit-log verify --all --output json", *options, ok=ok).output)


def change(stage, sql, *values):
    """Does what somebody does who can write the database."""
    with sqlite3.connect(stage.data / "store.sqlite") as store:
        return store.execute(sql, values).fetchall()


def stream_of(resource):
    digest = hashlib.sha256(resource.lower().encode()).digest()
    return "audit/" + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def test_what_happened_is_there_in_azures_form(stage):
    names = [event["operationName"] for event in stage.audit_events()]
    for name in ("VaultPut", "KeyCreate", "KeyWrap", "KeyUnwrap", "DiskAttach", "DiskDetach"):
        expect_in(name, names, "operations in the log")
    unwrap = next(event for event in stage.audit_events("KeyUnwrap"))
    expect_equal(unwrap["category"], "AuditEvent", "category")
    expect_equal(unwrap["resultType"], "Success", "result")
    expect_equal(unwrap["properties"]["keyProperties"]["type"], "RSA", "the key's type")
    made = next(event for event in stage.audit_events("KeyCreate"))
    expect_equal(made["properties"]["tlsVersion"], "TLS1_3", "the connection's version of TLS")


def test_it_holds_also_for_openssl(stage):
    reports = verify(stage)
    expect(all(report["valid"] for report in reports), f"{reports}")
    expect(len(reports) >= 2, "the vault's log and the disk's")
    expect_in("ED25519", stage.run(["openssl", "pkey", "-pubin", "-in", stage.data / "audit-key.pem", "-noout", "-text"]).output, "key")


def test_ending_serve_signs_everything_and_killing_it_loses_nothing(stage):
    before = sum(report["records"] for report in verify(stage))
    expect_equal(stage.server.stop(), 0, "exit status")
    reports = verify(stage, "--store", "sqlite")
    expect(all(report["signedRecords"] == report["records"] for report in reports), f"{reports}")
    expect(sum(report["records"] for report in reports) >= before, f"{reports}")
    stage.start_server()
    stage.coffer("disk attach d -g g")
    stage.server.kill()
    stage.start_server()
    expect(len(stage.audit_events("DiskAttach")) >= 2, "the attach before the kill is there")
    expect(all(report["valid"] for report in verify(stage)), "the log holds after a kill")


def test_whoever_changes_the_database_is_found_out(stage):
    reports = verify(stage)
    witness = stage.root / "witness.json"
    witness.write_text(json.dumps(reports))
    vault = next(report["resource"] for report in reports if "/vaults/" in report["resource"].lower())
    stream = stream_of(vault)
    stage.coffer("disk detach d -g g", ok=None)
    stage.server.stop()
    offline = ("--store", "sqlite")
    [(sequence, body)] = change(stage, "SELECT sequence, body FROM events WHERE stream = ? ORDER BY sequence LIMIT 1 OFFSET 1", stream)
    number = body.split(b" ", 1)[0].decode()

    edited = body.replace(b'"st":2', b'"st":4', 1)
    expect(edited != body, f"nothing to edit in {body}")
    change(stage, "UPDATE events SET body = ? WHERE stream = ? AND sequence = ?", edited, stream, sequence)
    said = verify(stage, *offline, ok=False)
    expect_in(f"Record {number} was altered", json.dumps(said), "findings")

    change(stage, "DELETE FROM events WHERE stream = ? AND sequence = ?", stream, sequence)
    expect_in("removed", json.dumps(verify(stage, *offline, ok=False)), "findings")

    change(stage, "INSERT INTO events (stream, sequence, body) VALUES (?, ?, ?)", stream, sequence, body)
    expect(all(report["valid"] for report in verify(stage, *offline, "--witness", witness)), "it holds again")

    [(last,)] = change(stage, "SELECT max(sequence) FROM events WHERE stream = ?", stream)
    change(stage, "DELETE FROM events WHERE stream = ? AND sequence = ?", stream, last)
    expect_in("was cut off", json.dumps(verify(stage, *offline, ok=False)), "findings")


def test_a_replaced_signing_key_is_refused(stage):
    change(stage, "DELETE FROM documents WHERE collection = 'audit-signing-keys'")
    server = stage.start_server(wait=False)
    expect_equal(server.process.wait(30), 78, "exit status")
    expect_in("audit-key.pem", stage.tail(server.log), "what it says")
