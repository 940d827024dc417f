#!/bin/bash
# Measures coffer-diskd against other NBD servers: Benchmarks/disks.sh [REPETITIONS, 3] [SECONDS, 1.5] [PEER...]
#
# fio's nbd engine is the client, one connection, on tmpfs. The peers take turns within each repetition, and a run is repeated when other
# processes were busy (PATIENCE seconds of waiting for quiet, 15; ATTEMPTS, 5). RESULTS names a file to keep the single results in. Prints
# Markdown: medians, the ratios that docs/performance.md sets as goals, and what a disk host with many idle disks costs (IDLE disks, 200).
# Needs fio, nbdkit, qemu-utils, nbdcopy, python3-cryptography and a release build of coffer-diskd
# (swift build -c release --product coffer-diskd); as root it installs the packages that are missing.
set -eu
repetitions=${1:-3}
seconds=${2:-1.5}
shift $(($# > 2 ? 2 : $#))
peers=${*:-coffer coffer-2 coffer-openssl coffer-plain qemu-nbd-luks nbdkit-luks nbdkit-file}
here=$(cd "$(dirname "$0")" && pwd)
diskd=${DISKD:-$here/../.build/release/coffer-diskd}
size=1024
work=$(mktemp -d /dev/shm/coffer-bench.XXXXXX)
results=${RESULTS:-$work/results.jsonl}
for package in fio nbdkit qemu-utils libnbd-bin python3-cryptography; do
    dpkg -s $package >/dev/null 2>&1 || apt-get install -y -q --no-install-recommends $package >/dev/null
done
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$work"' EXIT

printf secretpass >"$work/pw"
head -c ${size}M /dev/urandom >"$work/raw.img"
case $peers in *luks*)
    # qemu-img times its key derivation first, and gives up when it is disturbed.
    for attempt in 1 2 3 4 5 6 7 8; do
        qemu-img convert --object secret,id=s0,file="$work/pw" -f raw -O luks \
            -o key-secret=s0,cipher-alg=aes-256,cipher-mode=xts,ivgen-alg=plain64,hash-alg=sha256,iter-time=100 \
            "$work/raw.img" "$work/luks.img" && break
        [ $attempt -lt 8 ] || exit 1
    done
    ;;
esac

start() { # start PEER: sets server and uri
    local socket=$work/$1.sock
    rm -f "$socket"
    uri="nbd+unix:///?socket=$socket"
    case $1 in
    coffer*)
        local cipher=auto
        [ "$1" = coffer-openssl ] && cipher=openssl
        "$diskd" --data "$work/$1" --foreground --cipher $cipher 2>"$work/$1.log" &
        server=$!
        for _ in $(seq 100); do [ -S "$work/$1/run/diskd.sock" ] && break; sleep 0.05; done
        local layers=1
        [ "$1" = coffer-2 ] && layers=2
        # The same server with a disk that is not encrypted: what encryption costs.
        [ "$1" = coffer-plain ] && layers=0
        uri=$(python3 "$here/diskctl.py" "$work/$1" make $((size << 20)) $layers)
        # Written once, so that reads find data and not holes.
        nbdcopy "$work/raw.img" "$uri"
        return
        ;;
    qemu-nbd-luks)
        qemu-nbd --object secret,id=s0,file="$work/pw" -k "$socket" -t -e 16 \
            --image-opts driver=luks,key-secret=s0,file.driver=file,file.filename="$work/luks.img",file.cache.direct=off >/dev/null 2>&1 &
        ;;
    nbdkit-luks) nbdkit -f -U "$socket" file "$work/luks.img" --filter=luks passphrase=+"$work/pw" >/dev/null 2>&1 & ;;
    nbdkit-file) nbdkit -f -U "$socket" file "$work/raw.img" >/dev/null 2>&1 & ;;
    *)
        echo "unknown peer $1" >&2
        exit 2
        ;;
    esac
    server=$!
    for _ in $(seq 100); do [ -S "$socket" ] && break; sleep 0.05; done
    sleep 0.2
}

for repetition in $(seq "$repetitions"); do
    for peer in $peers; do
        start "$peer"
        python3 "$here/nbdbench.py" "$uri" "$server" "$seconds" "$peer" >>"$results"
        kill $server
        wait $server 2>/dev/null || true
        server=
        rm -rf "$work/$peer"
    done
    echo "repetition $repetition of $repetitions done, load $(cut -d' ' -f1 /proc/loadavg)" >&2
done
python3 "$here/diskstable.py" "$results"

# Disks that nobody uses.
count=${IDLE:-200}
"$diskd" --data "$work/idle" --foreground 2>"$work/idle.log" &
server=$!
for _ in $(seq 100); do [ -S "$work/idle/run/diskd.sock" ] && break; sleep 0.05; done
resident() { awk '/VmRSS/ {printf "%.1f", $2 / 1024}' "/proc/$server/status"; }
ticks() { awk '{print $14 + $15}' "/proc/$server/stat"; }
empty=$(resident)
for _ in $(seq "$count"); do python3 "$here/diskctl.py" "$work/idle" make $((64 << 20)) 1 >/dev/null; done
before=$(ticks)
sleep 10
echo
echo "coffer-diskd: $empty MB resident without a disk, $(resident) MB with $count open disks; these cost $((($(ticks) - before) * 10)) ms of a processor in 10 s"
