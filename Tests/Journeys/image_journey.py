"""An image is built by `coffer image build` and boots by itself, by BIOS and by UEFI, into the machine that its metadata describes."""
from machines import *
from stage import *

SSH_PORT = free_port()


def instance(number, name, stage):
    key = stage.root / "key"
    if not key.exists():
        stage.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "journey", "-f", str(key)])
    return {"compute": {
        "vmId": f"00000000-0000-4000-8000-00000000000{number}",
        "osProfile": {"computerName": name, "adminUsername": "ada"},
        "publicKeys": [{"keyData": key.with_suffix(".pub").read_text().strip(), "path": "/home/ada/.ssh/authorized_keys"}],
        "userData": base64.b64encode(f"what only {name} knows\n".encode()).decode(),
    }}


def ssh(stage, line, ok=True, **more):
    return stage.run(["ssh", "-i", str(stage.root / "key"), "-p", str(SSH_PORT), "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes",
                      "-o", f"UserKnownHostsFile={stage.root}/known_hosts", "-o", "LogLevel=ERROR", "ada@127.0.0.1", line], ok=ok, **more)


def set_up(stage):
    build_image(stage)


def test_an_image_of_the_same_recipe_and_packages_is_not_built_again(stage):
    before = IMAGE.stat().st_mtime_ns
    said = stage.run([stage.coffer_path, "image", "build", "debian-12", "--output", str(IMAGE)], timeout=120)
    expect_in("is up to date", said.output, "what the second build says")
    expect_equal(IMAGE.stat().st_mtime_ns, before, "the image's time")
    record = json.loads(IMAGE.with_name(IMAGE.name + ".json").read_text())
    expect_equal((record["publisher"], record["offer"], record["sku"]), ("Debian", "debian-12", "12-gen2"), "the image's names")
    expect_equal(record["sizeBytes"], IMAGE.stat().st_size, "the recorded size")
    expect(IMAGE.stat().st_blocks * 512 < record["sizeBytes"] / 2, "the image is not sparse")


def test_an_interrupted_build_leaves_nothing(stage):
    data, log = stage.root / "interrupted", stage.root / "interrupted.log"
    with open(log, "wb") as output:
        process = subprocess.Popen([stage.coffer_path, "image", "build", "debian-12", "--data", str(data)], stdout=output, stderr=output,
                                   stdin=subprocess.DEVNULL, env={**os.environ, **stage.environment})
    eventually(lambda: "installing" in log.read_text(), 60, "the build does not begin")
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    expect_equal(process.wait(60), 130, "the exit status of an interrupted build")
    expect_equal(list((data / "images").iterdir()), [], "what is left in the catalogue")


def test_a_machine_is_what_its_metadata_says(stage):
    stage.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(IMAGE), "-F", "raw", str(stage.root / "os.qcow2"), "4G"])
    temporary = stage.root / "temporary.raw"
    temporary.touch()
    os.truncate(temporary, 1 << 30)
    metadata = Metadata(stage.root / "one.sock", instance(1, "box-one", stage))
    machine = Machine(stage, "box-one", f"file={stage.root}/os.qcow2,format=qcow2", metadata, SSH_PORT, temporary=temporary)
    stage.kept.update(machine=machine, metadata=metadata)
    stage.say(f"by BIOS: the agent answers after {machine.wait_for_agent():.1f} s, set up after {machine.wait_for_provisioning():.1f} s")
    expect_equal(machine.execute("hostname; cat /etc/hostname"), "box-one\nbox-one", "the machine's name")
    expect_equal(machine.execute("stat -c '%U %a' /home/ada/.ssh /home/ada/.ssh/authorized_keys"), "ada 700\nada 600", "the key's owner and mode")
    expect_equal(machine.execute("cat /var/lib/coffer/user-data; stat -c '%U %a' /var/lib/coffer/user-data"),
                 "what only box-one knows\nroot 600", "the user data")
    expect_equal(machine.execute("getent shadow root ada | cut -d: -f2 | cut -c1 | sort -u | tr -d '\\n'"), "!*", "passwords")
    expect(int(machine.execute("df --output=size -B1M / | tail -n 1")) > 3700, "the root file system has not taken the whole disk")
    expect_equal(machine.execute("systemctl is-enabled serial-getty@ttyS0.service getty@tty1.service", ok=False), "masked\nmasked", "logins on the console")
    expect_in("coffer-provision: box-one is instance", machine.said(), "the boot log")


def test_its_temporary_disk_is_mounted(stage):
    machine = stage.kept["machine"]
    eventually(lambda: machine.execute("systemctl is-active coffer-temporary-disk.service", ok=False) == "active", 60, "the temporary disk is not mounted")
    expect_equal(machine.execute("findmnt -n -o FSTYPE /mnt; readlink -f /dev/disk/azure/resource | cut -c1-7; ls /mnt | sort"),
                 "ext4\n/dev/vd\nDATALOSS_WARNING_README.txt\nlost+found", "the temporary disk")
    machine.execute("echo kept > /mnt/mine; sync")


def test_its_administrator_signs_in_with_the_key_and_becomes_root(stage):
    eventually(lambda: ssh(stage, "true", ok=None).status == 0, 90, "no login with the key", every=2)
    expect_equal(ssh(stage, "id -un; sudo -n id -un; hostname").output, "ada\nroot\nbox-one\n", "who that is")
    refused = stage.run(["ssh", "-p", str(SSH_PORT), "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes", "-o", "PubkeyAuthentication=no", "-F", "none",
                         "-o", f"UserKnownHostsFile={stage.root}/known_hosts", "ada@127.0.0.1", "true"], ok=False)
    expect_in("Permission denied (publickey)", refused.errors, "a login without a key")


def test_it_reaches_coffer_at_localhost_and_at_names_below_it(stage):
    machine = stage.kept["machine"]
    for name in ("localhost", "my-vault.vault.localhost"):
        # Resolved by the system and not by curl, as other programs do.
        machine.execute(f"getent ahosts {name} | grep -q 127.0.0.1")
        said = machine.execute(f"curl -sf -H 'Metadata: true' 'http://{name}:8443/metadata/instance?api-version=2021-02-01' | jq -r .compute.osProfile.computerName")
        expect_equal(said, "box-one", f"the answer at {name}:8443")
    machine.execute("sed -i 's/^PORT=.*/PORT=80/' /etc/coffer/endpoint; systemctl daemon-reload; systemctl restart coffer-endpoint.socket")
    machine.execute("curl -sf -H 'Metadata: true' 'http://localhost:80/metadata/instance?api-version=2021-02-01'")
    expect_in("default", machine.execute("ip route show dev $(ip -o link | grep 52:54:00 | cut -d: -f2)"), "the way out")
    expect("default" not in machine.execute("ip route show dev metadata0"), "the metadata's card has a way out")


def test_provisioning_happens_once(stage):
    machine, metadata = stage.kept["machine"], stage.kept["metadata"]
    stage.kept["host keys"] = machine.execute("cat /etc/ssh/ssh_host_*_key.pub")
    machine.execute("rm /home/ada/.ssh/authorized_keys; systemctl restart coffer-provision.service")
    expect_equal(machine.execute("ls -A /home/ada/.ssh"), "", "what a second run has written")
    expect(metadata.asked.count("/metadata/instance?api-version=2021-02-01") >= 2, "the second run asked for nothing")
    machine.stop()
    metadata.close()


def test_a_copy_of_its_disk_becomes_another_machine_by_uefi(stage):
    authority = stage.root / "authority.pem"
    stage.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=Journey", "-days", "2",
               "-keyout", str(stage.root / "authority.key"), "-out", str(authority)])
    hashed = stage.run(["openssl", "passwd", "-6", "correct horse"]).output.strip()
    metadata = Metadata(stage.root / "two.sock", instance(2, "box-two", stage), {"adminPasswordHash": hashed, "certificateAuthority": authority.read_text()})
    machine = Machine(stage, "box-two", f"file={stage.root}/os.qcow2,format=qcow2", metadata, SSH_PORT, uefi=True, temporary=stage.root / "temporary.raw")
    stage.say(f"by UEFI: the agent answers after {machine.wait_for_agent():.1f} s, set up after {machine.wait_for_provisioning():.1f} s")
    expect(machine.execute("test -d /sys/firmware/efi; hostname") == "box-two", "it has another name, or has not booted by UEFI")
    expect_equal(machine.execute("cat /var/lib/coffer/user-data"), "what only box-two knows", "the user data")
    expect(machine.execute("cat /etc/ssh/ssh_host_*_key.pub") != stage.kept["host keys"], "two machines have the same host keys")
    expect_equal(machine.execute("getent shadow ada | cut -d: -f2"), hashed, "the administrator's password")
    expect_in("passwordauthentication yes", machine.execute("sshd -T"), "the SSH server's configuration")
    machine.execute("openssl verify -CApath /etc/ssl/certs /usr/local/share/ca-certificates/coffer.crt")
    eventually(lambda: machine.execute("systemctl is-active coffer-temporary-disk.service", ok=False) == "active", 60, "the temporary disk is not mounted")
    expect_equal(machine.execute("cat /mnt/mine"), "kept", "a file on a temporary disk that has a file system")
    expect_equal(machine.execute("systemctl --failed --plain --no-legend"), "", "units that failed")
    machine.stop()
    metadata.close()


def test_images_are_imported_listed_and_deleted(stage):
    data, source = stage.root / "catalogue", stage.root / "mine.qcow2"
    stage.run(["qemu-img", "create", "-q", "-f", "qcow2", str(source), "8M"])
    stage.run(["qemu-io", "-f", "qcow2", "-c", "write -P 0xa7 1M 4k", str(source)])
    words = ["image", "import", str(source), "--publisher", "Mine", "--offer", "box", "--sku", "one", "--version", "1.0.0", "--data", str(data)]
    stage.run([stage.coffer_path, *words])
    [image] = json.loads(stage.run([stage.coffer_path, "image", "list", "-o", "json", "--data", str(data)]).output)["value"]
    disk = pathlib.Path(image["diskPath"]).read_bytes()
    expect(len(disk) == image["sizeBytes"] == 8 << 20 and disk[1 << 20:(1 << 20) + 4096] == b"\xa7" * 4096, "the disk is not the image's")
    expect_equal(stage.run(["sha256sum", image["diskPath"]]).output.split()[0], image["sha256"], "the recorded digest")
    refused = stage.run([stage.coffer_path, *words], ok=False)
    expect(refused.status != 0 and "already" in refused.errors, f"a second image of the name: {refused.errors}")
    stage.run([stage.coffer_path, "image", "delete", "Mine:box:one:1.0.0", "--data", str(data)])
    expect_equal(list((data / "images").iterdir()), [], "what is left in the catalogue")
