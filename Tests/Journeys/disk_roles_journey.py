"""Storage service and host of virtual machines as two processes: what flows between them, what the host's cache has, and killed processes."""
import pathlib

from recorder import Recorder
from stage import *

SHARED_MEMORY = ["-object", "memory-backend-memfd,id=mem,size=256M,share=on", "-machine", "memory-backend=mem"]
BYTES = 256 << 20


def start(stage, role):
    """A coffer-diskd of a role; waits until it answers."""
    name = {"storage": "diskd", "host": "hostd"}[role]
    words = [str(pathlib.Path(stage.coffer_path).parent / "coffer-diskd"), "--data", str(stage.data), "--role", role, "--foreground"]
    if role == "host":
        words += ["--storage", f"nbd+unix:///?socket={stage.root}/link.sock"]
    path = stage.data / "run" / f"{name}.sock"
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(stage.root / f"{role}.log", "ab"), env=stage.environment)

    def answers():
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(path)) == 0

    eventually(answers, 30, f"the {role} answers", every=0.05)
    stage.kept[role] = process


def kill(stage, role):
    stage.kept[role].kill()
    stage.kept[role].wait()


def control(stage, keys, *words):
    """One command of diskroles.py about the disk whose keys are in the file `keys`."""
    done = subprocess.run(
        [str(find_sdk()), str(pathlib.Path(__file__).with_name("diskroles.py")), str(stage.data), str(stage.root / keys), *map(str, words)],
        capture_output=True, text=True, timeout=120)
    expect_equal(done.returncode, 0, f"status of {words}: {done.stderr[-500:]}")
    return json.loads(done.stdout)


def as_guest_disk(opened):
    return SHARED_MEMORY + [
        "-chardev", f"socket,id=disk,path={opened['export']['vhostPath']},reconnect=1", "-device", "vhost-user-blk-pci,chardev=disk"]


def found(stage, canary):
    """Where the canary is: link, cache, storage."""
    places = {"link": stage.root / "link", "cache": stage.data / "cache", "storage": stage.data / "disks"}
    return {name: bool(search(canary, place)[2]) for name, place in places.items()}


def set_up(stage):
    stage.data.mkdir()
    start(stage, "storage")
    stage.kept["relay"] = Recorder(stage.root / "link.sock", str(stage.data / "run/nbd.sock"), stage.root / "link")
    start(stage, "host")


def tear_down(stage):
    for role in ("host", "storage"):
        if role in stage.kept:
            kill(stage, role)


def test_without_keys_at_the_host_link_and_cache_have_what_the_guest_wrote(stage):
    canary = new_canary()
    control(stage, "a", "make", BYTES, 1)
    opened = control(stage, "a", "open", "readWrite", "storage")
    stage.write_canary([as_guest_disk(opened)], canary)
    expect_equal(found(stage, canary), {"link": True, "cache": True, "storage": False}, "where the canary is")
    control(stage, "a", "close")
    expect_equal(found(stage, canary), {"link": True, "cache": False, "storage": False}, "where the canary is afterwards")


def test_with_keys_at_the_host_neither_has_it(stage):
    canary = stage.kept["canary"] = new_canary()
    control(stage, "b", "make", BYTES, 2)
    opened = control(stage, "b", "open", "readWrite", "host")
    stage.kept["written"] = stage.write_canary([as_guest_disk(opened)], canary)
    stage.read_canary([as_guest_disk(opened)], canary, stage.kept["written"])
    expect_equal(found(stage, canary), {"link": False, "cache": False, "storage": False}, "where the canary is")
    expect(sum(path.stat().st_size for path in (stage.root / "link").iterdir()) > 1 << 20, "the link was recorded")
    expect(any(path.stat().st_blocks for path in (stage.data / "cache").iterdir()), "the cache has something")


def test_what_the_host_encrypted_the_storage_and_dm_crypt_decrypt(stage):
    control(stage, "b", "close")
    opened = control(stage, "b", "open", "none", "storage")
    stage.read_canary([as_guest_disk(opened)], stage.kept["canary"], stage.kept["written"])
    holes = control(stage, "b", "holes")
    control(stage, "b", "close")
    kept = json.loads((stage.root / "b").read_text())
    (stage.root / "key").write_bytes(b"".join(bytes.fromhex(key) for key in kept["keys"]))
    (stage.root / "holes").write_text("".join(f"{hole['offset']} {hole['length']}\n" for hole in holes))
    for name in ("key", "holes"):
        padded(stage.root / name)
    data = stage.data / "disks" / kept["disk"] / "data"
    disks = [file_disk(data, read_only=True), file_disk(stage.root / "key", "coffer-key", True), file_disk(stage.root / "holes", "coffer-holes", True)]
    stage.read_canary(disks, stage.kept["canary"], stage.kept["written"], job="dm-crypt-read")


def test_a_guest_waits_for_either_that_was_killed(stage):
    # The storage has just decrypted for the test before.
    before = search(stage.kept["canary"], stage.root / "link")[2]
    opened = control(stage, "b", "open", "readWrite", "host")
    guest = stage.guest("loop-io", [as_guest_disk(opened)], interval="0.05")
    guest.wait_for("io=ok", 5)
    kill(stage, "storage")
    time.sleep(1)
    start(stage, "storage")
    expect_equal(control(stage, "b", "inspect"), {"diskd": "closed", "hostd": "open"}, "states after the storage was killed")
    control(stage, "b", "open", "readWrite", "host")
    guest.wait_for("io=ok", 5, timeout=90)
    kill(stage, "host")
    time.sleep(1)
    start(stage, "host")
    control(stage, "b", "open", "readWrite", "host")
    guest.wait_for("io=ok", 5, timeout=90)
    expect_equal(guest.stop()["bad"], "0", "I/O errors in the guest")
    stage.read_canary([as_guest_disk(opened)], stage.kept["canary"], stage.kept["written"])
    expect_equal(search(stage.kept["canary"], stage.root / "link")[2], before, "recordings with the canary")


def test_both_end_in_order_when_asked_to(stage):
    control(stage, "b", "close")
    for role in ("host", "storage"):
        stage.kept[role].terminate()
        expect_equal(stage.kept[role].wait(30), 0, f"status of the {role}")
    expect_equal([path.name for path in (stage.data / "cache").iterdir()], [], "caches that are left")
