#!/usr/bin/env python3
"""diskstable.py RESULTS: medians per peer, and the ratios that are goals: medians of the ratios within each round. Disturbed runs are left
out where there are others."""
import json, os, re, statistics, sys

WORKLOADS = [("seqread", "MBps", "seq read, MB/s"), ("seqwrite", "MBps", "seq write, MB/s"), ("randread", "iops", "rand read, IOPS"),
             ("randwrite", "iops", "rand write, IOPS"), ("latread", "p50", "p50 read, us"), ("latwrite", "p50", "p50 write, us")]
# By which of ours a peer is measured; how many times its rate is wanted, for the first four; by how much less processor time for sequential
# reads, and what part of its latency.
GOALS = {
    "qemu-nbd-luks": ("coffer", [7, 5, 3, 2.5], 6, 0.8),
    "nbdkit-luks": ("coffer", [3, 2.5, 1.7, 1.6], 3, None),
    "coffer-plain": ("coffer", [0.7, 0.9, 0.95, 0.95], None, None),
    "nbdkit-file": ("coffer", [1, 0.7, 1.2, 0.8], None, None),
    "qemu-vhost-luks": ("coffer-vhost", [8, 8, 1, 1], None, None),
}

# By peer and workload, then by round.
runs = {}
for line in open(sys.argv[1]):
    result = json.loads(line)
    runs.setdefault(result["peer"], {}).setdefault(result["workload"], {})[result["round"]] = result


def quiet(peer, workload):
    """The rounds that nothing disturbed, or the one that was disturbed least."""
    rounds = runs[peer][workload]
    return {n: r for n, r in rounds.items() if r["foreign"] < 0.35} or dict([min(rounds.items(), key=lambda item: item[1]["foreign"])])


def median(peer, workload, field):
    return statistics.median(r[field] for r in quiet(peer, workload).values())


def ratio(peer, other, workload, field):
    """How many times the other's figure a peer has, as the median over the rounds that are quiet for both; of medians if none is."""
    ours, theirs = quiet(peer, workload), quiet(other, workload)
    both = [ours[n][field] / max(theirs[n][field], 1e-9) for n in ours if n in theirs]
    return statistics.median(both) if both else median(peer, workload, field) / max(median(other, workload, field), 1e-9)


def row(*cells):
    print("| " + " | ".join(cells) + " |")


def against(ratio, goal, is_least=True):
    met = ratio >= goal if is_least else ratio <= goal
    return f"{ratio:.2f} of {goal:g}{'' if met else ' **missed**'}"


processor = re.search(r"model name\s*:\s*(.+)", open("/proc/cpuinfo").read())
foreign = max(r["foreign"] for p in runs.values() for w in p.values() for r in w.values())
print(f"{os.cpu_count()} processors ({processor[1] if processor else 'unknown'}), Linux {os.uname().release}; busiest other processes in any run: {foreign:.2f} processors")
print()
row("", *(title for _, _, title in WORKLOADS), "server s/GiB, seq read", "seq write")
row(*["---"] * (len(WORKLOADS) + 3))
for peer in runs:
    values = [median(peer, workload, field) for workload, field, _ in WORKLOADS]
    row(peer, *(f"{value:.0f}" for value in values[:4]), *(f"{value:.1f}" for value in values[4:]),
        *(f"{median(peer, w, 'serverSecondsPerGiB'):.2f}" for w in ("seqread", "seqwrite")))
if any(ours in runs and peer in runs for peer, (ours, *_) in GOALS.items()):
    print()
    row("", *(title.split(",")[0] for _, _, title in WORKLOADS[:4]), "processor time, seq read", "p50 read")
    row(*["---"] * 7)
    for peer, (ours, rates, processor_time, latency) in GOALS.items():
        if peer not in runs or ours not in runs:
            continue
        cells = [against(ratio(ours, peer, w, f), goal) for (w, f, _), goal in zip(WORKLOADS, rates)]
        less = ratio(peer, ours, "seqread", "serverSecondsPerGiB")
        cells.append(against(less, processor_time) if processor_time else f"{less:.2f}")
        waits = ratio(ours, peer, "latread", "p50")
        cells.append(against(waits, latency, is_least=False) if latency else f"{waits:.2f}")
        row(f"{ours} against {peer}", *cells)
