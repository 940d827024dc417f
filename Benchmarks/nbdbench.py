#!/usr/bin/env python3
"""nbdbench.py URI SERVER-PID SECONDS NAME: one JSON line with what fio measures on one NBD server.

Each run waits up to PATIENCE seconds (15) for a quiet machine. One during which other processes used more than 0.2
processors is repeated, ATTEMPTS (5) times in all; the least disturbed one counts.
"""
import json, os, subprocess, sys, time

WORKLOADS = {
    "seqread": ("read", "1M", 8), "seqwrite": ("write", "1M", 8), "randread": ("randread", "4k", 32), "randwrite": ("randwrite", "4k", 32),
    "latread": ("randread", "4k", 1), "latwrite": ("randwrite", "4k", 1),
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


def run(uri, pid, seconds, pattern, block, depth):
    command = ["fio", "--name=j", f"--rw={pattern}", f"--bs={block}", f"--iodepth={depth}", "--time_based", f"--runtime={seconds}",
               "--size=1000M", "--norandommap", "--scramble_buffers=0", "--randrepeat=0", "--thread", "--output-format=json",
               "--ioengine=nbd", f"--uri={uri}"]
    server, busy, times, start = processor_seconds(pid), busy_seconds(), os.times(), time.time()
    output = subprocess.run(command, capture_output=True, text=True).stdout
    elapsed, after = time.time() - start, os.times()
    server, busy = processor_seconds(pid) - server, busy_seconds() - busy
    client = after.children_user - times.children_user + after.children_system - times.children_system
    job = json.loads(output[output.index("{"):])["jobs"][0]
    side = job["write" if "write" in pattern else "read"]
    if job["error"] or not side["io_bytes"]:
        sys.exit(f"fio failed: {output[-500:]}")
    seconds = side["runtime"] / 1000
    return {
        "MBps": side["io_bytes"] / 1e6 / seconds, "iops": side["iops"], "p50": side["clat_ns"]["percentile"]["50.000000"] / 1000,
        "p99": side["clat_ns"]["percentile"]["99.000000"] / 1000, "serverSecondsPerGiB": server / (side["io_bytes"] / 2**30),
        "foreign": max(0, busy - client - server) / elapsed,
    }


uri, pid, seconds, name = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
line = {"peer": name}
for workload, (pattern, block, depth) in WORKLOADS.items():
    best = None
    for _ in range(int(os.environ.get("ATTEMPTS", "5"))):
        wait_for_quiet()
        result = run(uri, pid, seconds, pattern, block, depth)
        if best is None or result["foreign"] < best["foreign"]:
            best = result
        if best["foreign"] < 0.2:
            break
    line[workload] = best
print(json.dumps(line))
