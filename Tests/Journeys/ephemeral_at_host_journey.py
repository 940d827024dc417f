"""Ephemeral OS disks with encryption at host: nothing of them is plain, killed servers leave machines that start, and their key dies with them.

Storage service and host are two processes here.
"""
from ephemerals import *
from stage import *
from vms import run_in_guest, wait_until_set_up


def set_up(stage):
    prepare(stage)


def test_nothing_of_it_is_plain(stage):
    stage.az(CREATE, f"{stage.root}/key.pub", "--encryption-at-host", "true")
    wait_until_set_up(stage, LINE)
    stage.kept["canary"] = write(stage)
    expect_equal(places(stage, stage.kept["canary"]), set(), "where the canary is")
    stage.kept["headers"] = {path: (path / "header").read_bytes() for path in host_disks(stage)}
    expect(all(b"platform:" in header for header in stage.kept["headers"].values()), "both disks are under a platform key")


def test_a_server_that_is_killed_while_it_is_made_anew_leaves_a_machine_that_starts(stage):
    reimaging = subprocess.Popen(
        [stage.az_path, *f"vm reimage {LINE}".split()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=stage.environment)
    eventually(lambda: any((path / "header").exists() and (path / "header").read_bytes() != stage.kept["headers"].get(path) for path in host_disks(stage)),
               120, "the OS disk is made anew", every=0.02)
    for process in stage.disk_hosts():
        os.kill(process, signal.SIGKILL)
    stage.server.kill()
    reimaging.wait(120)
    serve(stage)
    stage.az(f"vm start {LINE}")
    wait_until_set_up(stage, LINE)
    expect_equal(run_in_guest(stage, LINE, "ls /root/canary 2> /dev/null || echo fresh"), "fresh", "the disk")
    expect_equal(len(host_disks(stage)), 2, "the host's own disks")


def test_deletion_destroys_its_key(stage):
    headers = [(path / "header").read_bytes() for path in host_disks(stage)]
    stage.az(f"vm delete {LINE} --yes")
    expect_equal(host_disks(stage), [], "the host's own disks")
    for header in headers:
        expect(not any(path.is_file() and header in path.read_bytes() for path in (stage.data / "temporary").rglob("*")), "a header is left")
