#!/usr/bin/env python3
"""diskbench.py ROUNDS SECONDS NAME=PID=URI...: measures disk servers that run side by side, a JSON line for each round and peer.

A URI is NBD's, and fio the client (a name NAME*N has N connections; on SIZE of the disk, 1000M), or vhost:SOCKET, and the program that VHOSTBENCH names (vhostbench.c).

All servers run all the time; in a round each is measured once, one right after the other, so that whatever else happens to the machine
meets all of them. A round before the first is not counted: what a server touches for the first time costs it more. A measurement during
which other processes used more than 0.2 processors is repeated, ATTEMPTS (5) times in all, each after at most PATIENCE (15) seconds of
waiting for a quiet machine; the least disturbed one counts.
"""
import json, os, subprocess, sys, time

WORKLOADS = {
    "seqread": ("read", 1 << 20, 8), "seqwrite": ("write", 1 << 20, 8), "randread": ("randread", 4096, 32), "randwrite": ("randwrite", 4096, 32),
    "latread": ("randread", 4096, 1), "latwrite": ("randwrite", 4096, 1),
}
TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def busy_seconds():
    fields = [int(x) for x in open("/proc/stat").readline().split()[1:]]
    return (fields[0] + fields[1] + fields[2] + fields[5] + fields[6]) / TICKS


def wait_for_quiet():
    for _ in range(int(float(os.environ.get("PATIENCE", "15")) / 0.3)):
        busy = busy_seconds()
        time.sleep(0.3)
        if busy_seconds() - busy < 0.06:
            return


def by_fio(uri, connections, seconds, pattern, block, depth):
    command = ["fio", "--name=j", f"--rw={pattern}", f"--bs={block}", f"--iodepth={depth}", "--time_based", f"--runtime={seconds}",
               f"--size={os.environ.get('SIZE', '1000M')}", "--norandommap", "--scramble_buffers=0", "--randrepeat=0", "--thread", "--output-format=json",
               "--ioengine=nbd", f"--uri={uri}", f"--numjobs={connections}", "--group_reporting"]
    output = subprocess.run(command, capture_output=True, text=True).stdout
    job = json.loads(output[output.index("{"):])["jobs"][0]
    side = job["write" if "write" in pattern else "read"]
    if job["error"] or not side["io_bytes"]:
        sys.exit(f"fio failed: {output[-500:]}")
    return {"MBps": side["io_bytes"] / 1e3 / side["runtime"], "iops": side["iops"], "p50": side["clat_ns"]["percentile"]["50.000000"] / 1000,
            "p99": side["clat_ns"]["percentile"]["99.000000"] / 1000, "bytes": side["io_bytes"]}


def by_vhost(uri, _, seconds, pattern, block, depth):
    command = [os.environ["VHOSTBENCH"], uri.removeprefix("vhost:"), str(seconds), str(block), str(depth), pattern]
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode:
        sys.exit(f"vhostbench failed: {ended.stderr}")
    return json.loads(ended.stdout)


def run(uri, connections, pid, seconds, *workload):
    measure = by_vhost if uri.startswith("vhost:") else by_fio
    server, busy, times, start = processor_seconds(pid), busy_seconds(), os.times(), time.time()
    result = measure(uri, connections, seconds, *workload)
    elapsed, after = time.time() - start, os.times()
    server, busy = processor_seconds(pid) - server, busy_seconds() - busy
    client = after.children_user - times.children_user + after.children_system - times.children_system
    byte_count = result.pop("bytes")
    return {**result, "serverSecondsPerGiB": server / (byte_count / 2**30), "foreign": max(0, busy - client - server) / elapsed}


def least_disturbed(*measurement):
    best = None
    for _ in range(int(os.environ.get("ATTEMPTS", "5"))):
        wait_for_quiet()
        result = run(*measurement)
        if best is None or result["foreign"] < best["foreign"]:
            best = result
        if best["foreign"] < 0.2:
            break
    return best


rounds, seconds, peers = int(sys.argv[1]), float(sys.argv[2]), []
for peer in sys.argv[3:]:
    name, pid, uri = peer.split("=", 2)
    peers.append((name, uri, name.partition("*")[2] or "1", int(pid)))
for workload, parameters in WORKLOADS.items():
    for number in range(rounds + 1):
        for name, *server in peers:
            if number == 0:
                run(*server, seconds, *parameters)
                continue
            result = least_disturbed(*server, seconds, *parameters)
            print(json.dumps({"round": number, "peer": name, "workload": workload, **result}), flush=True)
    print(f"{workload} measured, load {os.getloadavg()[0]:.2f}", file=sys.stderr)
