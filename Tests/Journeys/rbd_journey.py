"""Disks as RBD images: az, a guest and NBD clients on a Ceph cluster of one node, with a Ceph user that may do no more than docs/formats/rbd.md says."""
import hashlib
import sys

from ceph import POOL, Ceph
from stage import *

sys.path.insert(0, str(PACKAGE / "Tests/Torture"))
from diskhost import NBD, Gone, Refused  # noqa: E402

STORE = f"rbd:{POOL}/coffer"
MIB = 1 << 20


def set_up(stage):
    stage.kept["ceph"] = ceph = Ceph(stage.root / "ceph", stage.environment)
    ceph.start()
    ceph.run("rbd", "namespace", "create", f"{POOL}/coffer")
    stage.start_server(*options(stage))
    stage.login()
    stage.kept["canary"] = new_canary()


def tear_down(stage):
    if "ceph" in stage.kept:
        stage.kept["ceph"].stop()


def options(stage, store=STORE, conf=None):
    return ["--disk-store", store, "--ceph-conf", str(conf or stage.kept["ceph"].conf), "--ceph-user", "coffer"]


def ceph_run(stage, *words, ok=True):
    return stage.kept["ceph"].run(*words, ok=ok)


def image(stage, name):
    """What `rbd` calls a disk's image."""
    path = stage.inspect(name)["dataPath"]
    expect(path.startswith(f"{STORE}/coffer."), f"the data is at {path}")
    return path.removeprefix("rbd:")


def disk_id(stage, name):
    return image(stage, name).rsplit("/coffer.", 1)[1]


def export(stage, name):
    path = stage.root / f"{name}.export"
    path.unlink(missing_ok=True)
    ceph_run(stage, "rbd", "export", "--no-progress", image(stage, name), path)
    return path


def connect(stage, name):
    answer = stage.attach(name)
    return NBD(answer["socketPath"], answer["exportName"])


def host_process(stage):
    found = stage.disk_hosts()
    return found[0] if found else None


def state(stage, name="d"):
    """What a disk's host says of it, once it answers."""
    result = stage.coffer(f"disk inspect {name} -g g --output json", ok=None)
    return result.json["state"] if result.status == 0 else None


def checksum(stage, name):
    """Of all that was ever written to an image."""
    done = subprocess.run(["rbd", "export-diff", "--no-progress", image(stage, name), "-"], env=stage.kept["ceph"].environment, capture_output=True, timeout=60)
    expect_equal(done.returncode, 0, f"status of rbd ({done.stderr[-500:]})")
    return hashlib.sha256(done.stdout).hexdigest()


def header_value(stage, disk):
    return ceph_run(stage, "rados", "-p", POOL, "-N", "coffer", "getomapval", "coffer.directory", disk, ok=False)


def test_what_is_wrong_with_the_pool_is_said_in_time(stage):
    unreachable = stage.root / "unreachable.conf"
    unreachable.write_text(stage.kept["ceph"].conf.read_text().replace("mon host = v2:127.0.0.1:", "mon host = v2:127.0.0.2:"))
    program = pathlib.Path(stage.coffer_path).parent / "coffer-diskd"
    for store, conf, words in (
        ("rbd:nothing", None, "there is no pool nothing: make it with `ceph osd pool create nothing`"),
        (f"rbd:{POOL}/nothing", None, f"make it with `rbd namespace create {POOL}/nothing`"),
        (STORE, stage.root / "missing.conf", "cannot be read"),
        (STORE, unreachable, "did not answer in time"),
        (STORE, None, "it has the disks of another installation"),
    ):
        started = time.monotonic()
        result = stage.run([program, "--data", stage.root / "wrong", "--foreground", *options(stage, store, conf)], ok=False, timeout=60)
        expect_equal(result.status, 69, f"exit status ({result.errors})")
        expect_in(words, result.errors, "what it says")
        expect(time.monotonic() - started < 30, "it took too long to say so")
    words = [stage.coffer_path, "serve", "--data", stage.root / "wrong", "--port", free_port(), *options(stage, "rbd:nothing")]
    expect_in("there is no pool nothing", stage.run(words, ok=False).errors, "what coffer serve says")
    expect_in("--ceph-conf", stage.run([stage.coffer_path, "serve", "--data", stage.root / "wrong", "--disk-store", STORE], ok=False).errors, "a missing option")


def test_one_installation_has_one_store(stage):
    program = pathlib.Path(stage.coffer_path).parent / "coffer-diskd"
    other = stage.root / "other"
    other.mkdir(mode=0o700)
    (other / "disk-store").write_text(f"rbd:{POOL} {'0' * 32}\n")
    for words in ([], options(stage)):
        result = stage.run([program, "--data", other, "--foreground", *words], ok=False)
        expect_equal(result.status, 78, f"exit status ({result.errors})")
        expect_in(f"rbd:{POOL}", result.errors, "where the disks are")


def test_az_makes_a_disk_and_a_guest_writes_to_it(stage):
    stage.make_encrypted_disk("first", auto_rotation=True)
    stage.az(f"disk create -g g -n d --size-gb 1 --location uksouth --encryption-type {CUSTOMER_KEY} --disk-encryption-set", stage.kept["set_id"])
    stage.kept["written"] = stage.write_canary([attached(stage.attach("d"))], stage.kept["canary"])
    expect(not list((stage.data / "disks").glob("*")), "a disk is in the data directory")
    expect(header_value(stage, disk_id(stage, "d")), "the pool has no header")


def test_the_pool_has_ciphertext_alone_and_cryptsetup_reads_it(stage):
    stage.detach("d")
    exported = export(stage, "d")
    _, size, hits = search(stage.kept["canary"], exported)
    expect_equal((size, hits), (1 << 30, {}), "bytes searched, and the canary in the clear")
    stage.assign(RECOVERY_OPERATOR, stage.principal, f"{stage.subscription}/resourceGroups/g")
    key, holes = stage.root / "key", stage.root / "holes"
    stage.coffer("disk export-key d -g g", "--output", key, "--holes", holes)
    disks = [file_disk(exported, read_only=True), file_disk(padded(key), "coffer-key", True), file_disk(padded(holes), "coffer-holes", True)]
    stage.read_canary(disks, stage.kept["canary"], stage.kept["written"], job="dm-crypt-read")


def test_nobody_else_writes_to_an_open_disk(stage):
    nbd = stage.kept["nbd"] = connect(stage, "d")
    done = subprocess.run(
        ["rbd", "bench", "--io-type", "write", "--io-size", "4096", "--io-total", "4096", image(stage, "d")], env=stage.kept["ceph"].environment,
        capture_output=True, text=True, timeout=60)
    expect(done.returncode != 0, f"another program wrote to the image: {done.stdout}")
    expect_equal(nbd.read(0, 4096)[0], 0, "the disk goes on")


def test_reads_writes_holes_and_zeros(stage):
    nbd, random_ = stage.kept["nbd"], random.Random(5)
    model, base = bytearray(16 * MIB), 512 * MIB
    for step in range(200):
        offset = random_.randrange(len(model) - 9000)
        length = random_.choice((1, 512, 4096, 5000, 9000))
        if step % 5 == 3:
            offset, length = offset // 4096 * 4096, 8192
            expect_equal(nbd.zero(base + offset, length, step % 2 == 0), 0, "zeros")
            model[offset:offset + length] = bytes(length)
        elif step % 5 == 4:
            offset, length = offset // 4096 * 4096, 8192
            expect_equal(nbd.trim(base + offset, length), 0, "trim")
            model[offset:offset + length] = bytes(length)
        else:
            data = random_.randbytes(length)
            expect_equal(nbd.write(base + offset, data, step % 7 == 0), 0, "write")
            model[offset:offset + length] = data
    expect_equal(nbd.flush(), 0, "flush")
    error, found = nbd.read(base, len(model))
    expect(error == 0 and found == model, "what is read is not what was written")
    stage.kept["model"] = hashlib.sha256(model).hexdigest()
    extents = json.loads(stage.run(["nbdinfo", "--map", "--json", stage.attach("d")["nbdUri"]]).output)
    data = sum(each["length"] for each in extents if each["type"] == 0)
    expect(0 < data < 64 * MIB, f"block status calls {data} bytes data")


def holds_model(stage, nbd):
    error, found = nbd.read(512 * MIB, 16 * MIB)
    return error == 0 and hashlib.sha256(found).hexdigest() == stage.kept["model"]


def test_a_disk_grows_while_it_is_attached(stage):
    stage.az("disk update -g g -n d --size-gb 2")
    nbd = stage.kept["nbd"] = connect(stage, "d")
    expect_equal(nbd.write((2 << 30) - 4096, b"e" * 4096, True), 0, "the new end")
    expect_in("size 2 GiB", ceph_run(stage, "rbd", "info", image(stage, "d")), "the image")
    expect(holds_model(stage, nbd), "what was written is gone")


def test_snapshots_and_copies_share_the_image(stage):
    nbd = stage.kept["nbd"]
    expect_equal(nbd.write(0, b"1" * 4096, False), 0, "write")
    stage.az("snapshot create -g g -n s1 --source d --location uksouth --incremental true")
    expect_equal(nbd.write(0, b"2" * 4096, False), 0, "write")
    expect_equal(nbd.write(64 * MIB, b"2" * 8192, False), 0, "write")
    stage.az("snapshot create -g g -n s2 --source d --location uksouth --incremental true")
    stage.az("disk create -g g -n old --source s1 --location uksouth")
    changes = stage.coffer_json("disk changes s2 --since s1 -g g")["changes"]
    expect_equal(changes, [{"offset": 0, "length": 4096}, {"offset": 64 * MIB, "length": 8192}], "changes")
    old = connect(stage, "old")
    expect_equal(old.read(0, 4096)[1], b"1" * 4096, "the disk of the first snapshot")
    expect(holds_model(stage, old), "the disk of the first snapshot does not hold what the disk held")
    expect_equal(old.write(0, b"3" * 4096, True), 0, "write")
    expect_equal(nbd.read(0, 4096)[1], b"2" * 4096, "the disk after its copy was written to")
    old.close()
    stage.detach("old")
    info = json.loads(ceph_run(stage, "rbd", "info", "--format", "json", image(stage, "old")))
    expect_in("coffer.", info["parent"]["image"], "the image that it is made of")


def test_a_rotation_reaches_all_of_them(stage):
    new = stage.rotate_key(stage.kept["vault"])
    for name in ("d", "old"):
        eventually(lambda: new.rsplit("/", 1)[1] in stage.inspect(name)["layers"][0]["keyId"], 30, f"{name} is wrapped under {new}", every=0.5)
    expect(holds_model(stage, stage.kept["nbd"]), "the disk does not go on")


def test_new_data_keys_for_a_disk_in_use(stage):
    before = checksum(stage, "d")
    stage.coffer("disk reencrypt d -g g --wait")
    eventually(lambda: not stage.inspect("d").get("reencryption"), 60, "the re-encryption ends", every=0.5)
    expect(holds_model(stage, stage.kept["nbd"]), "what was written is gone")
    expect(checksum(stage, "d") != before, "no data was moved")
    expect(not [name for name in stage.kept["ceph"].objects("coffer") if "journal" in name], "a journal is left")


def test_a_cluster_that_stops_gives_errors_and_comes_back(stage):
    ceph, nbd = stage.kept["ceph"], stage.kept["nbd"]
    ceph.pause_osd()
    try:
        started = time.monotonic()
        error = nbd.write(128 * MIB, b"x" * 4096, True)
        took = time.monotonic() - started
    finally:
        ceph.continue_osd()
    expect(error == 5 and took < 30, f"error {error} after {took:.1f} s")
    eventually(lambda: nbd.write(128 * MIB, b"y" * 4096, True) == 0, 30, "writes work again", every=0.3)
    ceph.kill_osd()
    expect_equal(nbd.read(128 * MIB, 4096)[0], 5, "error of a read without an OSD")
    ceph.start_osd()
    eventually(lambda: nbd.read(128 * MIB, 4096) == (0, b"y" * 4096), 60, "reads work again", every=0.3)
    eventually(lambda: nbd.write(128 * MIB, b"z" * 4096, True) == 0, 30, "writes work again", every=0.3)
    expect(holds_model(stage, nbd), "what was written before is gone")


def test_kill_minus_nine_loses_nothing_that_was_flushed(stage):
    for round_ in range(2):
        flushed, stopping = {}, threading.Event()

        def write(nbd):
            number = 0
            try:
                while not stopping.is_set():
                    number += 1
                    place, data = 256 * MIB + number % 50 * 65536, number.to_bytes(8, "big") * 8192
                    if nbd.write(place, data, False) or nbd.flush():
                        return
                    flushed[place] = data
            except Gone:
                pass

        writer = threading.Thread(target=write, args=(stage.kept["nbd"],))
        writer.start()
        time.sleep(1)
        process = host_process(stage)
        os.kill(process, signal.SIGKILL)
        stopping.set()
        writer.join(30)
        eventually(lambda: host_process(stage) not in (None, process) and state(stage) == "open", 60, "the disk is served again", every=0.5)
        stage.kept["nbd"] = nbd = connect(stage, "d")
        expect(len(flushed) > 10, f"only {len(flushed)} writes were flushed")
        for place, data in list(flushed.items()):
            error, found = nbd.read(place, len(data))
            # The last one may be followed by one that was not acknowledged.
            newer = int.from_bytes(found[:8], "big") >= int.from_bytes(data[:8], "big")
            expect(error == 0 and (found == data or newer), f"what was flushed at {place} is gone")
        expect(holds_model(stage, nbd), "what was written before is gone")


def test_without_the_key_there_is_no_io(stage):
    kid = stage.get_set()["properties"]["activeKey"]["keyUrl"]
    stage.enable_key(stage.kept["vault"], kid, False)
    eventually(lambda: state(stage) == "suspended", 30, "the disk is suspended", every=0.3)
    expect_equal(stage.kept["nbd"].read(0, 4096)[0], 5, "error of a read without a key")
    stage.enable_key(stage.kept["vault"], kid, True)
    eventually(lambda: state(stage) == "open", 30, "the disk is open again", every=0.3)
    expect(holds_model(stage, stage.kept["nbd"]), "what was written is gone")


def test_deleting_takes_the_key_first_and_the_image_when_nothing_is_made_of_it(stage):
    stage.kept["nbd"].close()
    stage.detach("d")
    disk, name = disk_id(stage, "d"), image(stage, "d")
    stage.az("disk delete -g g -n d -y")
    expect_in("deleted", header_value(stage, disk), "what is left of the header")
    expect_in(name.rsplit("/", 1)[1], ceph_run(stage, "rbd", "ls", f"{POOL}/coffer"), "the image that others are made of")
    old = connect(stage, "old")
    expect(holds_model(stage, old), "a disk lost what it shared with one that was deleted")
    old.close()
    stage.detach("old")
    stage.az("snapshot delete -g g -n s2")
    for kind, each in (("snapshots", "s1"), ("disks", "old"), ("disks", "first")):
        stage.arm("DELETE", f"/resourceGroups/g/providers/Microsoft.Compute/{kind}/{each}", "2024-03-02")
    eventually(lambda: ceph_run(stage, "rbd", "ls", f"{POOL}/coffer") == "", 30, "no image is left", every=0.5)
    keys = ceph_run(stage, "rados", "-p", POOL, "-N", "coffer", "listomapkeys", "coffer.directory").split()
    expect_equal([key for key in keys if not key.startswith("process.")], ["owner"], "the directory")

    def left():
        return [each for each in stage.kept["ceph"].objects("coffer") if "rbd_data" in each or "journal" in each]

    # What only snapshots had, the OSD takes away by itself.
    eventually(lambda: not left(), 30, "no data is left in the pool", every=0.5)


def test_a_storage_service_of_its_own_has_the_pool_and_says_when_it_ends(stage):
    stage.server.stop()
    eventually(lambda: host_process(stage) is None, 30, "coffer-diskd ends with the server, for no disk is open")
    keys = ceph_run(stage, "rados", "-p", POOL, "-N", "coffer", "listomapkeys", "coffer.directory").split()
    expect_equal(keys, ["owner"], "the directory after an orderly end")
    stage.start_server(*options(stage), "--disk-roles", "apart")
    stage.make_disk("apart", stage.kept["set_id"])
    nbd = connect(stage, "apart")
    expect_equal(nbd.write(0, b"a" * 8192, True), 0, "write")
    expect_equal(nbd.read(4096, 4096), (0, b"a" * 4096), "read")
    nbd.close()
    stage.detach("apart")
    expect(image(stage, "apart").split("/")[-1] in ceph_run(stage, "rbd", "ls", f"{POOL}/coffer"), "the pool does not have the disk")
