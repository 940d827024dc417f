"""What a guest writes is nowhere on the host, whatever the encryption type; and the search can find."""
from stage import *


def set_up(stage):
    stage.start_server()
    stage.kept["canary"] = new_canary()


def write_and_search(stage, name):
    answer = stage.attach(name)
    written = stage.write_canary([attached(answer)], stage.kept["canary"])
    files, size, hits = search(stage.kept["canary"], stage.data)
    stage.say(f"attached: searched {files} files, {size} bytes: {hits}")
    expect_equal(hits, {}, f"canary in the clear while {name} is attached")
    stage.detach(name)
    files, size, hits = search(stage.kept["canary"], stage.data)
    expect_equal(hits, {}, f"canary in the clear after {name} was detached")
    data = stage.inspect(name)["dataPath"]
    expect(os.stat(data).st_blocks * 512 > int(written["lines"]) * len(stage.kept["canary"]), "the data file holds less than was written")
    answer = stage.attach(name)
    stage.read_canary([attached(answer)], stage.kept["canary"], written)
    stage.detach(name)


def test_a_disk_under_the_platform_key(stage):
    stage.make_group()
    stage.make_disk("platform")
    write_and_search(stage, "platform")


def test_a_disk_under_a_customer_key(stage):
    stage.make_encrypted_disk("customer")
    write_and_search(stage, "customer")


def test_a_disk_under_both_keys(stage):
    made = stage.make_set(stage.kept["vault"], stage.kept["kid"], "des-both", type_=BOTH_KEYS)
    stage.make_disk("both", made["id"], BOTH_KEYS)
    write_and_search(stage, "both")


def test_the_search_finds_it_on_a_plain_file(stage):
    plain = stage.root / "plain.raw"
    plain.touch()
    os.truncate(plain, 1 << 28)
    written = stage.write_canary([file_disk(plain)], stage.kept["canary"])
    _, _, hits = search(stage.kept["canary"], plain)
    expect(sum(hits.values()) >= int(written["lines"]), f"only {hits} of {written['lines']} lines were found")
