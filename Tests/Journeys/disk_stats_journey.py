"""What a disk's clients do is counted, and held to the disk's SKU where that is wanted."""
import subprocess
import time

from stage import *

# Of the smallest Premium disk.
OPERATIONS, BYTES = 120, 25_000_000


def set_up(stage):
    stage.start_server()
    stage.make_group()
    path = "/resourceGroups/g/providers/Microsoft.Compute/disks/d"
    stage.wait_succeeded(path, "2024-03-02", {
        "location": "uksouth", "sku": {"name": "Premium_LRS"}, "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 1}})


def stats(stage):
    answer = stage.coffer_json("disk stats d -g g")
    return answer, {each["kind"]: each for each in answer["operations"]}


def io(uri, *commands):
    words = [word for command in commands for word in ("-c", command)]
    subprocess.run(["qemu-io", "-f", "raw", *words, uri], check=True, capture_output=True, timeout=120)


def test_a_disk_that_is_not_attached_has_none(stage):
    expect_in("is not attached", stage.coffer("disk stats d -g g", ok=False).errors, "the refusal")


def test_what_clients_do_is_counted(stage):
    uri = stage.attach()["nbdUri"]
    io(uri, "write -P 5 0 1M", "read -P 5 0 1M", "read 64k 64k", "flush", "discard 0 64k")
    answer, found = stats(stage)
    expect_equal((found["write"]["count"], found["write"]["bytes"]), (1, 1 << 20), "writes")
    expect(found["read"]["count"] >= 2 and found["read"]["bytes"] >= (1 << 20) + (64 << 10), f"reads: {found['read']}")
    expect(found["flush"]["count"] >= 1 and found["clear"]["count"] >= 1, f"flushes and discards: {answer}")
    for kind, each in found.items():
        expect_equal(sum(each["histogram"]), each["count"], f"the histogram of {kind}")
        expect_equal(each["errors"], 0, f"errors of {kind}")
    expect("operationsPerSecondLimit" not in answer, f"a limit: {answer}")
    table = stage.coffer("disk stats d -g g").output
    expect_in("OPERATION", table, "the table")


def test_counting_starts_anew_when_a_disk_is_attached_anew(stage):
    stage.detach()
    stage.attach()
    expect_equal([each["count"] for each in stats(stage)[0]["operations"]], [0, 0, 0, 0], "operations")
    stage.detach()


def test_limits_of_the_sku_are_kept_by_waiting(stage):
    stage.server.stop()
    stage.start_server("--enforce-disk-limits")
    uri = stage.attach()["nbdUri"]
    answer, before = stats(stage)
    expect_equal((answer["operationsPerSecondLimit"], answer["bytesPerSecondLimit"]), (OPERATIONS, BYTES), "limits")
    started = time.monotonic()
    io(uri, *[f"read {4096 * place} 4096" for place in range(2 * OPERATIONS)])
    took = time.monotonic() - started
    expect(took > 1.7, f"{2 * OPERATIONS} operations at {OPERATIONS} a second took {took:.2f} s")
    started = time.monotonic()
    io(uri, *["write 0 16M"] * 3)
    took = time.monotonic() - started
    expect(took > 1.2, f"48 MiB at {BYTES} bytes a second took {took:.2f} s")
    answer, after = stats(stage)
    expect(answer["delayed"] > 0 and answer["delayedMicroseconds"] > 1_000_000, f"nothing waited: {answer}")
    expect_equal(sum(each["errors"] for each in after.values()), 0, "errors")


def test_a_new_tier_counts_at_once(stage):
    stage.arm("PATCH", "/resourceGroups/g/providers/Microsoft.Compute/disks/d", "2024-03-02", {"properties": {"tier": "P40"}})
    expect_equal(stats(stage)[0]["operationsPerSecondLimit"], 7500, "the limit")


def test_limits_outlive_the_server_and_go_with_the_flag(stage):
    stage.server.kill()
    stage.start_server("--enforce-disk-limits")
    expect_equal(stats(stage)[0]["operationsPerSecondLimit"], 7500, "the limit")
    stage.server.stop()
    stage.start_server()
    eventually(lambda: "operationsPerSecondLimit" not in stats(stage)[0], 30, "the limit is gone")
