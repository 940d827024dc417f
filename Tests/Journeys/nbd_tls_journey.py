"""NBD over TLS with others' clients: nbdinfo, nbdcopy, qemu-img and qemu-io reach a disk of coffer-diskd over TCP, and whoever does not
show the right certificate reaches nothing."""
import ssl
import warnings

from stage import *

MIB = 1 << 20


def make_authority(stage, name):
    """An authority of openssl's, in a directory of its own."""
    directory = stage.root / name
    directory.mkdir(mode=0o700)
    stage.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
               "-keyout", directory / "ca-key.pem", "-out", directory / "ca-cert.pem"])
    return directory


def issue(stage, authority, directory, role, name, names="IP:127.0.0.1,DNS:localhost"):
    """A certificate of `authority`, with its key, in the layout that QEMU and libnbd read."""
    directory.mkdir(mode=0o700, exist_ok=True)
    request, extensions = directory / "request.pem", directory / "extensions"
    purpose = "serverAuth" if role == "server" else "clientAuth"
    extensions.write_text(f"extendedKeyUsage={purpose}\nsubjectAltName={names}\n")
    stage.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
               "-keyout", directory / f"{role}-key.pem", "-out", request])
    stage.run(["openssl", "x509", "-req", "-in", request, "-CA", authority / "ca-cert.pem", "-CAkey", authority / "ca-key.pem",
               "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", directory / f"{role}-cert.pem"])
    shutil.copy(authority / "ca-cert.pem", directory / "ca-cert.pem")
    os.chmod(directory / f"{role}-key.pem", 0o600)
    return directory


def set_up(stage):
    ours = stage.kept["authority"] = make_authority(stage, "ours")
    server = issue(stage, ours, stage.root / "server", "server", "localhost")
    stage.kept["port"] = free_port()
    stage.start_server(
        "--disk-listen", f"127.0.0.1:{stage.kept['port']}", "--disk-certificate", str(server / "server-cert.pem"),
        "--disk-key", str(server / "server-key.pem"), "--disk-client-ca", str(ours / "ca-cert.pem"))
    stage.make_encrypted_disk("d", type_=BOTH_KEYS)
    stage.kept["disk"] = stage.attach()
    stage.kept["client"] = issue(stage, ours, stage.root / "client", "client", stage.kept["disk"]["exportName"])


def uri(stage, certificates, export=None):
    return f"nbds://127.0.0.1:{stage.kept['port']}/{export or stage.kept['disk']['exportName']}?tls-certificates={certificates}"


def qemu_options(stage, certificates):
    """A disk over TLS in QEMU's words."""
    return ["--object", f"tls-creds-x509,id=t,dir={certificates},endpoint=client",
            "--image-opts", f"driver=nbd,server.type=inet,server.host=127.0.0.1,server.port={stage.kept['port']},"
            f"export={stage.kept['disk']['exportName']},tls-creds=t"]


def test_nbdinfo_reaches_the_disk_over_tls(stage):
    export = json.loads(stage.run(["nbdinfo", "--json", uri(stage, stage.kept["client"])]).output)
    expect(export["TLS"], "the connection is not over TLS")
    expect_equal(export["exports"][0]["export-size"], 1 << 30, "size")


def test_attach_tells_where_the_disk_is(stage):
    expect_equal(stage.kept["disk"]["nbdsUri"], f"nbds://127.0.0.1:{stage.kept['port']}/{stage.kept['disk']['exportName']}", "nbdsUri")


def test_nbdcopy_and_qemu_img_carry_an_image_in_and_out(stage):
    source, back = stage.root / "source.img", stage.root / "back.img"
    generator = random.Random(24)
    with open(source, "wb") as image:
        for place in range(0, 48 * MIB, 4 * MIB):
            image.seek(place)
            image.write(generator.randbytes(MIB + place % 3000))
        image.truncate(1 << 30)
    stage.run(["nbdcopy", "--connections=4", source, uri(stage, stage.kept["client"])], timeout=300)
    stage.run(["nbdcopy", uri(stage, stage.kept["client"]), back], timeout=300)
    stage.run(["cmp", source, back], timeout=300)
    # What went in over TLS is there for programs of this machine too.
    stage.run(["qemu-img", "compare", "-f", "raw", "-F", "raw", source, stage.kept["disk"]["nbdUri"]], timeout=300)


def test_qemu_io_writes_and_reads_over_tls(stage):
    words = ["qemu-io", *qemu_options(stage, stage.kept["client"]), "-c", "write -P 77 100000 70001", "-c", "flush", "-c", "read -P 77 100000 70001"]
    output = stage.run(words).output
    expect("failed" not in output, output)


def refused(stage, name, certificates, export=None):
    result = stage.run(["nbdinfo", uri(stage, certificates, export)], ok=None)
    expect(result.status != 0, f"{name}: nbdinfo was let in: {result.output}")


def test_another_disk_than_the_certificates_is_refused(stage):
    stage.make_disk("other")
    other = stage.attach("other")["exportName"]
    refused(stage, "another export", stage.kept["client"], other)
    listed = stage.run(["nbdinfo", "--list", "--json", uri(stage, stage.kept["client"])]).output
    expect(other not in listed, "a client learns of an export that its certificate is not for")
    everything = issue(stage, stage.kept["authority"], stage.root / "everything", "client", "*")
    for export in (other, stage.kept["disk"]["exportName"]):
        stage.run(["nbdinfo", uri(stage, everything, export)])


def test_another_authoritys_certificate_is_refused(stage):
    theirs = make_authority(stage, "theirs")
    client = issue(stage, theirs, stage.root / "stranger", "client", stage.kept["disk"]["exportName"])
    # It believes the server, so that the refusal is the server's.
    shutil.copy(stage.kept["authority"] / "ca-cert.pem", client / "ca-cert.pem")
    refused(stage, "another authority", client)
    log = (stage.data / "run/diskd.log").read_text()
    expect_in("nbd-turned-away", log, "the disk host's log")


def test_a_servers_certificate_is_no_clients(stage):
    client = stage.root / "server-as-client"
    client.mkdir()
    for part in ("cert", "key"):
        shutil.copy(stage.root / f"server/server-{part}.pem", client / f"client-{part}.pem")
    shutil.copy(stage.kept["authority"] / "ca-cert.pem", client / "ca-cert.pem")
    refused(stage, "a server's certificate", client)


def test_no_certificate_is_refused(stage):
    client = stage.root / "nobody"
    client.mkdir()
    shutil.copy(stage.kept["authority"] / "ca-cert.pem", client / "ca-cert.pem")
    refused(stage, "no certificate", client)


def test_a_client_without_tls_is_refused(stage):
    result = stage.run(["nbdinfo", f"nbd://127.0.0.1:{stage.kept['port']}/{stage.kept['disk']['exportName']}"], ok=None)
    expect(result.status != 0, "nbdinfo was let in without TLS")
    expect_in("TLS", result.errors + result.output, "nbdinfo's words")


def start_tls(stage, context):
    """A connection that has asked for TLS, in Python's hands."""
    connection = socket.create_connection(("127.0.0.1", stage.kept["port"]), timeout=20)
    greeting = connection.recv(18, socket.MSG_WAITALL)
    expect_equal(greeting[:16], b"NBDMAGICIHAVEOPT", "greeting")
    connection.sendall((3).to_bytes(4, "big") + b"IHAVEOPT" + (5).to_bytes(4, "big") + bytes(4))
    reply = connection.recv(20, socket.MSG_WAITALL)
    expect_equal(int.from_bytes(reply[12:16], "big"), 1, "the reply to STARTTLS")
    return context.wrap_socket(connection, server_hostname="127.0.0.1")


def client_context(stage):
    context = ssl.create_default_context(cafile=str(stage.kept["authority"] / "ca-cert.pem"))
    context.load_cert_chain(stage.kept["client"] / "client-cert.pem", stage.kept["client"] / "client-key.pem")
    return context


def test_old_versions_of_tls_are_refused(stage):
    with start_tls(stage, client_context(stage)) as connection:
        expect_equal(connection.version(), "TLSv1.3", "version")
    context = client_context(stage)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    try:
        start_tls(stage, context).close()
    except (ssl.SSLError, ConnectionError):
        return
    raise Failure("TLS 1.1 was spoken")


def test_a_closed_disk_is_gone_over_tls_too(stage):
    stage.detach()
    refused(stage, "a closed disk", stage.kept["client"])
    stage.kept["disk"] = stage.attach()
    stage.run(["nbdinfo", uri(stage, stage.kept["client"])])


def disk_host(stage):
    """Its process, which is not a child of the server that finds it."""
    found = [process for process in stage.processes() if b"coffer-diskd" in pathlib.Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")[0]]
    expect_equal(len(found), 1, "processes of coffer-diskd")
    return found[0]


def test_the_next_disk_host_listens_too(stage):
    os.kill(disk_host(stage), signal.SIGKILL)
    eventually(lambda: stage.run(["nbdinfo", uri(stage, stage.kept["client"])], ok=None).status == 0, 30, "the disk is there again")


def test_the_installations_own_certificates(stage):
    """Without files: the installation issues both sides' certificates."""
    result = stage.coffer(f"disk certificate d -g g --output {stage.root}/none", ok=None)
    expect(result.status != 0, "a certificate was issued that nobody takes")
    expect_in("--disk-listen", result.errors, "the refusal")
    stage.server.stop()
    stage.start_server("--disk-listen", f"127.0.0.1:{stage.kept['port']}")
    stage.coffer(f"disk certificate d -g g --output {stage.root}/own")
    expect_equal(sorted(path.name for path in (stage.root / "own").iterdir()), ["ca-cert.pem", "client-cert.pem", "client-key.pem"], "files")
    expect_equal((stage.root / "own/client-key.pem").stat().st_mode & 0o777, 0o600, "mode of the key")
    stage.run(["nbdinfo", uri(stage, stage.root / "own")])
    refused(stage, "a certificate of the authority before", stage.kept["client"])
    outcomes = [stage.audit_outcome(event)[1] for event in stage.audit_events("DiskCertificate")]
    expect_equal(sorted(outcomes), [200, 409], "audited certificates")


def test_without_the_option_nobody_listens(stage):
    stage.server.stop()
    stage.start_server()
    with socket.socket() as connection:
        try:
            connection.connect(("127.0.0.1", stage.kept["port"]))
        except ConnectionRefusedError:
            return
    raise Failure("the port is still open")
