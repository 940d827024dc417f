"""Disks over vhost-user: a real QEMU machine whose memory is shared, killed disk hosts, lost keys, and front ends that mean harm."""
import array
import mmap
import random
import socket
import struct

from stage import *

SHARED_MEMORY = ["-object", "memory-backend-memfd,id=mem,size=256M,share=on", "-machine", "memory-backend=mem"]


def set_up(stage):
    stage.start_server()
    stage.make_encrypted_disk("d", type_=BOTH_KEYS)
    answer = stage.attach()
    stage.kept.update(path=answer["vhostUserPath"], shared=SHARED_MEMORY + answer["vhostUserArguments"], nbd=attached(answer))
    stage.kept["canary"] = new_canary()


def test_what_a_guest_writes_is_what_others_read(stage):
    stage.kept["written"] = stage.write_canary([stage.kept["shared"]], stage.kept["canary"])
    stage.read_canary([stage.kept["nbd"]], stage.kept["canary"], stage.kept["written"])
    stage.read_canary([stage.kept["shared"]], stage.kept["canary"], stage.kept["written"])
    files, size, hits = search(stage.kept["canary"], stage.data)
    expect(files > 5 and size > 1 << 20, "the search has seen the data directory")
    expect_equal(hits, {}, "files with the canary")


def test_a_guest_waits_for_a_disk_host_that_was_killed(stage):
    guest = stage.guest("loop-io", [stage.kept["shared"]], interval="0.05")
    guest.wait_for("io=ok", 5)
    before = stage.disk_hosts()
    for process in before:
        os.kill(process, signal.SIGKILL)
    eventually(lambda: set(stage.disk_hosts()) - set(before), 30, "another host is started")
    guest.wait_for("io=ok", 5, timeout=60)
    said = guest.stop()
    expect_equal(said["bad"], "0", "I/O errors in the guest")
    stage.read_canary([stage.kept["nbd"]], stage.kept["canary"], stage.kept["written"])


def test_a_lost_key_stops_the_io_and_its_return_brings_it_back(stage):
    guest = stage.guest("loop-io", [stage.kept["shared"]])
    guest.wait_for("io=ok", 3)
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], False)
    guest.wait_for("io=error", 3, timeout=60)
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], True)
    guest.wait_for("io=ok", 3, timeout=60)
    expect_equal(guest.stop()["result"], "ok", "end of the guest")


class FrontEnd:
    """The least front end: 64 KiB of memory, one queue of 8 descriptors, and whatever a test puts into them."""

    GUEST, USER, SIZE = 0x1000, 0x70000000, 1 << 16
    AVAILABLE, USED, HEAD, DATA, STATUS = 4096, 8192, 16384, 20480, 16500

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        # Front ends are served one after the other, and so many may wait.
        eventually(lambda: self.socket.connect_ex(path) == 0, 20, "a connection to the disk", every=0.01)
        self.socket.settimeout(20)
        self.file = os.memfd_create("guest")
        os.ftruncate(self.file, self.SIZE)
        self.memory = mmap.mmap(self.file, self.SIZE)
        self.kick, self.call = os.eventfd(0), os.eventfd(0)
        self.offered = 0

    def close(self):
        self.socket.close()
        for file in (self.file, self.kick, self.call):
            os.close(file)

    def send(self, code, payload=b"", files=()):
        message = struct.pack("<III", code, 1, len(payload)) + payload
        self.socket.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))] if files else [])

    def ask(self, code, payload=b""):
        self.send(code, payload)
        head = self.socket.recv(12, socket.MSG_WAITALL)
        expect_equal(len(head), 12, f"an answer to message {code}")
        return self.socket.recv(struct.unpack("<III", head)[2], socket.MSG_WAITALL)

    def set_up(self):
        features = struct.unpack("<Q", self.ask(1))[0]
        self.send(2, struct.pack("<Q", 1 << 32 | 1 << 30))
        self.ask(15)
        self.send(16, struct.pack("<Q", 1 << 9))
        self.send(5, struct.pack("<II4Q", 1, 0, self.GUEST, self.SIZE, self.USER, 0), [self.file])
        self.send(8, struct.pack("<II", 0, 8))
        self.send(10, struct.pack("<II", 0, 0))
        self.send(9, struct.pack("<II4Q", 0, 0, self.USER, self.USER + self.USED, self.USER + self.AVAILABLE, 0))
        self.send(13, struct.pack("<Q", 0), [self.call])
        self.send(12, struct.pack("<Q", 0), [self.kick])
        self.send(18, struct.pack("<II", 0, 1))
        return features

    def describe(self, index, address, count, flags=0, next_=0):
        struct.pack_into("<QIHH", self.memory, 16 * index, address, count, flags, next_)

    def offer(self, head=0):
        struct.pack_into("<H", self.memory, self.AVAILABLE + 4 + 2 * (self.offered % 8), head)
        self.offered = (self.offered + 1) % 65536
        struct.pack_into("<H", self.memory, self.AVAILABLE + 2, self.offered)
        os.eventfd_write(self.kick, 1)

    def used(self):
        return struct.unpack_from("<H", self.memory, self.USED + 2)[0]

    def request(self, kind, sector, data=b"", length=0):
        """Does one request; its status and what was read."""
        struct.pack_into("<IIQ", self.memory, self.HEAD, kind, 0, sector)
        self.memory[self.STATUS] = 0xFF
        count = len(data) or length
        self.memory[self.DATA:self.DATA + len(data)] = data
        self.describe(0, self.GUEST + self.HEAD, 16, 1, 1 if count else 2)
        self.describe(1, self.GUEST + self.DATA, count, 1 | (0 if data else 2), 2)
        self.describe(2, self.GUEST + self.STATUS, 1, 2)
        before = self.used()
        self.offer()
        eventually(lambda: self.used() != before, 10, "the request is done", every=0.005)
        return self.memory[self.STATUS], self.memory[self.DATA:self.DATA + length]


def front_end(stage):
    # One at a time: the one before must have been seen to leave.
    end = FrontEnd(stage.kept["path"])
    end.set_up()
    return end


def test_requests_of_every_kind(stage):
    end = front_end(stage)
    capacity = struct.unpack_from("<Q", end.ask(24, struct.pack("<III", 0, 60, 0) + bytes(60)), 12)[0]
    expect_equal(capacity, (1 << 30) // 512, "capacity in blocks")
    base = 100 << 11
    pattern = os.urandom(8192)
    expect_equal(end.request(1, base + 3, pattern)[0], 0, "status of a write of blocks that are no whole sectors")
    expect_equal(end.memory[end.DATA:end.DATA + 8192], pattern, "the guest's own copy of what it wrote")
    expect_equal(end.request(4, 0)[0], 0, "status of a flush")
    expect_equal(end.request(0, base + 3, length=8192), (0, pattern), "what is read")
    expect_equal(end.request(0, base + 4, length=512), (0, pattern[512:1024]), "a block of it")
    zeroes = struct.pack("<QII", base + 3, 2, 1)
    expect_equal(end.request(13, 0, zeroes)[0], 0, "status of a write of zeroes")
    expect_equal(end.request(0, base + 3, length=1536)[1], bytes(1024) + pattern[1024:1536], "zeroes and what follows")
    expect_equal(end.request(11, 0, struct.pack("<QII", base + 64, 64, 0))[0], 0, "status of a discard")
    expect_equal(end.request(0, base + 64, length=8192)[1], bytes(8192), "what was discarded")
    status, serial = end.request(8, 0, length=20)
    expect(status == 0 and serial.strip(b"\0"), "a serial number")
    # Beyond the end, of no known kind, flags that there are not: errors, and the queue goes on.
    expect_equal(end.request(0, (1 << 30) // 512 - 1, length=1024)[0], 1, "status beyond the end")
    expect_equal(end.request(1, 1 << 62, b"x" * 512)[0], 1, "status far beyond the end")
    expect_equal(end.request(99, 0, length=512)[0], 2, "status of a request that there is not")
    expect_equal(end.request(13, 0, struct.pack("<QII", 0, 8, 6))[0], 2, "status of flags that there are not")
    expect_equal(end.request(13, 0, b"short")[0], 2, "status of a range that is cut off")
    expect_equal(end.request(0, base + 5, length=512), (0, pattern[1024:1536]), "the queue goes on")
    end.close()


def test_requests_are_counted(stage):
    def counts():
        return {each["kind"]: each for each in stage.coffer_json("disk stats d -g g")["operations"]}

    end, before, place = front_end(stage), counts(), 100 << 11
    for kind, sector, data, length in (
            (1, place, bytes(4096), 0), (0, place, b"", 4096), (0, place, b"", 512), (4, 0, b"", 0), (0, 1 << 40, b"", 512)):
        end.request(kind, sector, data, length)
    end.close()
    after = counts()
    grown = {(kind, what): after[kind][what] - before[kind][what] for kind in after for what in ("count", "bytes", "errors")}
    wanted = {("read", "count"): 3, ("read", "bytes"): 5120, ("read", "errors"): 1, ("write", "count"): 1, ("write", "bytes"): 4096, ("flush", "count"): 1}
    expect_equal({key: value for key, value in grown.items() if value}, wanted, "what was counted")


def test_front_ends_that_break_the_protocol_are_cut_off_and_harm_nobody(stage):
    host = stage.disk_hosts()
    ruin = [
        lambda end: end.describe(0, end.GUEST + end.HEAD, 16, 1, 0),
        lambda end: end.describe(0, end.GUEST + end.HEAD, 16, 1, 60000),
        lambda end: end.describe(0, 1 << 63, 4096, 0),
        lambda end: end.describe(0, end.GUEST + end.HEAD, 0xFFFFFFFF, 4),
        lambda end: end.describe(0, end.GUEST + end.HEAD, 3, 0),
        lambda end: end.describe(0, end.GUEST + end.HEAD, 16, 2),
    ]
    for prepare in ruin:
        end = front_end(stage)
        prepare(end)
        end.offer()
        time.sleep(0.05)
        # The queue is given up, and nothing was written into the used ring.
        expect_equal(end.used(), 0, "chains given back")
        end.close()
    generator = random.Random(3)
    for _ in range(200):
        end = FrontEnd(stage.kept["path"])
        code = generator.choice([*range(0, 45), 0xFFFFFFFF])
        try:
            end.send(code, generator.randbytes(generator.choice([0, 4, 8, 12, 40, 200])), [end.file] if generator.random() < 0.3 else [])
            end.socket.sendall(generator.randbytes(generator.choice([0, 5, 12, 100])))
        except OSError:
            pass
        end.close()
    expect_equal(stage.disk_hosts(), host, "the disk host still runs")
    stage.read_canary([stage.kept["nbd"]], stage.kept["canary"], stage.kept["written"])


def test_fio_in_a_guest_reads_back_what_it_wrote(stage):
    # It writes over all that is there. fio and its libraries need room.
    roomy = [word.replace("size=256M", "size=512M") for word in stage.kept["shared"]]
    said = stage.guest("fio", [roomy + ["-m", "512"]]).succeed()
    expect_equal(said["verified"], "trimmed", "the last of fio's jobs")


def test_a_detached_disk_is_offered_no_more(stage):
    end = front_end(stage)
    stage.detach()
    expect(not os.path.exists(stage.kept["path"]), "the socket is gone")
    expect_equal(end.socket.recv(1), b"", "the front end is cut off")
    end.close()
