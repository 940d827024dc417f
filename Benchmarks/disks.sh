#!/bin/bash
# Measures coffer-diskd against other NBD servers: Benchmarks/disks.sh [ROUNDS, 5] [SECONDS, 1] [PEER...]
#
# 1 GiB for each peer on tmpfs. Over NBD fio is the client, with one connection; over vhost-user vhostbench.c, with one queue. All servers run side by side and take turns within each
# round (diskbench.py: PATIENCE, ATTEMPTS). RESULTS names a file to keep the single results in. Prints Markdown: medians, the
# ratios that docs/performance.md sets as goals, and what a disk host with many idle disks costs (IDLE disks, 500).
# Needs fio, nbdkit, qemu-utils, qemu-storage-daemon, nbdcopy, python3-cryptography, a C compiler and a release build of coffer-diskd
# (swift build -c release --product coffer-diskd); as root it installs the packages that are missing.
set -eu
rounds=${1:-5}
seconds=${2:-1}
shift $(($# > 2 ? 2 : $#))
peers=${*:-coffer coffer-2 coffer-openssl coffer-plain qemu-nbd-luks nbdkit-luks nbdkit-file coffer-vhost qemu-vhost-luks}
here=$(cd "$(dirname "$0")" && pwd)
. "$here/luks.sh"
diskd=${DISKD:-$here/../.build/release/coffer-diskd}
size=1024
work=$(mktemp -d /dev/shm/coffer-bench.XXXXXX)
results=${RESULTS:-$work/results.jsonl}
for package in fio nbdkit qemu-utils qemu-system-common libnbd-bin python3-cryptography gcc libc6-dev; do
    dpkg -s $package >/dev/null 2>&1 || apt-get install -y -q --no-install-recommends $package >/dev/null
done
servers=
trap 'kill $servers 2>/dev/null || true; rm -rf "$work"' EXIT

export VHOSTBENCH=$work/vhostbench
cc -O2 -Wall -Wextra -o "$VHOSTBENCH" "$here/vhostbench.c"
printf secretpass >"$work/pw"
head -c ${size}M /dev/urandom >"$work/raw.img"
case $peers in *luks*)
    make_luks "$work/pw" "$work/raw.img" "$work/luks.img"
    ;;
esac

# A copy of the encrypted image for one peer: QEMU locks what it has open.
luks_image() {
    cp "$work/luks.img" "$work/$1.luks"
    echo "$work/$1.luks"
}

start() { # start PEER: sets server and uri, adds to servers
    local socket=$work/$1.sock
    rm -f "$socket"
    uri="nbd+unix:///?socket=$socket"
    case $1 in
    coffer*)
        local cipher=auto
        [ "$1" = coffer-openssl ] && cipher=openssl
        "$diskd" --data "$work/$1" --foreground --cipher $cipher 2>"$work/$1.log" &
        server=$!
        servers+=" $server"
        for _ in $(seq 100); do [ -S "$work/$1/run/diskd.sock" ] && break; sleep 0.05; done
        local layers=1
        [ "$1" = coffer-2 ] && layers=2
        # The same server with a disk that is not encrypted: what encryption costs.
        [ "$1" = coffer-plain ] && layers=0
        uri=$(python3 "$here/diskctl.py" "$work/$1" make $((size << 20)) $layers)
        # Written once, so that reads find data and not holes.
        nbdcopy "$work/raw.img" "$uri"
        [ "$1" != coffer-vhost ] || uri=vhost:$(echo "$work/$1"/run/vhost/*.sock)
        return
        ;;
    qemu-nbd-luks)
        qemu-nbd --object secret,id=s0,file="$work/pw" -k "$socket" -t -e 16 \
            --image-opts driver=luks,key-secret=s0,file.driver=file,file.filename="$(luks_image "$1")",file.cache.direct=off >/dev/null 2>&1 &
        ;;
    qemu-vhost-luks)
        uri=vhost:$socket
        qemu-storage-daemon --object secret,id=s0,file="$work/pw" --object iothread,id=io0 \
            --blockdev driver=file,node-name=f0,filename="$(luks_image "$1")" --blockdev driver=luks,node-name=d0,file=f0,key-secret=s0 \
            --export type=vhost-user-blk,id=e0,addr.type=unix,addr.path="$socket",node-name=d0,writable=on,iothread=io0,num-queues=1 >/dev/null 2>&1 &
        ;;
    nbdkit-luks) nbdkit -f -U "$socket" file "$(luks_image "$1")" --filter=luks passphrase=+"$work/pw" >/dev/null 2>&1 & ;;
    nbdkit-file) nbdkit -f -U "$socket" file "$work/raw.img" >/dev/null 2>&1 & ;;
    *)
        echo "unknown peer $1" >&2
        exit 2
        ;;
    esac
    server=$!
    servers+=" $server"
    for _ in $(seq 100); do [ -S "$socket" ] && break; sleep 0.05; done
    sleep 0.2
}

measured=
for peer in $peers; do
    start "$peer"
    measured+=" $peer=$server=$uri"
done
# shellcheck disable=SC2086 # A word for each peer.
python3 "$here/diskbench.py" "$rounds" "$seconds" $measured >"$results"
python3 "$here/diskstable.py" "$results"

# Disks that nobody uses.
count=${IDLE:-500}
"$diskd" --data "$work/idle" --foreground 2>"$work/idle.log" &
server=$!
servers+=" $server"
for _ in $(seq 100); do [ -S "$work/idle/run/diskd.sock" ] && break; sleep 0.05; done
resident() { awk '/VmRSS/ {printf "%.1f", $2 / 1024}' "/proc/$server/status"; }
ticks() { awk '{print $14 + $15}' "/proc/$server/stat"; }
empty=$(resident)
for _ in $(seq "$count"); do python3 "$here/diskctl.py" "$work/idle" make $((64 << 20)) 1 >/dev/null; done
before=$(ticks)
sleep 10
echo
echo "coffer-diskd: $empty MB resident without a disk, $(resident) MB with $count open disks; these cost $((($(ticks) - before) * 10)) ms of a processor in 10 s"
