"""`coffer serve --disk-roles apart`: two disk processes under one control plane."""
import pathlib

from stage import *

APART = ("--disk-roles", "apart")


def processes(stage):
    """The disk processes by their role."""
    found = {}
    for process in stage.disk_hosts():
        words = pathlib.Path(f"/proc/{process}/cmdline").read_bytes().decode().split("\0")
        found[words[words.index("--role") + 1]] = process
    return found


def set_up(stage):
    stage.start_server(*APART)
    stage.make_encrypted_disk("d", type_=BOTH_KEYS)
    stage.kept["canary"] = new_canary()


def test_there_are_two_and_a_client_has_its_disk_from_the_storage(stage):
    expect_equal(sorted(processes(stage)), ["host", "storage"], "roles")
    stage.kept["nbd"] = attached(stage.attach())
    stage.kept["written"] = stage.write_canary([stage.kept["nbd"]], stage.kept["canary"])
    expect_equal(search(stage.kept["canary"], stage.data)[2], {}, "files with the canary")


def test_each_that_is_killed_is_started_again(stage):
    before = processes(stage)
    for process in before.values():
        os.kill(process, signal.SIGKILL)
    eventually(lambda: len(processes(stage)) == 2 and not set(processes(stage).values()) & set(before.values()), 30, "two others are started")
    eventually(lambda: stage.inspect()["state"] == "open", 60, "the disk is open again")
    stage.read_canary([stage.kept["nbd"]], stage.kept["canary"], stage.kept["written"])


def test_a_lost_key_suspends_the_disk_and_its_return_brings_it_back(stage):
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], False)
    eventually(lambda: stage.inspect()["state"] == "suspended", 60, "the disk is suspended")
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], True)
    eventually(lambda: stage.inspect()["state"] == "open", 60, "the disk is open again")


def test_roles_are_not_mixed(stage):
    stage.server.kill()
    server = stage.start_server(wait=False)
    expect_equal(server.process.wait(60), 75, "status of a server with the roles together")
    stage.start_server(*APART)
    stage.read_canary([stage.kept["nbd"]], stage.kept["canary"], stage.kept["written"])


def test_both_end_with_the_server_when_no_disk_is_open(stage):
    stage.detach()
    stage.server.stop()
    eventually(lambda: not processes(stage), 30, "both have ended")
