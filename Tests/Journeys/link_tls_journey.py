"""The link between storage service and host over TCP and TLS: what passes it, who is let in, connections that are cut, and certificates
that are taken back. The host is told where the storage is, as if it were on another machine; a relay between them writes down all that passes.
"""
import pathlib
import threading

from recorder import Recorder
from stage import *

MIB = 1 << 20
BYTES = 256 * MIB


def control(stage, keys, *words, ok=True):
    """One command of diskroles.py about the disk whose keys are in the file `keys`."""
    done = subprocess.run(
        [str(find_sdk()), str(pathlib.Path(__file__).with_name("diskroles.py")), str(stage.data), str(stage.root / keys), *map(str, words)],
        capture_output=True, text=True, timeout=180)
    if not ok:
        return done
    expect_equal(done.returncode, 0, f"status of {words}: {done.stderr[-500:]}")
    return json.loads(done.stdout)


def set_up(stage):
    stage.kept["port"], relay = free_port(), free_port()
    stage.kept["listen"] = ("--disk-listen", f"127.0.0.1:{stage.kept['port']}")
    stage.start_server(*stage.kept["listen"])
    issue_for_host(stage, "link")
    stage.server.stop()
    stage.kept["relay"] = Recorder(("127.0.0.1", relay), ("127.0.0.1", stage.kept["port"]), stage.root / "recorded")
    stage.kept["uri"] = f"nbds://127.0.0.1:{relay}/?tls-certificates={stage.root}/link"
    stage.start_server(*stage.kept["listen"], "--disk-roles", "apart", "--storage-link", stage.kept["uri"])
    control(stage, "a", "make", BYTES, 1)
    stage.kept["opened"] = control(stage, "a", "open", "none", "storage")


def issue_for_host(stage, directory):
    """A host's certificate in a directory; its fingerprint."""
    stage.coffer(f"disk certificate host h1 --output {stage.root}/{directory}")
    words = ["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", f"{stage.root}/{directory}/client-cert.pem"]
    return stage.run(words).output.strip().split("=")[1]


def at_host(stage):
    """The disk as the host serves it."""
    export = stage.kept["opened"]["export"]
    return f"nbd+unix:///{export['name']}?socket={export['socketPath']}"


def at_storage(stage, certificates, export=None):
    return f"nbds://127.0.0.1:{stage.kept['port']}/{export or stage.kept['opened']['export']['name']}?tls-certificates={stage.root}/{certificates}"


def client_words(path):
    """What a host said before TLS began, and the kinds of the records after it."""
    sent = path.read_bytes()
    before, rest, kinds = sent[:20], sent[20:], []
    while len(rest) >= 5:
        expect(rest[0] in (20, 21, 22, 23) and rest[1] == 3, f"{path.name}: what follows {len(kinds)} records of TLS is none: {rest[:16].hex()}")
        kinds.append(rest[0])
        rest = rest[5 + int.from_bytes(rest[3:5], "big"):]
    return before, kinds


def test_nothing_but_tls_passes(stage):
    canary = new_canary()
    image = stage.root / "canary.img"
    with open(image, "wb") as file:
        file.write((canary + "\n").encode() * 20000)
        file.truncate(BYTES)
    stage.run(["nbdcopy", "--connections=2", image, at_host(stage)], timeout=300)
    back = stage.root / "back.img"
    stage.run(["nbdcopy", at_host(stage), back], timeout=300)
    stage.run(["cmp", image, back], timeout=120)
    recorded = sorted((stage.root / "recorded").glob("*-written"))
    expect(recorded and stage.kept["relay"].byte_count() > 2 * 20000 * len(canary), "what was written and read has passed the relay")
    for path in recorded:
        before, kinds = client_words(path)
        expect_equal(before[4:16], b"IHAVEOPT" + (5).to_bytes(4, "big"), f"{path.name}: the only words in the clear ask for TLS")
        expect(23 in kinds, f"{path.name}: no data")
    for path in (stage.root / "recorded").iterdir():
        expect(canary.encode() not in path.read_bytes(), f"{path.name} has the canary")


def test_plaintext_is_refused(stage):
    name = stage.kept["opened"]["export"]["name"]
    result = stage.run(["nbdinfo", f"nbd://127.0.0.1:{stage.kept['port']}/{name}"], ok=None)
    expect(result.status != 0, "nbdinfo was let in without TLS")
    diskd = pathlib.Path(stage.coffer_path).parent / "coffer-diskd"
    result = stage.run([diskd, "--data", stage.root / "other", "--role", "host", "--storage", "nbd://127.0.0.1:10809/"], ok=None)
    expect_equal(result.status, 64, "status of a host whose storage is over TCP without TLS")


def refused(stage, what, certificates, export=None):
    result = stage.run(["nbdinfo", at_storage(stage, certificates, export)], ok=None)
    expect(result.status != 0, f"{what}: nbdinfo was let in: {result.output}")


def test_who_shows_no_certificate_or_anothers_is_refused(stage):
    (stage.root / "nobody").mkdir()
    shutil.copy(stage.root / "link/ca-cert.pem", stage.root / "nobody")
    refused(stage, "no certificate", "nobody")
    stranger = stage.root / "stranger"
    stranger.mkdir()
    shutil.copy(stage.root / "link/ca-cert.pem", stranger)
    stage.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=host\\/h1",
               "-addext", "extendedKeyUsage=clientAuth", "-keyout", stranger / "client-key.pem", "-out", stranger / "client-cert.pem"])
    refused(stage, "a certificate of its own making", "stranger")


def test_a_hosts_certificate_opens_the_disks_of_machines_alone(stage):
    stage.run(["nbdinfo", at_storage(stage, "link")])
    stage.login()
    stage.make_group("g")
    stage.make_disk("d")
    client = stage.kept["client"] = stage.attach("d")["exportName"]
    refused(stage, "a client's disk", "link", client)
    listed = stage.run(["nbdinfo", "--list", "--json", at_storage(stage, "link")]).output
    expect(client not in listed and stage.kept["opened"]["export"]["name"] in listed, f"what a host learns of: {listed}")
    stage.coffer(f"disk certificate d -g g --output {stage.root}/client")
    stage.run(["nbdinfo", at_storage(stage, "client", client)])
    refused(stage, "a machine's disk with a client's certificate", "client")


def test_cut_connections_are_made_again_under_io(stage):
    ends = threading.Event()

    def cut():
        while not ends.wait(0.15):
            stage.kept["relay"].cut()

    image, back = stage.root / "random.img", stage.root / "random-back.img"
    with open(image, "wb") as file:
        for _ in range(48):
            file.write(os.urandom(MIB))
        file.truncate(BYTES)
    before, cutter = stage.kept["relay"].count, threading.Thread(target=cut)
    cutter.start()
    try:
        stage.run(["nbdcopy", "--request-size=262144", image, at_host(stage)], timeout=300)
        stage.run(["nbdcopy", at_host(stage), back], timeout=300)
    finally:
        ends.set()
        cutter.join()
    stage.run(["cmp", image, back], timeout=120)
    expect(stage.kept["relay"].count > before + 2, f"{stage.kept['relay'].count - before} connections were made anew")


def revoked(stage):
    return {each["fingerprint"] for each in stage.coffer_json("disk certificate list")["value"] if each.get("revoked")}


def test_a_certificate_that_was_taken_back_opens_nothing_from_that_moment(stage):
    fingerprint = stage.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", stage.root / "link/client-cert.pem"]).output.strip().split("=")[1]
    stage.run(["nbdinfo", at_storage(stage, "link")])
    stage.run(["qemu-io", "-f", "raw", "-c", "read 0 4k", at_host(stage)])
    expect(stage.kept["relay"].open, "the host has connections")
    stage.coffer("disk certificate revoke", fingerprint)
    refused(stage, "a certificate that was taken back", "link")
    eventually(lambda: not stage.kept["relay"].open, 5, "the host's connections are ended", every=0.05)
    expect_equal(revoked(stage), {fingerprint.replace(":", "").lower()}, "what the list says")
    expect_in("the certificate was revoked", (stage.data / "run/diskd.log").read_text(), "the disk host's log")


def test_io_waits_and_goes_on_with_another_certificate(stage):
    reading = subprocess.Popen(["qemu-io", "-f", "raw", "-c", "read 0 1M", at_host(stage)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    time.sleep(2)
    expect(reading.poll() is None, "a read waits for the link")
    issue_for_host(stage, "link2")
    for name in ("client-key.pem", "client-cert.pem"):
        os.replace(stage.root / "link2" / name, stage.root / "link" / name)
    output = reading.communicate(timeout=70)[0].decode()
    expect(reading.returncode == 0 and "failed" not in output, f"the read with another certificate: {output}")


def test_what_was_taken_back_stays_so_when_the_servers_are_started_anew(stage):
    client = stage.kept["client"]
    fingerprint = stage.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", stage.root / "client/client-cert.pem"]).output.strip().split("=")[1]
    stage.run(["nbdinfo", at_storage(stage, "client", client)])
    stage.coffer("disk certificate revoke", fingerprint)
    refused(stage, "a client's certificate that was taken back", "client", client)
    stage.server.kill()
    for process in stage.disk_hosts():
        os.kill(process, signal.SIGKILL)
    stage.start_server(*stage.kept["listen"], "--disk-roles", "apart", "--storage-link", stage.kept["uri"])
    stage.coffer(f"disk certificate d -g g --output {stage.root}/again")
    eventually(lambda: stage.run(["nbdinfo", at_storage(stage, "again", client)], ok=None).status == 0, 30, "the disk is there again")
    refused(stage, "a certificate that was taken back before", "client", client)
    outcomes = {name: len(stage.audit_events(name)) for name in ("DiskHostCertificate", "DiskRevokeCertificate")}
    expect_equal(outcomes, {"DiskHostCertificate": 2, "DiskRevokeCertificate": 2}, "audited")
