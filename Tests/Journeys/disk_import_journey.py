"""Disks are imported with az from images of other formats, straight into ciphertext."""
import os
import subprocess

from stage import *

FORMATS = {"raw": "raw", "qcow2": "qcow2", "vhd": "vpc", "vhdx": "vhdx", "vmdk": "vmdk"}


def set_up(stage):
    stage.kept["imports"] = stage.root / "imports"
    stage.kept["imports"].mkdir()
    stage.start_server("--import-directory", str(stage.kept["imports"]))
    stage.login()
    stage.make_encrypted_disk("empty")
    stage.kept["mark"] = os.urandom(24).hex().encode()
    make_images(stage, 64 << 20)


def make_images(stage, size):
    """The same contents in every format, with a mark at the start, in the middle and at the end."""
    plain = stage.root / "plain.raw"
    with open(plain, "wb") as file:
        file.truncate(size)
        for place in (0, size // 2, size - 4096):
            file.seek(place)
            file.write(stage.kept["mark"])
    for ending, name in FORMATS.items():
        options = ["-o", "force_size=on"] if name == "vpc" else []
        target = stage.kept["imports"] / f"i.{ending}"
        subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", name, *options, plain, target], check=True, timeout=120)
    stage.kept["plain"] = plain


def url(stage, name):
    return f"file://{stage.kept['imports']}/{name}"


def test_every_format_becomes_a_disk_with_the_same_contents(stage):
    for ending in FORMATS:
        made = stage.az_json(
            f"disk create -g g -n {ending} --location uksouth --source", url(stage, f"i.{ending}"), "--encryption-type", CUSTOMER_KEY,
            "--disk-encryption-set", stage.kept["set_id"])
        expect_equal(made["provisioningState"], "Succeeded", ending)
        expect_equal(made["creationData"]["createOption"], "Import", ending)
        uri = stage.coffer_json(f"disk attach {ending} -g g")["nbdUri"]
        compared = subprocess.run(
            ["qemu-img", "compare", "-f", "raw", "-F", "raw", stage.kept["plain"], uri], capture_output=True, text=True, timeout=120)
        expect(compared.returncode == 0, f"{ending}: {compared.stdout}{compared.stderr}")
        stage.coffer(f"disk detach {ending} -g g")


def test_the_contents_are_in_no_file_but_the_images(stage):
    needle = stage.kept["mark"]
    images = {stage.kept["plain"], *stage.kept["imports"].iterdir()}
    found = [
        path for path in stage.root.rglob("*")
        if path.is_file() and not path.is_symlink() and needle in path.read_bytes()]
    expect(set(found) <= images, f"plaintext in {set(found) - images}")
    expect(stage.kept["plain"] in found, "the search does not find what is there")
    expect_equal(len([path for path in (stage.data / "disks").iterdir() if not path.name.startswith(".")]), 6, "disks")


def test_an_imported_disk_is_sparse(stage):
    expect(stage.inspect("qcow2")["allocatedBytes"] < 4 << 20, "holes of the image take space")


def test_hostile_and_unknown_images_are_refused(stage):
    imports = stage.kept["imports"]
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", "/etc/passwd", "-F", "raw", "-u", imports / "b.qcow2", "64M"], check=True)
    (imports / "link.raw").symlink_to("/etc/passwd")
    (imports / "x.iso").write_bytes(b"x")
    for name, words in {
        "b.qcow2": "backing file", "link.raw": "no file", "../plain.raw": "no file", "none.raw": "no file", "x.iso": "not known",
        "i.raw?format=vhdx": "not a VHDX",
    }.items():
        refused = stage.az("disk create -g g -n bad --location uksouth --source", url(stage, name), ok=False)
        expect_in(words, refused.errors, name)
    refused = stage.az("disk create -g g -n bad --location uksouth --source https://a.blob.core.windows.net/c/d.vhd", ok=False)
    expect_in("Storage accounts are not served", refused.errors, "a blob")
    stage.az("disk show -g g -n bad", ok=False)


def test_a_long_import_shows_progress_and_can_be_ended(stage):
    big = stage.kept["imports"] / "big.raw"
    with open(big, "wb") as file:
        block = os.urandom(4 << 20)
        for _ in range(256):
            file.write(block)
    path = "/resourceGroups/g/providers/Microsoft.Compute/disks/big"
    body = {"location": "uksouth", "properties": {"creationData": {"createOption": "Import", "sourceUri": url(stage, "big.raw")}}}
    begun = stage.arm("PUT", path, "2024-03-02", body)
    expect_equal(begun.status, 202, "status")
    seen = set()

    def is_under_way():
        value = stage.arm("GET", path, "2024-03-02").json["properties"]
        seen.add(value["completionPercent"])
        return value["provisioningState"] == "Succeeded" or value["completionPercent"] > 0

    eventually(is_under_way, 60, "the import goes on", every=0.02)
    stage.az("disk delete -g g -n big -y")
    expect_equal(stage.arm("GET", path, "2024-03-02", status=404).status, 404, "status after deletion")
    expect_equal(subprocess.run(["pgrep", "-f", str(big)], capture_output=True).stdout, b"", "qemu-img processes")


def test_an_import_that_a_crash_interrupts_says_so(stage):
    path = "/resourceGroups/g/providers/Microsoft.Compute/disks/cut"
    body = {"location": "uksouth", "properties": {"creationData": {"createOption": "Import", "sourceUri": url(stage, "big.raw")}}}
    stage.arm("PUT", path, "2024-03-02", body)
    stage.server.kill()
    stage.start_server("--import-directory", str(stage.kept["imports"]))

    def has_ended():
        value = stage.arm("GET", path, "2024-03-02").json
        return value if value["properties"]["provisioningState"] != "Creating" else None

    value = eventually(has_ended, 60, "the import has ended")
    expect_equal(value["properties"]["provisioningState"], "Failed", "state")
    expect_in("interrupted", value["error"]["message"], "reason")
    stage.az("disk delete -g g -n cut -y")
