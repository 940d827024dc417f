"""What every journey stands on: a Coffer of its own in a throwaway directory, and the tools that talk to it.

A journey is a file `*_journey.py` with functions `test_...(stage)`, run in the order in which they are written; see run.py.
Python's standard library only, so that a journey needs nothing that Coffer's users would not have.
"""
import base64
import http.client
import json
import os
import pathlib
import random
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse
import uuid

from deployments import *
from expectations import *
from guests import *

MARK = "COFFER_JOURNEY_DIRECTORY"


def free_port():
    """A port that nobody has now, and that no outgoing connection is given while a server is down for a moment."""
    while True:
        port = random.randrange(20000, 30000)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def find_coffer():
    for candidate in (os.environ.get("COFFER"), PACKAGE / ".build/release/coffer"):
        if candidate and os.access(candidate, os.X_OK):
            return str(candidate)
    raise Failure("coffer is not built: swift build -c release")


def find_az():
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "coffer"
    installed = [str(path) for path in sorted(cache.glob("az-*/bin/az"), reverse=True) if (path.parents[1] / "complete").exists()]
    for candidate in [os.environ.get("COFFER_AZ"), *installed, shutil.which("az")]:
        if candidate and os.access(candidate, os.X_OK):
            return candidate
    raise Failure("az is not installed: scripts/setup.sh az")


def find_sdk():
    """The Python that has the current Azure SDKs."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "coffer"
    for path in sorted(cache.glob("sdk-*/bin/python"), reverse=True):
        if (path.parents[1] / "complete").exists():
            return path
    raise Failure("the Azure SDKs are not installed: scripts/setup.sh az")


class Result:
    """What became of a command."""

    def __init__(self, words, status, output, errors):
        self.words, self.status, self.output, self.errors = words, status, output, errors

    @property
    def json(self):
        try:
            return json.loads(self.output) if self.output.strip() else None
        except ValueError:
            raise Failure(f"{self} printed no JSON: {self.output[:500]!r}") from None

    def __str__(self):
        return f"`{shlex.join(self.words)[:300]}` (status {self.status})"


class Reply:
    """An HTTP response."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        try:
            return json.loads(self.body) if self.body else None
        except ValueError:
            raise Failure(f"status {self.status} with a body that is no JSON: {self.body[:300]!r}") from None

    @property
    def code(self):
        """The error code, in ARM's and the vault's envelope or the token service's."""
        error = (self.json or {}).get("error")
        return error.get("code") if isinstance(error, dict) else error

    def __str__(self):
        return f"{self.status} {self.body[:600].decode(errors='replace')}"


class Server:
    """A running `coffer serve`."""

    def __init__(self, process, port, log, ready):
        self.process, self.port, self.log, self.ready = process, port, log, ready

    def kill(self):
        """Ends it the hard way, as a crash would."""
        self.process.kill()
        self.process.wait()

    def stop(self, timeout=30):
        """Ends it with SIGTERM and returns its exit status."""
        self.process.terminate()
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failure(f"coffer serve did not end within {timeout} s of SIGTERM") from None


class Stage(Deployments):
    """A throwaway directory with a data directory, a server, and everything that was started there."""

    def __init__(self, name):
        # Short, because the paths of Unix sockets below it may have no more than 107 bytes.
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="cj-", dir="/tmp"))
        self.name = name
        self.data = self.root / "data"
        self.server = None
        self.guests = []
        self.tokens = {}
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("AZURE_")}
        self.environment[MARK] = str(self.root)
        self.environment["AZURE_CORE_COLLECT_TELEMETRY"] = "false"
        self.environment["PATH"] += ":/usr/sbin:/sbin"
        # What journeys keep between their tests.
        self.kept = {}

    @property
    def coffer_path(self):
        return find_coffer()

    @property
    def az_path(self):
        return find_az()

    # --- Commands

    def say(self, text):
        print(f"    {text}", flush=True)

    def run(self, words, ok=True, timeout=180, user=None, environment=None):
        words = [str(word) for word in words]
        self.say("$ " + shlex.join(words)[:400])
        started = time.monotonic()
        try:
            done = subprocess.run(
                words, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=timeout,
                env={**self.environment, **(environment or {})}, user=user, cwd=self.root)
        except subprocess.TimeoutExpired:
            raise Failure(f"`{shlex.join(words)[:300]}` did not end within {timeout} s") from None
        result = Result(words, done.returncode, done.stdout, done.stderr)
        self.say(f"  status {result.status} after {time.monotonic() - started:.1f} s")
        if ok is not None and (result.status == 0) != ok:
            wanted = "should succeed" if ok else "should fail"
            raise Failure(f"{result} {wanted}\nstdout: {result.output[-1500:]}\nstderr: {result.errors[-1500:]}")
        return result

    def az(self, line, *more, ok=True):
        """Runs az. `line` is split at blanks; `more` are words as they are."""
        return self.run([self.az_path, *line.split(), *more], ok=ok)

    def az_json(self, line, *more):
        return self.az(line, *more, "-o", "json").json

    def az_refused(self, line, *more, code):
        """az must fail and name the error code."""
        result = self.az(line, *more, ok=False)
        expect_in(code, result.errors, f"az {line}")
        return result

    def coffer(self, line, *more, ok=True):
        return self.run([self.coffer_path, *line.split(), *more, "--data", self.data], ok=ok)

    def coffer_json(self, line, *more):
        return self.coffer(line, *more, "--output", "json").json

    # --- The server

    def start_server(self, *options, port=None, data=None, wait=True):
        """Starts `coffer serve` and waits until it is ready."""
        port = port or (self.server.port if self.server else free_port())
        log = self.root / f"serve-{uuid.uuid4().hex[:4]}.log"
        ready = threading.Event()
        started = time.monotonic()
        process = subprocess.Popen(
            [self.coffer_path, "serve", "--data", str(data or self.data), "--port", str(port), *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=open(log, "wb"), env=self.environment, cwd=self.root)
        server = Server(process, port, log, ready)

        def follow():
            for line in process.stdout:
                if line.startswith(b"ready"):
                    ready.set()
            process.wait()
            ready.set()

        threading.Thread(target=follow, daemon=True).start()
        if not wait:
            return server
        expect(ready.wait(60), f"coffer serve is not ready after 60 s: {self.tail(log)}")
        expect(process.poll() is None, f"coffer serve ended with status {process.poll()}: {self.tail(log)}")
        server.ready_seconds = time.monotonic() - started
        self.say(f"coffer serve is ready after {server.ready_seconds:.2f} s on port {port}")
        self.server = server
        self.load_environment()
        return server

    def load_environment(self):
        for line in self.coffer("env").output.splitlines():
            if line.startswith("export "):
                name, _, value = line[len("export "):].partition("=")
                self.environment[name] = "".join(shlex.split(value))

    def login(self):
        self.environment["COFFER_AZ"] = self.az_path
        self.coffer("login")

    @property
    def url(self):
        return self.environment["COFFER_URL"].rstrip("/")

    @property
    def tenant(self):
        return self.environment["AZURE_TENANT_ID"]

    @property
    def subscription(self):
        return f"/subscriptions/{self.environment['AZURE_SUBSCRIPTION_ID']}"

    @property
    def principal(self):
        return self.environment.get("COFFER_PRINCIPAL_ID") or self.environment["AZURE_OBJECT_ID"]

    @property
    def vault_suffix(self):
        return self.environment["COFFER_VAULT_SUFFIX"].lstrip(".")

    def vault_url(self, vault):
        return f"https://{vault}.{self.vault_suffix}"

    # --- HTTP

    def request(self, method, url, body=None, token=None, headers=None, raw=None):
        """One request. Names below localhost go to this machine whatever the resolver thinks."""
        parts = urllib.parse.urlsplit(url)
        context = ssl.create_default_context(cafile=self.environment["REQUESTS_CA_BUNDLE"])
        headers = dict(headers or {})
        payload = raw
        if body is not None:
            payload = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=60, context=context)
        connection._create_connection = lambda address, *rest: socket.create_connection(("127.0.0.1", address[1]), 60)
        try:
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.request(method, path or "/", body=payload, headers=headers)
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read())
        finally:
            connection.close()

    def token(self, scope=None, client=None, secret=None):
        """An access token by the client-credentials grant; for ARM unless another scope is named."""
        scope = scope or f"{self.url}//.default"
        key = (scope, client)
        if key not in self.tokens:
            form = {
                "grant_type": "client_credentials", "scope": scope,
                "client_id": client or self.environment["AZURE_CLIENT_ID"],
                "client_secret": secret or self.environment["AZURE_CLIENT_SECRET"],
            }
            reply = self.request(
                "POST", f"{self.url}/{self.tenant}/oauth2/v2.0/token", raw=urllib.parse.urlencode(form).encode(),
                headers={"Content-Type": "application/x-www-form-urlencoded"})
            expect_equal(reply.status, 200, f"token request ({reply})")
            self.tokens[key] = reply.json["access_token"]
        return self.tokens[key]

    def vault_token(self):
        return self.token(f"https://{self.vault_suffix}/.default")

    def arm(self, method, path, api, body=None, status=(200, 201, 202, 204), token=None):
        """One ARM request below the subscription."""
        separator = "&" if "?" in path else "?"
        full = path if path.startswith("/subscriptions") else self.subscription + path
        reply = self.request(method, f"{self.url}{full}{separator}api-version={api}", body, token or self.token())
        wanted = (status,) if isinstance(status, int) else status
        expect(reply.status in wanted, f"{method} {path}: {reply}")
        return reply

    def keys(self, method, vault, path, body=None, status=(200, 201, 204), token=None, api="7.4"):
        """One request to a vault's keys."""
        separator = "&" if "?" in path else "?"
        reply = self.request(
            method, f"{self.vault_url(vault)}/{path}{separator}api-version={api}", body, token or self.vault_token())
        wanted = (status,) if isinstance(status, int) else status
        expect(reply.status in wanted, f"{method} {vault}/{path}: {reply}")
        return reply

    # --- Disks and guests

    def attach(self, name="d", group="g"):
        return self.coffer_json(f"disk attach {name} -g {group}")

    def detach(self, name="d", group="g"):
        self.coffer(f"disk detach {name} -g {group}")

    def inspect(self, name="d", group="g"):
        return self.coffer_json(f"disk inspect {name} -g {group}")

    def guest(self, job, disks, **parameters):
        """Boots the guest of guest/. `disks` are QEMU arguments; see attached() and file_disk()."""
        guest = Guest(self, job, disks, parameters)
        self.guests.append(guest)
        return guest

    def write_canary(self, disks, canary):
        return self.guest("write-canary", disks, canary=canary).succeed()

    def read_canary(self, disks, canary, written, job="read-canary"):
        read = self.guest(job, disks, canary=canary).succeed()
        expect_equal(read["sha256"], written["sha256"], "checksum that the guest reads")
        expect_equal(read["lines"], written["lines"], "canary lines that the guest reads")
        return read

    def audit_events(self, operation=None):
        """The audit events of all resources, or those of one operation, in order of time, in Azure's form."""
        events = []
        for chain in self.coffer_json("audit-log verify --all"):
            events += self.coffer_json("audit-log show --resource", chain["resource"])["records"]
        events = [event for event in events if operation in (None, event["operationName"])]
        return sorted(events, key=lambda event: event["time"])

    def audit_outcome(self, event):
        """Who did it, and the status it ended with."""
        claims = event["identity"]["claim"]
        who = claims.get("http://schemas.microsoft.com/identity/claims/objectidentifier")
        return who, event["properties"]["httpStatusCode"]

    # --- The end

    def processes_of(self, program):
        """Those of a program, by the first 15 characters of its name."""
        def name(process):
            try:
                return pathlib.Path(f"/proc/{process}/comm").read_text().strip()
            except OSError:
                return None  # It has ended meanwhile.

        return [process for process in self.processes() if name(process) == program[:15]]

    def disk_hosts(self):
        return self.processes_of("coffer-diskd")

    def processes(self):
        """Everything that runs with this stage's mark in its environment, or its path on its command line."""
        mark, path, found = f"{MARK}={self.root}".encode(), f"{self.root}/".encode(), []
        for directory in pathlib.Path("/proc").glob("[0-9]*"):
            if int(directory.name) == os.getpid():
                continue
            try:
                ours = mark in (directory / "environ").read_bytes() or path in (directory / "cmdline").read_bytes()
                if ours and b") Z " not in (directory / "stat").read_bytes():
                    found.append(int(directory.name))
            except OSError:
                pass
        return found

    def close(self, keep=False):
        """Ends all that was started here, however indirectly, and removes the directory."""
        for number, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 2)):
            for process in self.processes():
                try:
                    os.kill(process, number)
                except ProcessLookupError:
                    pass
            deadline = time.monotonic() + patience
            while time.monotonic() < deadline and self.processes():
                if self.server:
                    self.server.process.poll()
                time.sleep(0.05)
        if not keep:
            shutil.rmtree(self.root, ignore_errors=True)

    def tail(self, path, size=3000):
        data = pathlib.Path(path).read_bytes() if pathlib.Path(path).exists() else b""
        return data[-size:].decode(errors="replace")

    def logs(self):
        """The ends of all logs, for a test that failed."""
        parts = []
        for path in sorted(self.root.glob("*.log"), key=lambda path: path.stat().st_mtime)[-4:]:
            parts.append(f"--- {path.name}\n{self.tail(path)}")
        return "\n".join(parts)


def jwt_part(token, index):
    part = token.split(".")[index]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def jwt_encode(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
