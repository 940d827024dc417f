"""What Benchmarks/vault.sh runs."""
import argparse
import base64
import contextlib
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import urllib.parse
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Tests/Journeys"))
import postgres_journey
from stage import *

CONNECTIONS = 32
SECRET = "a secret of some length: " + "s" * 75


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def processor_seconds(process):
    fields = open(f"/proc/{process}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(process):
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{process}/status").read())[1]) / 1024


def machine():
    model = re.search(r"model name\s*:\s*(.+)", open("/proc/cpuinfo").read())
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} processors ({model[1] if model else 'unknown'}), Linux {os.uname().release}, load before the run {load:.1f}"


def openssl_rates():
    """What one core does, by its processor time: RSA-2048 private operations and P-256 signatures a second."""
    text = subprocess.run(
        ["openssl", "speed", "-seconds", "2", "rsa2048", "ecdsap256"], capture_output=True, text=True).stdout
    return {
        "RSA-2048": float(re.search(r"rsa 2048 bits\s+\S+\s+\S+\s+([\d.]+)", text)[1]),
        "P-256": float(re.search(r"256 bits ecdsa \(nistp256\)\s+\S+\s+\S+\s+([\d.]+)", text)[1]),
    }


class Load:
    """One request, sent by wrk over and over."""

    def __init__(self, bench, path, body=None):
        self.bench = bench
        self.path = path if "?" in path else f"{path}?api-version=7.4"
        method = "GET" if body is None else "POST"
        payload = "" if body is None else json.dumps(body)
        self.script = "\n".join([
            f'wrk.method = "{method}"', f"wrk.body = [[{payload}]]",
            f'wrk.headers["Authorization"] = "Bearer {bench.token}"', 'wrk.headers["Content-Type"] = "application/json"',
            f'wrk.headers["Host"] = "{bench.host}"',
            "local seen = 0",
            "response = function(status, headers, body)",
            "  if status ~= 200 and seen == 0 then seen = 1 io.stderr:write(status .. ' ' .. body .. '\\n') end",
            "end"])

    def run(self, seconds, port=None, pause=0):
        """`pause` in milliseconds stands between an answer and the next request of its connection."""
        script = self.bench.stage.root / f"wrk-{uuid.uuid4().hex[:6]}.lua"
        delay = f"\nfunction delay() return {pause:.0f} + math.random(-{pause // 2:.0f}, {pause // 2:.0f}) end" if pause >= 1 else ""
        script.write_text(self.script + delay)
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", str(script),
                   f"https://127.0.0.1:{port or self.bench.stage.server.port}{self.path}"]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    @staticmethod
    def result(process):
        output, errors = process.communicate()
        expect("Non-2xx" not in output and "Socket errors" not in output, f"{output} {errors}")
        def milliseconds(percent):
            value, unit = re.search(rf"\s{percent}%\s+([\d.]+)(us|ms|s)", output).groups()
            return float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
        return {"count": int(re.search(r"(\d+) requests in", output)[1]), "p50": milliseconds(50), "p99": milliseconds(99)}

    def measure(self, seconds, pause=0):
        process = self.bench.stage.server.process.pid
        before = processor_seconds(process)
        result = self.result(self.run(seconds, pause=pause))
        spent = processor_seconds(process) - before
        result.update(rate=result["count"] / seconds, per_core=result["count"] / spent, micros=spent / result["count"] * 1e6)
        return result


class Bench:
    """A server with a vault of keys and secrets."""

    def __init__(self, arguments, store):
        self.arguments, self.store = arguments, store
        self.stage = Stage(f"bench-{store}")
        self.stage.say = lambda text: None
        self.options = []

    def __enter__(self):
        if self.store == "sqlite":
            self.stage.start_server()
        else:
            postgres_journey.set_up(self.stage)
            self.options = ["--store", self.stage.kept["store"]]
        self.stage.make_group()
        self.vault = self.stage.make_vault()
        self.host = urllib.parse.urlsplit(self.stage.vault_url(self.vault)).netloc
        try:
            self.stage.assign("Key Vault Secrets Officer", self.stage.principal, self.stage.vault_id(self.vault))
        except Failure:
            pass
        self.token = self.stage.token("https://vault.azure.net/.default")
        return self

    def __exit__(self, *_):
        if self.store != "sqlite":
            postgres_journey.tear_down(self.stage)
        self.stage.close()

    def restart(self, *options):
        self.stage.server.stop()
        self.stage.start_server(*self.options, *options)

    def loads(self):
        """What is measured by name; what this build has not is left out."""
        stage, vault = self.stage, self.vault
        path = urllib.parse.urlsplit(stage.make_key(vault, "rsa")).path
        wrapped = stage.keys(
            "POST", vault, f"{path[1:]}/wrapkey", {"alg": "RSA-OAEP-256", "value": b64(b"k" * 32)}).json["value"]
        found = {
            "RSA-2048 sign (RS256)": Load(self, path + "/sign", {"alg": "RS256", "value": b64(b"d" * 32)}),
            "RSA-2048 unwrap (OAEP-256)": Load(self, path + "/unwrapkey", {"alg": "RSA-OAEP-256", "value": wrapped}),
            "key get": Load(self, path),
        }
        made = stage.keys("POST", vault, "keys/ec/create", {"kty": "EC", "crv": "P-256"}, status=(200, 400))
        if made.status == 200:
            ec = urllib.parse.urlsplit(made.json["key"]["kid"]).path
            found["P-256 sign (ES256)"] = Load(self, ec + "/sign", {"alg": "ES256", "value": b64(b"d" * 32)})
        set_ = stage.keys("PUT", vault, "secrets/s", {"value": SECRET}, status=(200, 400, 403, 404, 405))
        if set_.status == 200:
            found["secret get, 100 bytes"] = Load(self, "/secrets/s")
        return found

    def copy_keys(self, count):
        """Makes copies of the key's documents in the store: lists and reads open no private key, and making so many would take hours."""
        self.stage.server.stop()
        copy = """INSERT INTO {documents} (collection, id, etag, body)
            SELECT d.collection, replace(d.id, '/rsa', '/rsa' || n.n), d.etag, {replaced}
            FROM {documents} d, {numbers} WHERE d.collection IN ('keys', 'key-versions') AND d.id LIKE '%/rsa%' AND d.id NOT LIKE '%/rsa%/rsa%'
            AND (d.id LIKE '%/rsa' OR d.id LIKE '%/rsa/%')"""
        if self.store == "sqlite":
            with sqlite3.connect(self.stage.data / "store.sqlite") as store:
                numbers = f"(WITH RECURSIVE c(n) AS (SELECT 100001 UNION ALL SELECT n + 1 FROM c WHERE n < {100000 + count}) SELECT n FROM c) n"
                store.execute(copy.format(
                    documents="documents", numbers=numbers,
                    replaced="""CAST(replace(CAST(d.body AS TEXT), '"name":"rsa"', '"name":"rsa' || n.n || '"') AS BLOB)"""))
        else:
            sql = copy.format(
                documents="coffer.documents", numbers=f"generate_series(100001, {100000 + count}) AS n(n)",
                replaced="""convert_to(replace(convert_from(d.body, 'UTF8'), '"name":"rsa"', '"name":"rsa' || n.n || '"'), 'UTF8')""")
            done = subprocess.run(
                [postgres_journey.binary("psql"), "-q", "-v", "ON_ERROR_STOP=1", "-d", self.stage.kept["store"], "-c", sql],
                capture_output=True, text=True)
            expect(done.returncode == 0, done.stderr)
        self.stage.start_server(*self.options)


def row(*cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def table(*heads):
    print()
    row(*heads)
    row(*["---"] * len(heads))


def measure_store(arguments, store):
    seconds = arguments.seconds
    with Bench(arguments, store) as bench:
        loads = bench.loads()
        print(f"\n## {store}")
        table("operation", "per second", "per processor second of the server", "server µs a request", "p50 ms", "p99 ms",
              "at 80 %: p50 ms", "p99 ms", "p99 : p50", "OpenSSL, one core", "ratio")
        for name, load in loads.items():
            load.measure(2)
            openssl = openssl_rates().get(name.split()[0])
            full = load.measure(seconds)
            # Each connection sends as often as gives four fifths of the rate.
            pause = max(1, round(CONNECTIONS / (0.8 * full["rate"]) * 1000 - full["p50"] * 0.5))
            part = load.measure(seconds, pause)
            row(name, f"{full['rate']:.0f}", f"{full['per_core']:.0f}", f"{full['micros']:.0f}", f"{full['p50']:.1f}", f"{full['p99']:.1f}",
                f"{part['p50']:.1f} ({part['rate'] / full['rate']:.0%} of the rate)", f"{part['p99']:.1f}", f"{part['p99'] / part['p50']:.1f}",
                f"{openssl:.0f}" if openssl else "", f"{full['per_core'] / openssl:.2f}" if openssl else "")

        table("keys in the vault", "list page of 25 per second", "server µs", "key get per second", "server µs")
        for count in (100, arguments.objects):
            if count > 100:
                bench.copy_keys(count)
            else:
                bench.copy_keys(99)
            path = "/keys/rsa" + str(100000 + min(count, 99))
            page, get = Load(bench, "/keys"), Load(bench, path)
            page.measure(1), get.measure(1)
            page, get = page.measure(seconds), get.measure(seconds)
            row(f"{count:,}", f"{page['rate']:.0f}", f"{page['micros']:.0f}", f"{get['rate']:.0f}", f"{get['micros']:.0f}")
            if count == 100 and arguments.objects > 100:
                forget_copies(bench)

        measure_audit(bench, loads, seconds)
        measure_memory(bench, loads, arguments.memory)


def forget_copies(bench):
    bench.stage.server.stop()
    where = "collection IN ('keys', 'key-versions') AND id LIKE '%/rsa1000%'"
    if bench.store == "sqlite":
        with sqlite3.connect(bench.stage.data / "store.sqlite") as store:
            store.execute(f"DELETE FROM documents WHERE {where}")
    else:
        subprocess.run(
            [postgres_journey.binary("psql"), "-q", "-d", bench.stage.kept["store"], "-c", f"DELETE FROM coffer.documents WHERE {where}"],
            check=True)
    bench.stage.start_server(*bench.options)


def measure_audit(bench, loads, seconds):
    """In turns, three times each, so that a busy moment of the machine does not count for one alone."""
    table("audit trail", "without: server µs", "with: server µs", "price", "without: per second", "with: per second")
    names = [name for name in loads if not name.startswith("RSA-2048 sign")]
    found = {name: {"without": [], "with": []} for name in names}
    for _ in range(3):
        for kind, options in (("without", ["--test-clock", "--benchmark-without-audit"]), ("with", ["--test-clock"])):
            bench.restart(*options)
            for name in names:
                loads[name].measure(1)
                found[name][kind].append(loads[name].measure(max(2, seconds // 2)))
    for name, kinds in found.items():
        median = {kind: sorted(results, key=lambda each: each["micros"])[1] for kind, results in kinds.items()}
        without, with_ = median["without"], median["with"]
        row(name, f"{without['micros']:.0f}", f"{with_['micros']:.0f}", f"{with_['micros'] / without['micros'] - 1:.0%}",
            f"{without['rate']:.0f}", f"{with_['rate']:.0f}")
    bench.restart()


def measure_builds(arguments, store):
    """Two builds in turns, with the audit trail and without it: on a machine that others use too, only what was measured side by side compares."""
    builds = {"before": arguments.against, "now": find_coffer()}
    kinds = [(build, audit) for audit in ("with", "without") for build in builds]
    with contextlib.ExitStack() as stack:
        # Each has a vault of its own, for an older build may not read a newer one's store.
        benches, loads = {}, {}
        for build, coffer in builds.items():
            os.environ["COFFER"] = str(coffer)
            benches[build] = stack.enter_context(Bench(arguments, store))
            loads[build] = benches[build].loads()
        found = {name: {kind: [] for kind in kinds} for name in loads["now"]}
        for _ in range(arguments.rounds):
            for build, audit in kinds:
                os.environ["COFFER"] = str(builds[build])
                benches[build].restart("--test-clock", *(["--benchmark-without-audit"] if audit == "without" else []))
                for name, load in loads[build].items():
                    load.result(load.run(1))
                    found[name][build, audit].append(load.measure(arguments.seconds)["micros"])
        os.environ["COFFER"] = str(builds["now"])
        print(f"\n## {store}, {arguments.rounds} rounds, load at the end {os.getloadavg()[0]:.1f}")
        table("server µs, median (least)", "before", "now", "", "without audit: before", "now", "")
        for name, results in found.items():
            middle = {kind: sorted(each)[len(each) // 2] for kind, each in results.items()}
            cells = []
            for audit in ("with", "without"):
                cells += [f"{middle[build, audit]:.0f} ({min(results[build, audit]):.0f})" for build in builds]
                cells.append(f"{middle['now', audit] / middle['before', audit] - 1:+.0%}")
            row(name, *cells)


def measure_memory(bench, loads, operations):
    load = loads.get("secret get, 100 bytes") or loads["key get"]
    rate = load.measure(3)["rate"]
    process = bench.stage.server.process.pid
    table("operations so far", "resident MB")
    done = 0
    row("a warm-up", f"{resident(process):.0f}")
    for _ in range(5):
        done += load.result(load.run(max(1, round(operations / 5 / rate))))["count"]
        row(f"{done:,}", f"{resident(process):.0f}")


def measure_replicas(arguments):
    """Two servers over one database, on the same cores, each loaded by its own client; meanwhile one of them makes versions of a key."""
    with Bench(arguments, "postgres") as bench:
        stage = bench.stage
        other = stage.root / "other"
        other.mkdir(mode=0o700)
        shutil.copy2(stage.data / "root.key", other / "root.key")
        first = stage.server
        second = stage.start_server(*bench.options, port=free_port(), data=other, wait=False)
        expect(second.ready.wait(60) and second.process.poll() is None, stage.tail(second.log))
        loads = bench.loads()
        print("\n## two replicas over one PostgreSQL")
        table("operation", "one server, per second", "two, per second", "server µs, one", "server µs, two")
        for name, load in loads.items():
            load.measure(1)
            load.result(load.run(1, port=second.port))
            alone = load.measure(arguments.seconds)
            before = processor_seconds(first.process.pid) + processor_seconds(second.process.pid)
            clients = [load.run(arguments.seconds, port=server.port) for server in (first, second)]
            count = sum(load.result(client)["count"] for client in clients)
            spent = processor_seconds(first.process.pid) + processor_seconds(second.process.pid) - before
            row(name, f"{alone['rate']:.0f}", f"{count / arguments.seconds:.0f}", f"{alone['micros']:.0f}", f"{spent / count * 1e6:.0f}")


parser = argparse.ArgumentParser(prog="Benchmarks/vault.sh")
parser.add_argument("--seconds", type=int, default=8, help="for each measurement")
parser.add_argument("--stores", default="sqlite,postgres,replicas")
parser.add_argument("--objects", type=int, default=100_000, help="keys in the large vault")
parser.add_argument("--against", help="another build's coffer: it and this one in turns, and nothing else")
parser.add_argument("--rounds", type=int, default=3, help="of both builds, with --against")
parser.add_argument("--memory", type=int, default=1_000_000, help="operations over which memory is watched")
arguments = parser.parse_args()
print(f"{CONNECTIONS} connections, {arguments.seconds} s each; {machine()}")
for store in arguments.stores.split(","):
    if arguments.against:
        if store != "replicas":
            measure_builds(arguments, store)
        continue
    measure_replicas(arguments) if store == "replicas" else measure_store(arguments, store)
