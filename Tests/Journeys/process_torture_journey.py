"""Kill -9 of coffer serve and of coffer-diskd at random times, while a client writes, keys rotate and snapshots come and go: what was
acknowledged is there after every crash, and in the end everything is in order by itself. Tests/Torture has the disk host alone, with power
cuts; this has the whole."""
import struct
import sys

from stage import *

sys.path.insert(0, str(PACKAGE / "Tests/Torture"))
from diskhost import NBD, Gone, Refused  # noqa: E402

SECTOR = 4096
SIZE = 64 << 20
SECONDS = 40


class Writer(threading.Thread):
    """A client that knows what each sector must hold: the last tag that was acknowledged, or one that was in flight since."""

    def __init__(self, stage, export, seed):
        super().__init__(daemon=True)
        self.socket, self.export = export["socketPath"], export["exportName"]
        self.random = random.Random(seed)
        self.now, self.flying = {}, {}
        self.tag, self.connections, self.writes = 0, 0, 0
        self.stopping, self.failure = threading.Event(), None

    def run(self):
        try:
            while not self.stopping.is_set():
                try:
                    self.session()
                except (Gone, Refused):
                    time.sleep(0.05)
        except Exception as error:  # noqa: BLE001: told by check()
            self.failure = error

    def check(self):
        expect(self.failure is None, f"the client found: {self.failure}")

    def session(self):
        nbd = NBD(self.socket, self.export)
        try:
            self.verify(nbd)
            self.connections += 1
            while not self.stopping.is_set():
                self.write(nbd)
        finally:
            nbd.close()

    def content(self, tag, sector):
        return bytes(SECTOR) if tag == 0 else struct.pack("<QQ", tag, sector) * (SECTOR // 16)

    def write(self, nbd):
        self.tag += 1
        count = self.random.choice((1, 1, 2, 8, 40))
        first = self.random.randrange(SIZE // SECTOR - count)
        sectors = range(first, first + count)
        for sector in sectors:
            self.flying.setdefault(sector, set()).add(self.tag)
        data = b"".join(self.content(self.tag, sector) for sector in sectors)
        error = nbd.write(first * SECTOR, data, self.random.random() < 0.2)
        if error:
            raise Gone(f"error {error}")
        for sector in sectors:
            self.now[sector] = self.tag
            self.flying.pop(sector)
        self.writes += 1
        if self.random.random() < 0.05 and nbd.flush():
            raise Gone("flush")

    def verify(self, nbd):
        """Every sector that was ever written holds what it must; what was in flight is then known."""
        for sector in sorted(set(self.now) | set(self.flying)):
            error, data = nbd.read(sector * SECTOR, SECTOR)
            if error:
                raise Gone(f"error {error}")
            allowed = {self.now.get(sector, 0)} | self.flying.get(sector, set())
            found = next((tag for tag in allowed if data == self.content(tag, sector)), None)
            if found is None:
                raise Failure(f"sector {sector} is none of {sorted(allowed)}: {data[:16].hex()}")
            self.now[sector] = found
            self.flying.pop(sector, None)


def set_up(stage):
    stage.start_server()
    stage.make_encrypted_disk("d", type_=BOTH_KEYS, auto_rotation=True)
    stage.kept["export"] = stage.attach()


def disk_hosts(stage):
    found = []
    for process in stage.processes():
        try:
            if pathlib.Path(os.readlink(f"/proc/{process}/exe")).name == "coffer-diskd":
                found.append(process)
        except OSError:
            pass
    return found


def snapshot(name):
    return f"/resourceGroups/g/providers/Microsoft.Compute/snapshots/{name}"


def meanwhile(stage, generator, number):
    """Something that moves the disk's header or data. A server or host that is gone may refuse it, and nothing else may."""
    try:
        match generator.randrange(4):
            case 0: stage.rotate_key(stage.kept["vault"])
            case 1:
                source = {"createOption": "Copy", "sourceResourceId": f"{stage.subscription}/resourceGroups/g/providers/Microsoft.Compute/disks/d"}
                stage.arm("PUT", snapshot(f"s{number}"), "2023-10-02", {"location": "uksouth", "properties": {"creationData": source}})
                stage.kept["snapshots"].add(f"s{number}")
            case 2 if stage.kept["snapshots"]:
                stage.arm("DELETE", snapshot(generator.choice(sorted(stage.kept["snapshots"]))), "2023-10-02")
            case _: stage.arm("GET", "/resourceGroups/g/providers/Microsoft.Compute/disks/d", "2023-10-02")
    except (Failure, OSError, http.client.HTTPException) as error:
        stage.say(f"meanwhile: {str(error)[:200]}")


def test_nothing_acknowledged_is_lost_whoever_is_killed(stage):
    seed = int(os.environ.get("SEED", time.time_ns() % 1_000_000))
    stage.say(f"SEED={seed}")
    generator = random.Random(seed)
    stage.kept["snapshots"] = set()
    writer = stage.kept["writer"] = Writer(stage, stage.kept["export"], seed)
    writer.start()
    killed = {"serve": 0, "diskd": 0}
    end = time.monotonic() + SECONDS

    def operate():
        operations, number = random.Random(seed + 1), 0
        while not writer.stopping.is_set():
            number += 1
            meanwhile(stage, operations, number)
            time.sleep(operations.random() / 4)

    operator = threading.Thread(target=operate, daemon=True)
    operator.start()
    while time.monotonic() < end:
        time.sleep(generator.random() * 2)
        writer.check()
        victims = generator.choice((("serve",), ("diskd",), ("serve", "diskd"), ("diskd", "serve")))
        for victim in victims:
            killed[victim] += 1
            if victim == "serve":
                stage.server.process.kill()
                stage.server.process.wait()
            else:
                for process in disk_hosts(stage):
                    os.kill(process, signal.SIGKILL)
        if "serve" in victims:
            time.sleep(generator.random())
            stage.start_server()
        before = writer.connections
        if "diskd" in victims:
            eventually(lambda: writer.connections > before or writer.failure, 60, "the client is served again")
        writer.check()
    stage.say(f"{killed['serve']} kills of coffer serve, {killed['diskd']} of coffer-diskd, {writer.writes} writes, {writer.connections} connections")
    expect(killed["diskd"] > 1 and killed["serve"] > 1, "both were killed")
    writer.stopping.set()
    writer.join(60)
    operator.join(60)
    writer.check()


def test_everything_is_in_order_by_itself(stage):
    version = stage.keys("GET", stage.kept["vault"], "keys/k").json["key"]["kid"].rsplit("/", 1)[1]
    eventually(
        lambda: version in json.dumps(stage.inspect()["layers"]), 90, "the disk's header has the current version of its key", every=1)
    stage.detach()
    stage.kept["export"] = stage.attach()
    writer = stage.kept["writer"]
    writer.verify(NBD(stage.kept["export"]["socketPath"], stage.kept["export"]["exportName"]))
    for name in sorted(stage.kept["snapshots"]):
        reply = stage.request("DELETE", f"{stage.url}{stage.subscription}{snapshot(name)}?api-version=2023-10-02", token=stage.token())
        expect(reply.status in (200, 202, 204), f"deleting {name}: {reply}")


def test_the_client_notices_a_sector_that_is_not_what_it_was(stage):
    """The check itself: one sector is written by somebody else."""
    writer = stage.kept["writer"]
    nbd = NBD(stage.kept["export"]["socketPath"], stage.kept["export"]["exportName"])
    sector = sorted(writer.now)[len(writer.now) // 2]
    expect_equal(nbd.write(sector * SECTOR, writer.content(writer.tag + 1, sector), False), 0, "error of the write")
    try:
        writer.verify(nbd)
    except Failure:
        return
    raise Failure("nothing was noticed")
