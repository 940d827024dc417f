"""Disks leave and enter by shared access signatures: granted with az, used with azure-storage-blob, curl and plain HTTP."""
import hashlib
import os
import subprocess
import urllib.parse

from stage import *

STEPS = PACKAGE / "Tests/Journeys/sdk/blob_steps.py"
API = "2024-03-02"
FOOTER = 512
MEBIBYTE = 1 << 20


def set_up(stage):
    stage.kept["python"] = find_sdk()
    stage.start_server("--test-clock")
    stage.login()
    stage.make_encrypted_disk("d")
    stage.kept["canary"] = new_canary()
    plain = stage.root / "plain.raw"
    with open(plain, "wb") as file:
        file.truncate(1 << 30)
        for place in (0, 7 * MEBIBYTE + 4096, 512 * MEBIBYTE, (1 << 30) - MEBIBYTE):
            file.seek(place)
            file.write(stage.kept["canary"].encode().ljust(4096, b".") + os.urandom(MEBIBYTE - 4096))
    stage.kept["plain"] = plain
    uri = stage.attach("d")["nbdUri"]
    subprocess.run(["qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", plain, uri], check=True, timeout=120)
    stage.detach("d")


def blob(stage, step, url, *more):
    return stage.run([stage.kept["python"], STEPS, step, url, *more]).json


def disk(name, kind="disks"):
    return f"/resourceGroups/g/providers/Microsoft.Compute/{kind}/{name}"


def state(stage, name, kind="disks"):
    return stage.arm("GET", disk(name, kind), API).json["properties"]["diskState"]


def grant(stage, name, level="Read", seconds=3600, kind="disk"):
    return stage.az_json(f"{kind} grant-access -g g -n {name} --access-level {level} --duration-in-seconds {seconds}")["accessSAS"]


def refused(stage, url, method="GET", headers=None, raw=None):
    """A request without a valid signature: always the same answer."""
    reply = stage.request(method, url, headers=headers, raw=raw)
    expect_equal(reply.status, 403, f"{method} {url} ({reply})")
    expect_equal(reply.headers["x-ms-error-code"], "AuthenticationFailed", "error code")
    expect_in(b"<Code>AuthenticationFailed</Code>", reply.body, "body")
    return reply


def test_a_disk_is_downloaded_as_a_fixed_vhd(stage):
    expect_equal(state(stage, "d"), "Unattached", "state before")
    url = stage.kept["url"] = grant(stage, "d")
    expect_equal(state(stage, "d"), "ActiveSAS", "state")
    seen = blob(stage, "properties", url)
    expect_equal((seen["size"], seen["type"]), ((1 << 30) + FOOTER, "PageBlob"), "properties")
    target = stage.root / "d.vhd"
    expect_equal(blob(stage, "download", url, target).get("size"), (1 << 30) + FOOTER, "size")
    with open(target, "rb") as file:
        expect_equal(hashlib.sha256(file.read(1 << 30)).hexdigest(), sum_of(stage.kept["plain"]), "checksum of the disk in the VHD")
    found = json.loads(subprocess.run(["qemu-img", "info", "-f", "vpc", "--output=json", target], capture_output=True, check=True).stdout)
    expect_equal(found["virtual-size"], 1 << 30, "size that qemu finds in the VHD")
    subprocess.run(["qemu-img", "compare", "-f", "vpc", "-F", "raw", target, stage.kept["plain"]], check=True, timeout=120)


def sum_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_only_what_holds_something_is_listed(stage):
    ranges = blob(stage, "pages", stage.kept["url"])["ranges"]
    places = [0, 7 * MEBIBYTE + 4096, 512 * MEBIBYTE, (1 << 30) - MEBIBYTE, 1 << 30]
    for place in places:
        expect(any(start <= place < end for start, end in ranges), f"{place} is in no range of {ranges}")
    expect(sum(end - start + 1 for start, end in ranges) < 8 * MEBIBYTE, f"holes are listed as data: {ranges}")


def test_curl_gets_all_and_parts(stage):
    url, ca = stage.kept["url"], stage.environment["REQUESTS_CA_BUNDLE"]
    target = stage.root / "curl.vhd"
    stage.run(["curl", "-sS", "--fail", "--cacert", ca, "-o", target, url])
    subprocess.run(["cmp", target, stage.root / "d.vhd"], check=True)
    stage.run(["curl", "-sS", "--fail", "--cacert", ca, "-r", "536870910-536870930", "-o", target, url])
    with open(stage.kept["plain"], "rb") as file:
        file.seek(536870910)
        expect_equal(target.read_bytes(), file.read(21), "a part")
    reply = stage.request("GET", url, headers={"Range": f"bytes={1 << 30}-"})
    expect_equal((reply.status, reply.headers["content-range"]), (206, f"bytes {1 << 30}-{(1 << 30) + 511}/{(1 << 30) + 512}"), "the footer")
    reply = stage.request("GET", url, headers={"Range": f"bytes={2 << 30}-"})
    expect_equal((reply.status, reply.headers["x-ms-error-code"]), (416, "InvalidRange"), "past the end")
    head = stage.request("HEAD", url)
    expect_equal((head.status, head.headers["content-length"], head.body), (200, str((1 << 30) + 512), b""), "HEAD")


def test_qemu_img_reads_a_disk_where_it_is(stage):
    modules = os.environ.get("QEMU_MODULE_DIR", "/usr/lib/x86_64-linux-gnu/qemu")
    if not os.path.exists(f"{modules}/block-curl.so"):
        raise Skip("qemu-img has no driver for HTTPS here: qemu-block-extra is not installed")
    image = {"driver": "vpc", "file": {"driver": "https", "url": stage.kept["url"], "sslverify": False}}
    stage.run(["qemu-img", "compare", "-F", "raw", f"json:{json.dumps(image)}", stage.kept["plain"]])


def test_a_disk_that_is_read_is_not_used_otherwise(stage):
    stage.az_refused("disk delete -g g -n d -y", code="OperationNotAllowed")
    stage.az_refused("disk update -g g -n d --size-gb 2", code="OperationNotAllowed")
    attached = stage.coffer("disk attach d -g g", ok=False)
    expect_in("active shared access signature", attached.errors, "attach")
    expect_equal(blob(stage, "write", stage.kept["url"], 0, "x", 512)["code"], "AuthorizationPermissionMismatch", "a write")
    stage.az_refused("disk grant-access -g g -n d --access-level Write --duration-in-seconds 60", code="OperationNotAllowed")


def test_a_url_opens_nothing_without_its_secret_and_after_it_was_revoked(stage):
    url = stage.kept["url"]
    parts = urllib.parse.urlsplit(url)
    sig = urllib.parse.parse_qs(parts.query)["sig"][0]
    other = ("B" if sig[5] != "B" else "C").join((sig[:5], sig[6:]))
    for wrong in (url.replace(sig, other), url.replace(sig, ""), url.split("?")[0], f"{url.split('?')[0]}?sig={sig}x"):
        refused(stage, wrong)
    refused(stage, url.replace(parts.path.split("/")[2], "0" * 32))
    refused(stage, url.replace("disk.vhd", "other.vhd"))
    refused(stage, f"{stage.url}/disk-access")
    expect_equal(stage.request("GET", url, headers={"Range": "bytes=0-9"}).status, 206, "the right one")
    again = grant(stage, "d")
    refused(stage, url)
    expect_equal(stage.request("GET", again, headers={"Range": "bytes=0-9"}).status, 206, "the second one")
    stage.az("disk revoke-access -g g -n d")
    refused(stage, again)
    expect_equal(state(stage, "d"), "Unattached", "state after")
    stage.az("disk revoke-access -g g -n d")
    secrets = [sig, urllib.parse.parse_qs(urllib.parse.urlsplit(again).query)["sig"][0]]
    for secret in secrets:
        _, _, hits = search(secret, stage.data)
        expect_equal(hits, {}, "files that hold a URL's secret")
    for log in stage.root.glob("serve-*.log"):
        expect(all(secret not in log.read_text() for secret in secrets), f"a secret is in {log}")


def test_an_access_expires(stage):
    url = grant(stage, "d", seconds=60)
    expect_equal(stage.request("GET", url, headers={"Range": "bytes=0-9"}).status, 206, "before")
    stage.request("POST", f"{stage.url}/coffer/clock", {"advanceSeconds": 61}, token=stage.token())
    refused(stage, url)
    expect_equal(state(stage, "d"), "Unattached", "state after")
    uri = stage.attach("d")["nbdUri"]
    subprocess.run(["qemu-io", "-f", "raw", "-c", "write 4M 4k", uri], check=True, capture_output=True)
    subprocess.run(["qemu-io", "-f", "raw", "-c", "write -z 4M 4k", uri], check=True, capture_output=True)
    stage.az_refused("disk grant-access -g g -n d --duration-in-seconds 60", code="OperationNotAllowed")
    stage.detach("d")


def test_an_access_outlives_the_server(stage):
    url = grant(stage, "d")
    stage.server.kill()
    stage.start_server("--test-clock")
    eventually(lambda: stage.request("GET", url, headers={"Range": "bytes=0-9"}).status == 206, 30, "the URL opens the disk again")
    stage.az("disk revoke-access -g g -n d")
    refused(stage, url)


def test_a_long_download_does_not_keep_the_server_from_ending(stage):
    url, ca = grant(stage, "d"), stage.environment["REQUESTS_CA_BUNDLE"]
    target = stage.root / "slow.vhd"
    download = subprocess.Popen(["curl", "-sS", "--cacert", ca, "--limit-rate", "4M", "-o", target, url], stderr=subprocess.PIPE)
    eventually(lambda: target.exists() and target.stat().st_size > 0, 30, "the download has begun")
    expect_equal(stage.server.stop(timeout=20), 0, "exit status")
    expect(download.wait(20) != 0, "a part of a disk passes for the whole")
    stage.start_server("--test-clock")
    eventually(lambda: stage.request("GET", url, headers={"Range": "bytes=0-9"}).status == 206, 30, "the URL opens the disk again")
    stage.az("disk revoke-access -g g -n d")


def test_snapshots_are_downloaded_and_compared(stage):
    stage.az("snapshot create -g g -n s1 --source d --incremental true")
    uri = stage.attach("d")["nbdUri"]
    subprocess.run(["qemu-io", "-f", "raw", "-c", "write -P 7 64M 1M", "-c", "discard 512M 1M", uri], check=True, capture_output=True)
    stage.az("snapshot create -g g -n s2 --source d --incremental true")
    stage.detach("d")
    first, second = grant(stage, "s1", kind="snapshot"), grant(stage, "s2", kind="snapshot")
    expect_equal(state(stage, "s1", "snapshots"), "ActiveSAS", "state")
    target = stage.root / "s1.vhd"
    blob(stage, "download", first, target)
    subprocess.run(["qemu-img", "compare", "-f", "vpc", "-F", "raw", target, stage.kept["plain"]], check=True, timeout=120)
    part = blob(stage, "part", second, 64 * MEBIBYTE, MEBIBYTE)
    expect_equal(part["sha256"], hashlib.sha256(b"\7" * MEBIBYTE).hexdigest(), "what was written between the two")
    changed = blob(stage, "changes", second, first)
    expect_equal(changed["ranges"], [[64 * MEBIBYTE, 65 * MEBIBYTE - 1], [1 << 30, (1 << 30) + 511]], "what was written between the two")
    expect_equal(changed["cleared"], [[512 * MEBIBYTE, 513 * MEBIBYTE - 1]], "what was discarded between the two")
    refused_changes = blob(stage, "changes", second, first.replace("sig=", "sig=A"))
    expect_equal(refused_changes["status"], 400, "an earlier snapshot that nobody has access to")
    stage.az_refused("snapshot delete -g g -n s1", code="OperationNotAllowed")
    for name in ("s1", "s2"):
        stage.az(f"snapshot revoke-access -g g -n {name}")
        stage.az(f"snapshot delete -g g -n {name}")


def make_vhd(stage):
    vhd = stage.root / "up.vhd"
    raw = stage.root / "up.raw"
    with open(raw, "wb") as file:
        file.truncate(96 * MEBIBYTE)
        for place in (0, 41 * MEBIBYTE, 95 * MEBIBYTE):
            file.seek(place)
            file.write(stage.kept["canary"].encode().ljust(4096, b"+") + os.urandom(MEBIBYTE - 4096))
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "vpc", "-o", "subformat=fixed,force_size=on", raw, vhd], check=True, timeout=120)
    return raw, vhd


def test_a_vhd_is_uploaded_into_an_encrypted_disk(stage):
    raw, vhd = make_vhd(stage)
    for step in ("write_pages", "upload"):
        name = f"up-{step}".replace("_", "-")
        made = stage.az_json(
            f"disk create -g g -n {name} --location uksouth --upload-type Upload --upload-size-bytes {vhd.stat().st_size} --sku Premium_LRS",
            "--encryption-type", CUSTOMER_KEY, "--disk-encryption-set", stage.kept["set_id"])
        expect_equal((made["diskState"], made["creationData"]["createOption"]), ("ReadyToUpload", "Upload"), "a disk that is to be uploaded")
        expect_equal(made["diskSizeBytes"], 96 * MEBIBYTE, "its size")
        expect_in("being uploaded", stage.coffer(f"disk attach {name} -g g", ok=False).errors, "attach")
        stage.az_refused(f"disk grant-access -g g -n {name} --duration-in-seconds 60", code="OperationNotAllowed")
        url = grant(stage, name, "Write")
        expect_equal(state(stage, name), "ActiveUpload", "state")
        answer = blob(stage, step, url, vhd)
        expect("status" not in answer, f"{step}: {answer}")
        stage.az(f"disk revoke-access -g g -n {name}")
        expect_equal(state(stage, name), "Unattached", "state after")
        refused(stage, url, "PUT", {"x-ms-page-write": "clear", "x-ms-range": "bytes=0-511"})
        uri = stage.attach(name)["nbdUri"]
        subprocess.run(["qemu-img", "compare", "-f", "raw", "-F", "raw", raw, uri], check=True, timeout=120)
        stage.detach(name)
        stage.az_refused(f"disk grant-access -g g -n {name} --access-level Write --duration-in-seconds 60", code="OperationNotAllowed")


def test_what_was_moved_is_in_no_file_in_the_clear(stage):
    files, size, hits = search(stage.kept["canary"], stage.data)
    stage.say(f"searched {files} files, {size} bytes")
    expect_equal(hits, {}, "plaintext of uploads and downloads")
    expect(search(stage.kept["canary"], stage.kept["plain"])[2] != {}, "the search does not find what is there")


def test_uploads_that_are_wrong_say_so(stage):
    for size in (96 * MEBIBYTE, 1024):
        stage.az_refused(f"disk create -g g -n bad --location uksouth --upload-type Upload --upload-size-bytes {size}", code="InvalidParameter")
    stage.az(f"disk create -g g -n bad --location uksouth --upload-type Upload --upload-size-bytes {96 * MEBIBYTE + FOOTER}")
    url = grant(stage, "bad", "Write", seconds=60)
    for place, length, body, code in (
        (96 * MEBIBYTE, 512, b"", "InvalidVhd"), (96 * MEBIBYTE, 1024, None, "InvalidPageRange"), (100, 512, None, "InvalidPageRange"),
        (0, 8 * MEBIBYTE, b"", "RequestBodyTooLarge"),
    ):
        headers = {"x-ms-page-write": "update", "x-ms-range": f"bytes={place}-{place + length - 1}"}
        reply = stage.request("PUT", f"{url}&comp=page", headers=headers, raw=b"x" * (512 if length > MEBIBYTE else length))
        expect_equal(reply.headers["x-ms-error-code"], code, f"a write of {length} bytes at {place} ({reply})")
    reply = stage.request("PUT", f"{url}&comp=page", raw=b"x" * 512, headers={
        "x-ms-page-write": "update", "x-ms-range": "bytes=0-511", "Content-MD5": "AAAA"})
    expect_equal((reply.status, reply.headers["x-ms-error-code"]), (400, "UnsupportedHeader"), "a checksum that nobody checks")
    expect_equal(blob(stage, "write", url, 0, "begun", 512), {}, "a write")
    stage.request("POST", f"{stage.url}/coffer/clock", {"advanceSeconds": 61}, token=stage.token())
    expect_equal(state(stage, "bad"), "ReadyToUpload", "state after the access has expired")
    again = grant(stage, "bad", "Write")
    expect_equal(stage.request("GET", again, headers={"Range": "bytes=0-4"}).body, b"begun", "what was uploaded before")
    stage.az_refused("snapshot create -g g -n s3 --source bad", code="OperationNotAllowed")
    stage.az("disk revoke-access -g g -n bad")
    stage.az("disk delete -g g -n bad -y")


def test_only_who_may_is_granted_access(stage):
    application = stage.az_json("ad sp create-for-rbac -n reader --role Reader --scopes", f"{stage.subscription}/resourceGroups/g")
    token = stage.token(client=application["appId"], secret=application["password"])
    body = {"access": "Read", "durationInSeconds": 60}
    reply = stage.arm("POST", disk("d") + "/beginGetAccess", API, body, status=403, token=token)
    expect_in("Microsoft.Compute/disks/beginGetAccess/action", reply.json["error"]["message"], "the permission that lacks")
    expect_equal(state(stage, "d"), "Unattached", "state")


def test_losing_the_key_ends_the_access(stage):
    url = grant(stage, "d")
    expect_equal(stage.request("GET", url, headers={"Range": "bytes=0-9"}).status, 206, "before")
    name, version = stage.kept["kid"].split("/")[-2:]
    change = f"keys/{name}/{version}"
    stage.keys("PATCH", stage.kept["vault"], change, {"attributes": {"enabled": False}})
    eventually(lambda: stage.request("GET", url, headers={"Range": "bytes=0-9"}).status == 403, 30, "the URL opens nothing without the key")
    expect_equal(state(stage, "d"), "Unattached", "state")
    stage.az_refused("disk grant-access -g g -n d --duration-in-seconds 60", code="KeyVault")
    expect_equal(state(stage, "d"), "Unattached", "state after a grant that was refused")
    stage.keys("PATCH", stage.kept["vault"], change, {"attributes": {"enabled": True}})
    refused(stage, url)
    again = eventually(lambda: grant(stage, "d"), 30, "access is granted again")
    expect_equal(stage.request("GET", again, headers={"Range": "bytes=0-9"}).status, 206, "after")
    stage.az("disk revoke-access -g g -n d")


def test_grants_uses_and_refusals_are_in_the_audit_log(stage):
    granted, revoked, used = (stage.audit_events(name) for name in ("DiskGrantAccess", "DiskRevokeAccess", "DiskUseAccess"))
    expect(all(stage.audit_outcome(event)[0] == stage.principal for event in granted), "who granted access")
    statuses = {int(event["properties"]["httpStatusCode"]) for event in granted}
    expect({202, 409, 403} <= statuses, f"grants ended with {statuses}")
    expect(any("KeyVault" in (event.get("resultDescription") or "") or "key" in (event.get("resultDescription") or "") for event in revoked), "the key's loss")
    uses = {int(event["properties"]["httpStatusCode"]) for event in used}
    expect({206, 201, 403} <= uses, f"uses ended with {uses}")
    stage.coffer("audit-log verify --all")
