"""HTTP/1.1 as clients and those who mean harm speak it, on the bytes of one connection."""
from stage import *


def set_up(stage):
    stage.start_server()


def connect(stage):
    context = ssl.create_default_context(cafile=stage.environment["REQUESTS_CA_BUNDLE"])
    connection = context.wrap_socket(socket.create_connection(("127.0.0.1", stage.server.port), 20), server_hostname="localhost")
    return connection, connection.makefile("rb")


def request(path="/metadata/endpoints?api-version=2022-09-01", method="GET", more="", version="1.1"):
    return f"{method} {path} HTTP/{version}\r\nHost: localhost\r\n{more}\r\n".encode()


def answer(reader, method="GET"):
    """Status, headers in lower case, body."""
    line = reader.readline()
    expect(line.startswith(b"HTTP/1.1 "), f"no response but {line!r}")
    headers = {}
    while (header := reader.readline()) not in (b"\r\n", b""):
        name, _, value = header.decode().partition(":")
        headers[name.strip().lower()] = value.strip()
    return int(line.split()[1]), headers, reader.read(0 if method == "HEAD" else int(headers.get("content-length", 0)))


def test_a_connection_carries_many_requests(stage):
    connection, reader = connect(stage)
    seen = set()
    for _ in range(20):
        connection.sendall(request())
        status, headers, body = answer(reader)
        expect_equal(status, 200, "status")
        expect(json.loads(body), "no body")
        seen.add(headers["x-ms-request-id"])
        expect(re_date(headers["date"]), f"date {headers['date']}")
    expect_equal(len(seen), 20, "different request ids")
    for each in seen:
        expect_equal(str(uuid.UUID(each)), each, "request id")
        expect_equal(uuid.UUID(each).version, 4, "version of the request id")
    connection.close()


def re_date(text):
    from email.utils import parsedate_to_datetime
    return abs(parsedate_to_datetime(text).timestamp() - time.time()) < 60


def test_requests_sent_together_are_answered_in_order(stage):
    connection, reader = connect(stage)
    paths = [f"/nothing-{number}" if number % 3 else "/metadata/endpoints?api-version=2022-09-01" for number in range(30)]
    connection.sendall(b"".join(request(path, more=f"x-ms-client-request-id: c{number}\r\n") for number, path in enumerate(paths)))
    for number, path in enumerate(paths):
        status, headers, _ = answer(reader)
        expect_equal(headers["x-ms-client-request-id"], f"c{number}", "the answer's place")
        expect_equal(status == 200, path.startswith("/metadata"), f"status {status} of {path}")
    connection.close()


def test_many_requests_sent_together_do_not_pile_up(stage):
    """They are answered at once, each as soon as the one before it: on one stack, however many there are."""
    count = 20_000
    connection, reader = connect(stage)
    sender = threading.Thread(target=connection.sendall, args=(b"".join(
        request(more=f"x-ms-client-request-id: c{number}\r\n") for number in range(count)),))
    sender.start()
    for number in range(count):
        status, headers, _ = answer(reader)
        expect_equal((status, headers["x-ms-client-request-id"]), (200, f"c{number}"), "the answer's place")
    sender.join()
    connection.close()


def test_what_is_no_http_is_refused_and_ends_the_connection(stage):
    for garbage in (b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
                    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n"):
        connection, reader = connect(stage)
        connection.sendall(garbage)
        expect_equal(answer(reader)[0], 400, f"status for {garbage!r}")
        expect_equal(reader.read(), b"", "more after it")
        connection.close()


def test_a_header_cannot_be_smuggled_into_an_answer(stage):
    connection, reader = connect(stage)
    connection.sendall(request(more="x-ms-client-request-id: a\rset-cookie: b\r\n"))
    status, headers, _ = answer(reader)
    expect("set-cookie" not in headers, f"{status} {headers}")
    connection.close()


def test_too_large_a_body_is_refused_and_the_connection_goes_on(stage):
    connection, reader = connect(stage)
    size = 5 * 1024 * 1024
    connection.sendall(request("/x", "POST", f"Content-Length: {size}\r\n"))
    expect_equal(answer(reader)[0], 413, "status of a long body")
    connection.sendall(b"x" * size + request())
    expect_equal(answer(reader)[0], 200, "status of the next request")
    chunk = b"10000\r\n" + b"y" * 65536 + b"\r\n"
    connection.sendall(request("/x", "POST", "Transfer-Encoding: chunked\r\n") + chunk * 70 + b"0\r\n\r\n" + request())
    expect_equal(answer(reader)[0], 413, "status of a long body in chunks")
    expect_equal(answer(reader)[0], 200, "status of the request behind it")
    connection.close()


def test_a_head_request_has_no_body(stage):
    connection, reader = connect(stage)
    connection.sendall(request(method="HEAD") + request())
    answer(reader, "HEAD")
    expect_equal(answer(reader)[0], 200, "status of the request behind it")
    connection.close()


def test_a_connection_ends_when_the_client_asks(stage):
    for head in (request(more="Connection: close\r\n"), request(version="1.0")):
        connection, reader = connect(stage)
        connection.sendall(head)
        status, headers, _ = answer(reader)
        expect_equal((status, headers.get("connection")), (200, "close"), "answer")
        expect_equal(reader.read(), b"", "more after it")
        connection.close()


def test_shutdown_ends_idle_connections_and_lets_answers_finish(stage):
    idle, _ = connect(stage)
    busy, reader = connect(stage)
    stage.make_group()
    vault = stage.make_vault()
    body = json.dumps({"kty": "RSA", "key_size": 4096}).encode()
    host = urllib.parse.urlsplit(stage.vault_url(vault)).netloc
    busy.sendall(
        f"POST /keys/k/create?api-version=7.4 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {stage.vault_token()}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    time.sleep(0.1)
    stage.server.process.terminate()
    expect_equal(answer(reader)[0], 200, "status of the request that was under way")
    expect_equal(reader.read(), b"", "more after it")
    expect_equal(stage.server.process.wait(20), 0, "exit status")
    idle.close()
