"""The real az on disk encryption sets: identities, types, keys, rotation that is interrupted, lost keys, and what depends on a key."""
import concurrent.futures
import select

from stage import *

GROUP = "g"


def set_up(stage):
    stage.start_server()
    stage.login()
    stage.make_group(GROUP)
    stage.kept["vault"] = stage.make_vault(GROUP)
    stage.kept["kid"] = stage.make_key(stage.kept["vault"])


def update(stage, line, *more):
    return stage.az_json(f"disk-encryption-set update -g {GROUP} {line}", *more)


def test_a_user_assigned_identity_is_made_shown_listed_and_made_again(stage):
    made = stage.az_json(f"identity create -n id1 -g {GROUP} --tags team=disks")
    expect_equal((made["name"], made["location"], made["tags"]), ("id1", "uksouth", {"team": "disks"}), "the identity")
    stage.kept["id1"] = made
    expect_equal(stage.az_json(f"identity show -n id1 -g {GROUP}")["principalId"], made["principalId"], "shown")
    expect_equal(stage.az_json(f"identity create -n id1 -g {GROUP}")["principalId"], made["principalId"], "made again")
    stage.az_json(f"identity create -n id2 -g {GROUP}")
    expect_equal({each["name"] for each in stage.az_json(f"identity list -g {GROUP}")}, {"id1", "id2"}, "listed")
    stage.assign(SERVICE_ENCRYPTION_USER, made["principalId"], stage.vault_id(stage.kept["vault"]))


def test_sets_of_all_types_are_made(stage):
    for name, type_ in (("des", CUSTOMER_KEY), ("both", BOTH_KEYS), ("cvm", "ConfidentialVmEncryptedWithCustomerKey")):
        made = stage.az_json(
            f"disk-encryption-set create -n {name} -g {GROUP} --key-url {stage.kept['kid']} --source-vault {stage.kept['vault']}"
            f" --encryption-type {type_} --mi-user-assigned {stage.kept['id1']['id']}")
        expect_equal(made["encryptionType"], type_, "type")
        expect_equal(made["identity"]["type"], "UserAssigned", "kind of identity")
    names = {each["name"] for each in stage.az_json(f"disk-encryption-set list -g {GROUP}")}
    expect_equal(names, {"des", "both", "cvm"}, "sets")
    shown = stage.az_json(f"disk-encryption-set show -n des -g {GROUP}")
    (identity,) = shown["identity"]["userAssignedIdentities"].values()
    expect_equal(identity["principalId"], stage.kept["id1"]["principalId"], "the identity that it acts as")
    stage.kept["set_id"] = shown["id"]
    made = stage.az_json(f"disk create -n d -g {GROUP} --size-gb 1 --disk-encryption-set des")
    expect_equal(made["encryption"]["type"], CUSTOMER_KEY, "encryption of a disk")


def test_a_key_without_a_version_is_refused_with_the_way_to_find_one(stage):
    base = stage.kept["kid"].rsplit("/", 1)[0]
    stage.az_refused(f"disk-encryption-set create -n none -g {GROUP} --key-url {base}", code="key-url-version")


def test_identities_are_assigned_and_removed_and_the_last_one_stays(stage):
    line = f"-n des -g {GROUP}"
    both = stage.az_json(f"disk-encryption-set identity assign {line} --system-assigned")
    expect_equal(both["type"], "SystemAssigned, UserAssigned", "identities")
    expect_equal(stage.az_json(f"disk-encryption-set identity show {line}")["principalId"], both["principalId"], "shown")
    # It has no permission yet, and a disk depends on the set.
    stage.az_refused(
        f"disk-encryption-set identity remove {line} --user-assigned {stage.kept['id1']['id']} --yes", code="KeyVaultAccessForbidden")
    stage.assign(SERVICE_ENCRYPTION_USER, both["principalId"], stage.vault_id(stage.kept["vault"]))
    left = stage.az_json(f"disk-encryption-set identity remove {line} --user-assigned {stage.kept['id1']['id']} --yes")
    expect_equal(left["type"], "SystemAssigned", "identity")
    stage.attach()
    stage.az_refused(f"disk-encryption-set identity remove {line} --system-assigned --yes", code="set-identity-needed")


def test_a_set_in_use_tells_what_uses_it_and_is_not_deleted(stage):
    used = stage.az_json(f"disk-encryption-set list-associated-resources -n des -g {GROUP}")
    expect_equal([each.rsplit("/", 1)[1] for each in used], ["d"], "associated resources")
    stage.az_refused(f"disk-encryption-set delete -n des -g {GROUP}", code="set-in-use")
    for name in ("both", "cvm"):
        stage.az(f"disk-encryption-set delete -n {name} -g {GROUP}")
    stage.az(f"identity delete -n id2 -g {GROUP}")
    expect_equal([each["name"] for each in stage.az_json(f"identity list -g {GROUP}")], ["id1"], "identities")


def test_the_impact_of_a_key_is_told_before_it_is_disabled(stage):
    rows = stage.coffer_json("key impact", stage.kept["kid"])["value"]
    effects = {(each["kind"], each["name"]): each["effect"] for each in rows}
    expect_equal(effects[("disks", "d")], "its I/O stops at once", "effect on the disk")
    expect_in(("diskEncryptionSets", "des"), effects, "what is affected")
    table = stage.coffer("key impact", stage.kept["kid"]).output
    expect_in("I/O stops", table, "the table")
    expect_in("Nothing depends", stage.coffer("key impact", stage.kept["kid"].replace("/keys/k/", "/keys/other/")).output, "another key")


def test_a_lost_key_stops_a_disk_after_the_delay_that_a_tag_gives(stage):
    tagged = update(stage, "-n des --set tags.coffer-key-loss-delay=1h")
    expect_equal(tagged["tags"], {"coffer-key-loss-delay": "1h"}, "tags")
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], False)
    eventually(lambda: "stops at" in (stage.inspect().get("reason") or ""), 20, "the reason tells when I/O stops")
    expect_equal(stage.inspect()["state"], "open", "state in the meantime")
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], True)
    eventually(lambda: not stage.inspect().get("reason"), 20, "the reason is gone")
    stage.az_refused(f"disk-encryption-set update -n des -g {GROUP} --set tags.coffer-key-loss=explode", code="stop, pause, keep")
    update(stage, "-n des --remove tags.coffer-key-loss-delay")
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], False)
    eventually(lambda: stage.inspect()["state"] == "suspended", 20, "the disk is stopped")
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], True)
    eventually(lambda: stage.inspect()["state"] == "open", 20, "the disk is served again")


class Client:
    """qemu-io on a disk, told one command at a time."""

    def __init__(self, uri):
        self.process = subprocess.Popen(
            ["qemu-io", "-f", "raw", uri], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)

    def ask(self, command):
        self.process.stdin.write(f"{command}\n".encode())

    def answers(self, seconds):
        return bool(select.select([self.process.stdout], [], [], seconds)[0])

    def answer(self, word):
        """What is said until `word` is."""
        said = b""
        while word.encode() not in said:
            expect(self.answers(30), f"the client is silent after {said}")
            piece = os.read(self.process.stdout.fileno(), 4096)
            expect(piece, f"the client ended after {said}")
            said += piece
        while self.answers(0.2) and (piece := os.read(self.process.stdout.fileno(), 4096)):
            said += piece
        return said.decode()

    def end(self):
        self.process.stdin.close()
        self.process.wait(30)


def test_io_waits_for_the_key_if_a_tag_says_so(stage):
    update(stage, "-n des --set tags.coffer-key-loss=pause")
    client = Client(stage.attach()["nbdUri"])
    client.ask("read 0 4k")
    client.answer("ops/sec")
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], False)
    eventually(lambda: stage.inspect()["state"] == "suspended", 20, "the disk is paused")
    client.ask("write -P 7 0 4k")
    expect(not client.answers(5), "the client did not wait")
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], True)
    expect_in("wrote 4096", client.answer("ops/sec"), "the client's answer")
    client.ask("read -P 7 0 4k")
    expect_in("read 4096", client.answer("ops/sec"), "the client's answer")
    # What waits is let go when the disk is detached.
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], False)
    eventually(lambda: stage.inspect()["state"] == "suspended", 20, "the disk is paused")
    client.ask("read 0 4k")
    expect(not client.answers(2), "the client did not wait")
    stage.detach()
    client.answer("read failed")
    client.end()
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], True)
    stage.attach()
    update(stage, "-n des --remove tags.coffer-key-loss")


def test_a_rotation_goes_on_after_kill_9_at_any_time(stage):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: stage.make_disk(f"many{number}", stage.kept["set_id"]), range(100)))
    update(stage, "-n des --enable-auto-key-rotation true")
    for delay in (0.05, 0.15, 0.3, 0.6):
        new = stage.rotate_key(stage.kept["vault"])
        time.sleep(delay)
        stage.server.kill()
        stage.start_server()

        def is_done():
            status = stage.coffer_json(f"disk-encryption-set status des -g {GROUP}")
            expect(status["activeKeyUrl"] != new or status["isRotating"] or status["rewrapped"] == 101, f"an end that is none: {status}")
            return status["activeKeyUrl"] == new and status["rewrapped"] == 101 and not status["isRotating"]

        eventually(is_done, 60, f"all disks are wrapped by {new}", every=0.2)
    report = stage.coffer_json("disk report")
    expect_equal(report["oldVersions"], [], "old versions still needed")
    expect(all(each.get("keyUrl") == new for each in report["value"]), "a disk has another key")
    stage.enable_key(stage.kept["vault"], stage.kept["kid"], False)
    stage.detach()
    stage.attach()


def test_a_rotation_that_cannot_be_done_is_told_and_the_error_goes_when_it_can(stage):
    new = stage.rotate_key(stage.kept["vault"])
    eventually(lambda: stage.get_set()["properties"]["activeKey"]["keyUrl"] == new, 60, "the set follows")
    stage.keys("POST", stage.kept["vault"], "keys/k/create", {"kty": "EC", "crv": "P-256"})
    error = lambda: stage.get_set()["properties"].get("autoKeyRotationError")
    eventually(error, 20, "the set tells that a key of elliptic curves is none for it")
    shown = stage.az_json(f"disk-encryption-set show -n des -g {GROUP}")
    expect_in("key-type", shown["autoKeyRotationError"]["message"], "the error")
    expect_equal(shown["activeKey"]["keyUrl"], new, "the key that it keeps")
    stage.kept["last"] = stage.make_key(stage.kept["vault"])
    eventually(lambda: not error(), 60, "the error is gone")
    status = stage.coffer(f"disk-encryption-set status des -g {GROUP}").output
    expect_in(stage.kept["last"], status, "the status")
