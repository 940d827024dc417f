#!/bin/bash
# scripts/measure.sh: what `coffer serve` costs. Reported, never asserted: the numbers belong to the machine.
#
#   start to ready, with an existing data directory; resident memory when idle
#   RSA-2048 unwraps a second over HTTPS (keep-alive connections), and their ratio to `openssl speed rsa2048` on one core;
#   the client shares the cores, so the server's own CPU time is counted as well
#
# Needs a release build.
set -euo pipefail
cd "$(dirname "$0")/.."
exec python3 - "$@" <<'PYTHON'
import http.client, json, os, re, ssl, subprocess, sys, time, urllib.parse
sys.path.insert(0, "Tests/Journeys")
from stage import *

SECONDS, CONNECTIONS = 5, 4

def memory(process):
    status = open(f"/proc/{process}/status").read()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

def cpu_seconds(process):
    fields = open(f"/proc/{process}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

def unwraps(stage, path, body, headers, until):
    parts = urllib.parse.urlsplit(stage.vault_url(stage.kept["vault"]))
    context = ssl.create_default_context(cafile=stage.environment["REQUESTS_CA_BUNDLE"])
    connection = http.client.HTTPSConnection(parts.hostname, parts.port, context=context)
    connection._create_connection = lambda address, *rest: socket.create_connection(("127.0.0.1", address[1]))
    count = 0
    while time.monotonic() < until:
        connection.request("POST", path, body=body, headers=headers)
        response = connection.getresponse()
        expect(response.status == 200, f"unwrap: {response.status} {response.read()}")
        response.read()
        count += 1
    return count

stage = Stage("measure")
stage.say = lambda text: None
try:
    stage.start_server()
    stage.make_group()
    stage.kept["vault"] = vault = stage.make_vault()
    kid = stage.make_key(vault)
    stage.server.stop()
    times = []
    for _ in range(3):
        stage.start_server()
        times.append(stage.server.ready_seconds)
        if len(times) < 3:
            stage.server.stop()
    time.sleep(5)
    print(f"start to ready            {min(times):.2f} s (best of {len(times)}, existing data directory)")
    print(f"idle, resident            coffer serve {memory(stage.server.process.pid):.0f} MB")
    for process in stage.processes():
        name = os.path.basename(os.readlink(f"/proc/{process}/exe"))
        if process != stage.server.process.pid:
            print(f"                          {name} {memory(process):.0f} MB")

    path = urllib.parse.urlsplit(kid).path
    value = base64.urlsafe_b64encode(b"k" * 32).rstrip(b"=").decode()
    wrapped = stage.keys("POST", vault, f"{path[1:]}/wrapkey", {"alg": "RSA-OAEP-256", "value": value}).json["value"]
    body = json.dumps({"alg": "RSA-OAEP-256", "value": wrapped})
    headers = {"Authorization": f"Bearer {stage.vault_token()}", "Content-Type": "application/json"}
    until = time.monotonic() + SECONDS
    cpu_before = cpu_seconds(stage.server.process.pid)
    children = []
    for _ in range(CONNECTIONS):
        read_end, write_end = os.pipe()
        if os.fork() == 0:
            try:
                count = unwraps(stage, path + "/unwrapkey?api-version=7.4", body, headers, until)
                os.write(write_end, str(count).encode())
            finally:
                os._exit(0)
        os.close(write_end)
        children.append(read_end)
    counts = [int(os.read(each, 32) or 0) for each in children]
    rate = sum(counts) / SECONDS
    per_core = sum(counts) / (cpu_seconds(stage.server.process.pid) - cpu_before)
    print(f"unwraps over HTTPS        {rate:.0f} a second, {CONNECTIONS} connections, this client on the same machine")
    print(f"                          {per_core:.0f} for each second of CPU time that the server spends")
    speed = subprocess.run(["openssl", "speed", "-seconds", "3", "rsa2048"], capture_output=True, text=True).stdout
    private = float(re.search(r"rsa 2048 bits\s+\S+\s+\S+\s+([\d.]+)", speed)[1])
    print(f"openssl speed rsa2048     {private:.0f} private operations a second on one core")
    print(f"ratio                     {rate / private:.2f} by the clock, {per_core / private:.2f} by the server's CPU time")
finally:
    stage.close()
PYTHON
