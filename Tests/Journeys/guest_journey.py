"""The guest itself, on plain files: what the other journeys trust it with, shown without Coffer."""
from stage import *

CANARY = new_canary()


def make_file(stage, name, size=64 << 20):
    path = stage.root / name
    path.touch()
    os.truncate(path, size)
    return path


def holes_of(path):
    """The ranges of a sparse file that were never written."""
    ranges, position = [], 0
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        while position < size:
            try:
                data = os.lseek(file.fileno(), position, os.SEEK_DATA)
            except OSError:
                data = size
            if data > position:
                ranges.append((position, data - position))
            if data >= size:
                break
            position = os.lseek(file.fileno(), data, os.SEEK_HOLE)
    return ranges


def test_a_canary_is_written_read_and_found(stage):
    disk = make_file(stage, "plain.raw")
    written = stage.write_canary([file_disk(disk)], CANARY)
    expect_equal(written["lines"], "16000", "lines")
    stage.read_canary([file_disk(disk, read_only=True)], CANARY, written)
    _, _, hits = search(CANARY, disk)
    expect(sum(hits.values()) >= 16000, f"hits: {hits}")
    stage.kept.update(plain=disk, written=written)


def test_the_loop_leaves_the_file_system_alone_and_stops_when_told(stage):
    guest = stage.guest("loop-io", [file_disk(stage.kept["plain"])], interval="0.05")
    guest.wait_for("io=ok", 5)
    said = guest.stop()
    expect(int(said["good"]) >= 5 and said["bad"] == "0", f"the guest said {said}")
    stage.read_canary([file_disk(stage.kept["plain"])], CANARY, stage.kept["written"])


def test_a_missing_canary_is_noticed(stage):
    said = stage.guest("read-canary", [file_disk(make_file(stage, "empty.raw"))], canary=CANARY).finish()
    expect_equal(said["result"], "failed", "result on an empty disk")


def dm_crypt(stage, layers):
    data, key, holes = make_file(stage, f"data{layers}"), stage.root / f"key{layers}", stage.root / f"holes{layers}"
    key.write_bytes(os.urandom(64 * layers))
    written = stage.guest("dm-crypt-write", [file_disk(data), file_disk(padded(key), "coffer-key", True)], canary=CANARY).succeed()
    expect_equal(search(CANARY, data)[2], {}, "canary in the clear")
    holes.write_text("".join(f"{offset} {length}\n" for offset, length in holes_of(data)))
    disks = [file_disk(data, read_only=True), file_disk(padded(key), "coffer-key", True), file_disk(padded(holes), "coffer-holes", True)]
    read = stage.read_canary(disks, CANARY, written, job="dm-crypt-read")
    expect_equal(read["layers"], str(layers), "layers")
    expect(int(read["holes"]) > 0, "the file has no holes")


def test_one_layer_of_dm_crypt_with_holes(stage):
    dm_crypt(stage, 1)


def test_two_layers_of_dm_crypt_with_holes(stage):
    dm_crypt(stage, 2)
