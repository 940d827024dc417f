"""Others' NBD clients against encrypted disks, with every cipher that this processor runs: nbdinfo, nbdcopy, qemu-img, qemu-io and fio."""
import hashlib
import random

from stage import *

MIB = 1 << 20
ENGINES = ("auto", "openssl", "aesni", "vaes256", "vaes512")


def set_up(stage):
    stage.start_server()
    stage.make_encrypted_disk("d", type_=BOTH_KEYS)
    stage.kept["uri"] = stage.attach()["nbdUri"]


def fio(stage, name, *options):
    # The client checks every block that it reads back against what it wrote there.
    output = stage.run(
        ["fio", f"--name={name}", "--ioengine=nbd", f"--uri={stage.kept['uri']}", "--thread", "--size=96M", "--randrepeat=0",
         "--verify=crc32c", "--verify_fatal=1", "--do_verify=1", "--output-format=json", *options], timeout=300).output
    job = json.loads(output[output.index("{"):output.rindex("}") + 1])["jobs"][0]
    expect_equal(job["error"], 0, "fio's error")
    expect(job["read"]["io_bytes"] > 0 and job["write"]["io_bytes"] > 0, "fio wrote and read back")


def test_nbdinfo_understands_the_export(stage):
    export = json.loads(stage.run(["nbdinfo", "--json", stage.kept["uri"]]).output)["exports"][0]
    expect_equal(export["export-size"], 1 << 30, "size")
    for ability in ("can_flush", "can_fua", "can_multi_conn", "can_trim", "can_zero", "can_df", "can_cache"):
        expect(export[ability], f"{ability} is missing")
    expect_equal([export[f"block_size_{name}"] for name in ("minimum", "preferred")], [1, 4096], "block sizes")


def test_fio_reads_back_what_it_wrote(stage):
    fio(stage, "sequential", "--rw=write", "--bs=1M", "--iodepth=8")
    fio(stage, "random", "--rw=randwrite", "--bs=4k", "--iodepth=32", "--size=24M")
    # Blocks that share sectors: each write reads, changes and writes the sector again.
    fio(stage, "unaligned", "--rw=randwrite", "--bsrange=512-48k", "--bs_unaligned=0", "--blockalign=512", "--iodepth=16", "--size=16M")
    fio(stage, "synced", "--rw=randwrite", "--bs=4k", "--iodepth=8", "--fsync=16", "--size=4M")


def test_qemu_img_and_nbdcopy_carry_an_image_in_and_out(stage):
    source, back = stage.root / "source.img", stage.root / "back.img"
    generator = random.Random(17)
    with open(source, "wb") as image:
        for place in range(0, 64 * MIB, 4 * MIB):
            image.seek(place)
            image.write(generator.randbytes(MIB + place % 3000))
        image.truncate(1 << 30)
    stage.run(["nbdcopy", "--connections=4", source, stage.kept["uri"]])
    stage.run(["qemu-img", "compare", "-f", "raw", "-F", "raw", source, stage.kept["uri"]], timeout=300)
    stage.run(["qemu-img", "convert", "-f", "raw", "-O", "raw", stage.kept["uri"], back], timeout=300)
    expect_equal(digest(back), digest(source), "what came back")


def test_every_cipher_reads_what_the_others_wrote(stage):
    """The bytes on disk are the same whichever engine wrote them."""
    written = []
    for engine in ENGINES:
        stage.detach()
        stage.server.stop()
        for process in stage.processes():
            os.kill(process, signal.SIGTERM)
        eventually(lambda: not stage.processes(), 20, "coffer-diskd ends")
        try:
            stage.start_server("--disk-cipher", engine)
        except Failure:
            log = (stage.data / "run/diskd.log").read_text()
            expect_in(f"cannot run the engine {engine}", log, "the disk host's log")
            continue
        stage.kept["uri"] = stage.attach()["nbdUri"]
        place = 128 + len(written)
        for before, pattern in written:
            output = stage.run(["qemu-io", "-f", "raw", "-c", f"read -P {pattern} {before}M 1M", stage.kept["uri"]]).output
            expect("verification failed" not in output, f"{engine} does not read what another engine wrote: {output}")
        # The middle of a sector to the middle of another, too.
        stage.run(["qemu-io", "-f", "raw", "-c", f"write -P {place} {place}M 1M", stage.kept["uri"]])
        stage.run(["qemu-io", "-f", "raw", "-c", f"write -P {place} {place * MIB + 1000} 5000", stage.kept["uri"]])
        written.append((place, place))
    stage.say(f"{len(written)} engines")
    expect(len(written) >= 3, "auto, openssl and at least one more can run")


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
