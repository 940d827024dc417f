"""`coffer serve` dies, is started twice, finds another's root key or a broken header: disks and data stand it."""
import pathlib

from stage import *


def set_up(stage):
    stage.start_server()
    stage.make_encrypted_disk("d")
    stage.make_disk("other", stage.kept["set_id"])
    stage.kept["canary"] = new_canary()
    stage.kept["disk"] = attached(stage.attach())
    stage.kept["written"] = stage.write_canary([stage.kept["disk"]], stage.kept["canary"])
    stage.kept["other"] = attached(stage.attach("other"))
    stage.kept["other_written"] = stage.write_canary([stage.kept["other"]], stage.kept["canary"])


def test_a_guest_does_not_notice_that_serve_is_killed_and_started_again(stage):
    guest = stage.guest("loop-io", [stage.kept["disk"]], interval="0.05")
    guest.wait_for("io=ok", 5)
    stage.server.kill()
    guest.wait_for("io=ok", 5)
    stage.start_server()
    guest.wait_for("io=ok", 5)
    state = stage.inspect()
    expect_equal(state["state"], "open", "state of the adopted disk")
    expect_equal(stage.attach()["qemuArguments"], stage.kept["disk"], "arguments of the adopted disk")
    said = guest.stop()
    expect_equal(said["bad"], "0", "I/O errors in the guest")


def test_an_adopted_disk_can_be_revoked_and_rotated(stage):
    new = stage.rotate_key(stage.kept["vault"])
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], False)
    eventually(lambda: stage.inspect()["state"] == "suspended", 30, "the adopted disk is suspended", every=0.5)
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], True)
    eventually(lambda: stage.inspect()["state"] == "open", 30, "the adopted disk is open again", every=0.5)
    stage.kept["new"] = new


def test_a_second_serve_on_the_same_data_directory_is_refused(stage):
    second = stage.start_server(port=free_port(), wait=False)
    status = second.process.wait(30)
    expect(status != 0, "the second serve ended with status 0")
    log = stage.tail(second.log)
    expect(str(stage.data) in log, f"the refusal does not name the directory: {log}")
    expect_equal(stage.request("GET", stage.url + "/metadata/endpoints?api-version=2022-09-01").status, 200, "the first serve still answers")


def test_sigterm_ends_it_cleanly(stage):
    expect_equal(stage.server.stop(), 0, "exit status")
    stage.start_server()
    stage.read_canary([attached(stage.attach())], stage.kept["canary"], stage.kept["written"])


def stop_everything(stage):
    for name in ("d", "other"):
        stage.coffer(f"disk detach {name} -g g", ok=None)
    stage.server.stop()
    for process in stage.processes():
        os.kill(process, signal.SIGTERM)
    eventually(lambda: not stage.processes(), 10, "all processes end")


def test_a_corrupt_header_refuses_that_disk_and_no_other(stage):
    header = pathlib.Path(stage.inspect("other")["headerPath"])
    stop_everything(stage)
    whole = header.read_bytes()
    broken = bytearray(whole)
    broken[len(broken) // 2] ^= 0x40
    header.write_bytes(broken)
    stage.start_server()
    refused = stage.coffer_json("disk list")["refused"]
    expect(any(str(header.parent) in each["path"] and each["reason"] for each in refused), f"refused disks: {refused}")
    failure = stage.coffer("disk attach other -g g", ok=False)
    expect_in(str(header.parent), failure.errors, "the refusal names the path")
    stage.read_canary([attached(stage.attach())], stage.kept["canary"], stage.kept["written"])
    stop_everything(stage)
    header.write_bytes(whole)
    stage.start_server()
    stage.read_canary([attached(stage.attach("other"))], stage.kept["canary"], stage.kept["other_written"])


def test_a_header_of_no_bytes_is_refused_too(stage):
    header = pathlib.Path(stage.inspect("other")["headerPath"])
    stop_everything(stage)
    whole = header.read_bytes()
    header.write_bytes(b"")
    stage.start_server()
    stage.coffer("disk attach other -g g", ok=False)
    stop_everything(stage)
    header.write_bytes(whole)
    stage.start_server()
    stage.attach("other")


def test_another_root_key_is_refused(stage):
    stop_everything(stage)
    elsewhere = stage.root / "elsewhere"
    stranger = stage.start_server(port=free_port(), data=elsewhere, wait=False)
    expect(stranger.ready.wait(60), "the other installation starts")
    stranger.stop()
    own = (stage.data / "root.key").read_bytes()
    (stage.data / "root.key").write_bytes((elsewhere / "root.key").read_bytes())
    refused = stage.start_server(wait=False)
    expect_equal(refused.process.wait(30), 78, "exit status")
    expect_in("this data directory was sealed under another root key", stage.tail(refused.log), "log")
    (stage.data / "root.key").write_bytes(own)
    stage.start_server()
    stage.read_canary([attached(stage.attach())], stage.kept["canary"], stage.kept["written"])


def test_a_start_with_an_existing_data_directory_is_quick_to_report(stage):
    stop_everything(stage)
    started = time.monotonic()
    stage.start_server()
    stage.say(f"start to ready: {time.monotonic() - started:.2f} s (reported, not asserted)")


def test_the_disk_host_is_started_again_when_it_dies(stage):
    victims = stage.disk_hosts()
    expect_equal(len(victims), 1, "disk hosts")
    os.kill(victims[0], signal.SIGKILL)
    eventually(
        lambda: [process for process in stage.disk_hosts() if process not in victims],
        30, "another disk host runs")
    stage.kept["disk"] = eventually(lambda: attached(stage.attach()), 30, "the disk is attached again", every=1)
    stage.read_canary([stage.kept["disk"]], stage.kept["canary"], stage.kept["written"])


def test_serve_can_be_stopped_and_started_after_that(stage):
    # A disk host that was started while requests were served must not hold on to the server's sockets.
    expect_equal(stage.server.stop(), 0, "exit status")
    stage.start_server()
    stage.read_canary([attached(stage.attach())], stage.kept["canary"], stage.kept["written"])
