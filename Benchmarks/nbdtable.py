#!/usr/bin/env python3
"""nbdtable.py RESULTS: medians per peer, and the ratios to qemu-nbd with LUKS. Disturbed runs are left out where there are others."""
import json, statistics, sys

runs = {}
for line in open(sys.argv[1]):
    result = json.loads(line)
    for workload in result:
        if workload != "peer":
            runs.setdefault(result["peer"], {}).setdefault(workload, []).append(result[workload])


def median(peer, workload, field):
    all_runs = runs[peer][workload]
    quiet = [r for r in all_runs if r["foreign"] < 0.35] or [min(all_runs, key=lambda r: r["foreign"])]
    return statistics.median(r[field] for r in quiet), len(quiet)


columns = [("seqread", "MBps", "MB/s"), ("seqwrite", "MBps", "MB/s"), ("randread", "iops", "IOPS"), ("randwrite", "iops", "IOPS"),
           ("latread", "p50", "us"), ("latwrite", "p50", "us")]
baseline = "qemu-nbd-luks" if "qemu-nbd-luks" in runs else None
print("peer".ljust(15), *[f"{w} {unit}".rjust(22) for w, _, unit in columns])
for peer in runs:
    cells = []
    for workload, field, unit in columns:
        value, count = median(peer, workload, field)
        cell = f"{value:.0f}" if unit != "us" else f"{value:.1f}"
        if baseline:
            ratio = value / median(baseline, workload, field)[0]
            cell += f" {ratio:.2f}x"
        cells.append(f"{cell} n{count}".rjust(22))
    print(peer.ljust(15), *cells)
print()
print("Least processor seconds of the server per GiB, which other processes disturb less:")
for peer in runs:
    cells = []
    for workload, _, _ in columns:
        least = lambda p: min(r["serverSecondsPerGiB"] for r in runs[p][workload])
        cell = f"{least(peer):.2f}"
        if baseline and least(peer):
            cell += f" {least(baseline) / least(peer):.2f}x"
        cells.append(cell.rjust(22))
    print(peer.ljust(15), *cells)
worst = max(r["foreign"] for p in runs.values() for w in p.values() for r in w)
print(f"n: runs kept. Busiest other processes in any run: {worst:.2f} processors.")
