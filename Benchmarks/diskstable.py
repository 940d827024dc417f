#!/usr/bin/env python3
"""diskstable.py RESULTS: medians per peer, and the ratios that are goals. Disturbed runs are left out where there are others."""
import json, os, re, statistics, sys

WORKLOADS = [("seqread", "MBps", "seq read, MB/s"), ("seqwrite", "MBps", "seq write, MB/s"), ("randread", "iops", "rand read, IOPS"),
             ("randwrite", "iops", "rand write, IOPS"), ("latread", "p50", "p50 read, us"), ("latwrite", "p50", "p50 write, us")]
# How many times a peer's rate is wanted, for the first four; then by how much less processor time for sequential reads, and what part of its latency.
GOALS = {
    "qemu-nbd-luks": ([7, 5, 3, 2.5], 6, 0.8),
    "nbdkit-luks": ([3, 2.5, 1.7, 1.6], 3, None),
    "coffer-plain": ([0.7, 0.9, 0.95, 0.95], None, None),
    "nbdkit-file": ([1, 0.7, 1.2, 0.8], None, None),
}

runs = {}
for line in open(sys.argv[1]):
    result = json.loads(line)
    for workload in result:
        if workload != "peer":
            runs.setdefault(result["peer"], {}).setdefault(workload, []).append(result[workload])


def median(peer, workload, field):
    everything = runs[peer][workload]
    quiet = [r for r in everything if r["foreign"] < 0.35] or [min(everything, key=lambda r: r["foreign"])]
    return statistics.median(r[field] for r in quiet)


def least(peer, workload):
    """Processor seconds per GiB, which other processes disturb less."""
    return min(r["serverSecondsPerGiB"] for r in runs[peer][workload])


def row(*cells):
    print("| " + " | ".join(cells) + " |")


def against(ratio, goal, is_least=True):
    met = ratio >= goal if is_least else ratio <= goal
    return f"{ratio:.2f} of {goal:g}{'' if met else ' **missed**'}"


processor = re.search(r"model name\s*:\s*(.+)", open("/proc/cpuinfo").read())
foreign = max(r["foreign"] for p in runs.values() for w in p.values() for r in w)
print(f"{os.cpu_count()} processors ({processor[1] if processor else 'unknown'}), Linux {os.uname().release}; busiest other processes in any run: {foreign:.2f} processors")
print()
row("", *(title for _, _, title in WORKLOADS), "server s/GiB, seq read", "seq write")
row(*["---"] * (len(WORKLOADS) + 3))
for peer in runs:
    values = [median(peer, workload, field) for workload, field, _ in WORKLOADS]
    row(peer, *(f"{value:.0f}" for value in values[:4]), *(f"{value:.1f}" for value in values[4:]),
        f"{least(peer, 'seqread'):.2f}", f"{least(peer, 'seqwrite'):.2f}")
if "coffer" in runs:
    print()
    row("coffer against", *(title.split(",")[0] for _, _, title in WORKLOADS[:4]), "processor time, seq read", "p50 read")
    row(*["---"] * 7)
    for peer, (rates, processor_time, latency) in GOALS.items():
        if peer not in runs:
            continue
        cells = [against(median("coffer", w, f) / median(peer, w, f), goal) for (w, f, _), goal in zip(WORKLOADS, rates)]
        ratio = least(peer, "seqread") / max(least("coffer", "seqread"), 0.001)
        cells.append(against(ratio, processor_time) if processor_time else f"{ratio:.2f}")
        ratio = median("coffer", "latread", "p50") / median(peer, "latread", "p50")
        cells.append(against(ratio, latency, is_least=False) if latency else f"{ratio:.2f}")
        row(peer, *cells)
