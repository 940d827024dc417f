#!/bin/bash
# Measures coffer-diskd over a Ceph pool against QEMU's own rbd driver with LUKS: Benchmarks/rbd.sh [ROUNDS, 3] [SECONDS, 1] [PEER...]
#
# The cluster is one monitor and one OSD on this machine (Tests/Journeys/ceph.py), below DIRECTORY (/tmp), so that the numbers are worth
# something as ratios only. coffer-rbd*8 is with eight connections, each with a queue of its own. The client is as in Benchmarks/disks.sh, and
# so are the turns, PATIENCE, ATTEMPTS and RESULTS. Prints medians, and the resident memory of coffer-diskd without a pool, with one, and with DISKS (20) open disks in it.
# Needs what the journeys need, and a release build of coffer-diskd.
set -eu
rounds=${1:-3}
seconds=${2:-1}
shift $(($# > 2 ? 2 : $#))
peers=${*:-coffer-rbd coffer-rbd*8 qemu-rbd-luks qemu-rbd-luks-direct qemu-rbd}
here=$(cd "$(dirname "$0")" && pwd)
. "$here/luks.sh"
diskd=${DISKD:-$here/../.build/release/coffer-diskd}
size=256
export SIZE=$((size - 8))M
work=$(mktemp -d "${DIRECTORY:-/tmp}/coffer-bench.XXXXXX")
results=${RESULTS:-$work/results.jsonl}
servers=
cluster=
trap 'kill $servers $cluster 2>/dev/null || true; [ -z "$cluster" ] || wait $cluster 2>/dev/null || true; rm -rf "$work"' EXIT
head -c ${size}M /dev/urandom >"$work/raw.img"
printf secretpass >"$work/pw"
make_luks "$work/pw" "$work/raw.img" "$work/luks.img"
python3 "$here/../Tests/Journeys/ceph.py" "$work/ceph" >"$work/ceph.out" &
cluster=$!
for _ in $(seq 600); do grep -q conf "$work/ceph.out" && break; sleep 0.1; done
export CEPH_CONF=$work/ceph/ceph.conf
# Two copies, for each is open in one place.
rbd import --no-progress "$work/luks.img" disks/luks
rbd import --no-progress "$work/luks.img" disks/luks-direct
rbd import --no-progress "$work/raw.img" disks/raw
rm "$work/luks.img"
store="--disk-store rbd:disks --ceph-conf $CEPH_CONF --ceph-user coffer"

serve() { # serve DATA OPTIONS...: starts coffer-diskd
    local data=$1
    shift
    "$diskd" --data "$data" --foreground "$@" 2>"$data.log" &
    server=$!
    servers+=" $server"
    for _ in $(seq 200); do [ -S "$data/run/diskd.sock" ] && break; sleep 0.05; done
}

start() { # start PEER: sets server and uri
    local socket=$work/$1.sock rbd="file.driver=rbd,file.pool=disks,file.conf=$CEPH_CONF,file.user=coffer"
    rm -f "$socket"
    uri="nbd+unix:///?socket=$socket"
    case $1 in
    coffer-rbd*)
        # One server has all the disks of a pool, and one disk is enough.
        if [ -z "$coffer" ]; then
            mkdir "$work/coffer"
            serve "$work/coffer" $store
            coffer=$server
            coffer_uri=$(python3 "$here/diskctl.py" "$work/coffer" make $((size << 20)) 1)
            nbdcopy "$work/raw.img" "$coffer_uri"
        fi
        server=$coffer
        uri=$coffer_uri
        return
        ;;
    qemu-rbd-luks) local options="driver=luks,key-secret=s0,$rbd,file.image=luks" ;;
    qemu-rbd-luks-direct) local options="driver=luks,key-secret=s0,$rbd,file.image=luks-direct,cache.direct=on,file.cache.direct=on" ;;
    qemu-rbd) local options="driver=raw,$rbd,file.image=raw" ;;
    *)
        echo "unknown peer $1" >&2
        exit 2
        ;;
    esac
    qemu-nbd --object secret,id=s0,file="$work/pw" -k "$socket" -t -e 16 --image-opts "$options" >/dev/null 2>"$work/$1.log" &
    server=$!
    servers+=" $server"
    for _ in $(seq 100); do [ -S "$socket" ] && break; sleep 0.05; done
    sleep 0.5
}

stop() {
    kill $server
    wait $server 2>/dev/null || true
}

coffer=
measured=
for peer in $peers; do
    start "$peer"
    measured+=" $peer=$server=$uri"
done
# shellcheck disable=SC2086 # A word for each peer.
python3 "$here/diskbench.py" "$rounds" "$seconds" $measured >"$results"
python3 "$here/diskstable.py" "$results"
if [ -n "$coffer" ]; then
    server=$coffer
    stop
fi

resident() { awk '/VmRSS/ {printf "%.1f", $2 / 1024}' "/proc/$server/status"; }
count=${DISKS:-20}
serve "$work/files"
without=$(resident)
stop
serve "$work/coffer" $store
with=$(resident)
for _ in $(seq "$count"); do python3 "$here/diskctl.py" "$work/coffer" make $((64 << 20)) 1 >/dev/null; done
echo
echo "coffer-diskd: $without MB resident without a pool, $with MB with one, $(resident) MB with $count open disks in it"
stop
