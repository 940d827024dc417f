"""A full file system: writers see an I/O error, and nothing that was acknowledged is lost."""
import re

from stage import *

MIB = 1 << 20


def set_up(stage):
    if os.geteuid() != 0:
        raise Skip("needs root, to mount a small tmpfs")
    stage.data.mkdir(mode=0o700)
    if stage.run(["mount", "-t", "tmpfs", "-o", "size=160m,mode=0700", "tmpfs", stage.data], ok=None).status != 0:
        raise Skip("this machine lets nobody mount a tmpfs")
    stage.start_server()
    stage.make_encrypted_disk()
    stage.kept["answer"] = stage.attach()


def tear_down(stage):
    for process in stage.processes():
        os.kill(process, signal.SIGKILL)
    stage.run(["umount", "-l", stage.data], ok=None)


def free(stage):
    facts = os.statvfs(stage.data)
    return facts.f_bavail * facts.f_frsize


def qemu_io(stage, *commands):
    words = [word for command in commands for word in ("-c", command)]
    return stage.run(["qemu-io", "-f", "raw", "-t", "none", *words, stage.kept["answer"]["nbdUri"]], ok=None).output


def test_writes_beyond_the_end_of_space_fail_and_say_so(stage):
    count = free(stage) // MIB + 20
    # Each write has a pattern of its own and is flushed by FUA before it counts as acknowledged.
    output = qemu_io(stage, *[f"write -f -P {1 + index % 250} {index}M 1M" for index in range(count)])
    outcomes = re.findall(r"(wrote \d+/\d+ bytes at offset (\d+))|(write failed: (.*))", output)
    stage.kept["acknowledged"] = [int(offset) // MIB for wrote, offset, _, _ in outcomes if wrote]
    failures = [reason for _, _, failed, reason in outcomes if failed]
    stage.say(f"{len(stage.kept['acknowledged'])} writes acknowledged, {len(failures)} refused: {set(failures)}")
    expect(stage.kept["acknowledged"], "no write was acknowledged")
    expect(failures, "no write was refused though the file system is full")
    expect_equal(set(failures), {"No space left on device"}, "reasons")


def test_nothing_acknowledged_is_lost(stage):
    stage.server.kill()
    for process in stage.processes():
        os.kill(process, signal.SIGKILL)
    eventually(lambda: not stage.processes(), 10, "all processes end")
    ballast_free(stage)
    stage.start_server()
    stage.kept["answer"] = stage.attach()
    output = qemu_io(stage, *[f"read -P {1 + index % 250} {index}M 1M" for index in stage.kept["acknowledged"]])
    expect("verification failed" not in output and "read failed" not in output, f"acknowledged data is lost: {output[-800:]}")
    expect_equal(len(re.findall(r"read \d+/\d+ bytes", output)), len(stage.kept["acknowledged"]), "ranges read back")


def ballast_free(stage):
    """A full file system leaves the control plane no room either: the operator makes some."""
    stage.run(["mount", "-o", "remount,size=320m", stage.data])


def test_a_guest_sees_an_io_error_and_goes_on_when_there_is_space_again(stage):
    # QEMU's own answer to a full disk is to pause the guest; a guest that should see the error needs werror=report.
    disk = [word + ",werror=report" if word.startswith("virtio-blk") and "werror" not in word else word for word in attached(stage.kept["answer"])]
    ballast = stage.data / "ballast"
    with open(ballast, "wb") as file:
        try:
            while True:
                file.write(b"\1" * MIB)
                file.flush()
        except OSError:
            pass
    guest = stage.guest("loop-io", [disk], interval="0.1")
    guest.wait_for("io=error", 3)
    ballast.unlink()
    guest.wait_for("io=ok", 3)
    guest.stop()
