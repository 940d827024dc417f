#!/bin/bash
# Measures the vault over HTTPS: Benchmarks/vault.sh [--seconds N] [--stores sqlite,postgres,replicas] [--objects N] [--memory N]
# or two builds in turns: Benchmarks/vault.sh --against OTHER_COFFER [--rounds N] [--seconds N] [--stores sqlite,postgres]
#
# A fresh `coffer serve` for each store, on the disk that holds /tmp; wrk on the same machine, 32 connections that are kept, TLS; audit on and
# durable. Prints tables in Markdown: rates by the clock and for each second of processor time that the server spends, what OpenSSL does on one
# core in the same run, latencies at full load and at 80 percent of it, memory over many operations, lists and reads among 100,000 keys, the
# price of the audit trail, and two replicas over one PostgreSQL. The client needs processors too: on few cores the rates by the clock are
# bounded by both. Needs root to install wrk where it is missing, and release builds of coffer and coffer-diskd.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v wrk >/dev/null || apt-get install -y -q --no-install-recommends wrk >/dev/null
exec python3 Benchmarks/vaultbench.py "$@"
