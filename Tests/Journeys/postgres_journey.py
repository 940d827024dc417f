"""The same Coffer over PostgreSQL, which this journey starts itself as an unprivileged user."""
import glob
import pwd

from stage import *


def binary(name):
    found = shutil.which(name) or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)), None)
    if not found:
        raise Skip("PostgreSQL is not installed")
    return found


def unprivileged():
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            pass
    raise Skip("there is no unprivileged user")


def set_up(stage):
    user = unprivileged()
    # A directory of its own, because the stage's is nobody else's to enter.
    place = stage.kept["place"] = tempfile.mkdtemp(prefix="cj-pg-", dir="/tmp")
    if user:
        os.chown(place, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    stage.kept.update(user=user, port=free_port())
    # No cwd of root's, and no mark in vain: the mark is how the stage finds the server at the end.
    def run(*words):
        done = subprocess.run(words, user=user, cwd=place, env={**stage.environment, "HOME": place}, capture_output=True, text=True)
        expect(done.returncode == 0, f"{words[0]}: {done.stdout[-500:]} {done.stderr[-500:]}")

    run(binary("initdb"), "-D", f"{place}/db", "-U", "coffer", "-A", "trust", "-E", "UTF8", "--no-sync")
    run(binary("pg_ctl"), "-D", f"{place}/db", "-w", "-l", f"{place}/log", "-o",
        f"-p {stage.kept['port']} -k {place} -c listen_addresses=127.0.0.1", "start")
    run(binary("createdb"), "-h", "127.0.0.1", "-p", str(stage.kept["port"]), "-U", "coffer", "coffer")
    stage.kept["store"] = f"postgres://coffer@127.0.0.1:{stage.kept['port']}/coffer"
    stage.start_server("--store", stage.kept["store"])


def tear_down(stage):
    place = stage.kept.get("place")
    if place:
        subprocess.run(
            [binary("pg_ctl"), "-D", f"{place}/db", "-m", "immediate", "stop"], user=stage.kept["user"], cwd=place,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.rmtree(place, ignore_errors=True)


def test_a_vault_a_key_and_a_disk_work(stage):
    stage.make_encrypted_disk("d", auto_rotation=True)
    stage.kept["canary"] = new_canary()
    stage.kept["written"] = stage.write_canary([attached(stage.attach())], stage.kept["canary"])
    new = stage.rotate_key(stage.kept["vault"])
    eventually(lambda: stage.get_set()["properties"]["activeKey"]["keyUrl"] == new, 30, "the set names the new version", every=0.5)


def test_interfaces_made_at_once_get_different_addresses(stage):
    expect_equal(len(set(stage.make_interfaces(24, stage.make_network()))), 48, "different addresses")


def test_a_restart_keeps_all_of_it(stage):
    expect_equal(stage.server.stop(), 0, "exit status")
    stage.start_server("--store", stage.kept["store"])
    stage.tokens.clear()
    expect_equal(stage.arm("GET", stage.vault_path(stage.kept["vault"]), "2023-07-01").json["name"], stage.kept["vault"], "vault")
    expect_equal(len(stage.keys("GET", stage.kept["vault"], "keys/k/versions").json["value"]), 2, "versions of the key")
    stage.read_canary([attached(stage.attach())], stage.kept["canary"], stage.kept["written"])


def test_the_database_holds_no_secret_in_the_clear(stage):
    dump = subprocess.run(
        [binary("pg_dump"), "-h", "127.0.0.1", "-p", str(stage.kept["port"]), "-U", "coffer", "coffer"], capture_output=True)
    expect_equal(dump.returncode, 0, "pg_dump")
    expect(len(dump.stdout) > 10_000, "the dump is empty")
    for secret in (stage.environment["AZURE_CLIENT_SECRET"].encode(), b"PRIVATE KEY", (stage.data / "root.key").read_bytes().strip()):
        expect(secret not in dump.stdout, "a secret is in the database in the clear")


def test_no_sqlite_file_is_made(stage):
    expect(not list(stage.data.glob("*.sqlite*")), "there is an SQLite database all the same")


def test_a_database_that_is_away_is_named_at_start(stage):
    stage.server.stop()
    refused = stage.start_server("--store", f"postgres://coffer@127.0.0.1:{free_port()}/coffer", wait=False)
    status = refused.process.wait(60)
    expect(status != 0, "serve ended with status 0")
    log = stage.tail(refused.log)
    expect("postgres" in log.lower() or "database" in log.lower(), f"the log does not say why: {log}")
