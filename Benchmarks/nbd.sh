#!/bin/bash
# Measures coffer-diskd against other NBD servers: Benchmarks/nbd.sh [REPETITIONS, 3] [SECONDS, 1.5] [PEER...]
#
# fio's nbd engine is the client, one connection, on tmpfs. The peers take turns within each repetition, and a run is repeated when other
# processes were busy. RESULTS names a file to keep the single results in. Ends with a table of medians and the ratios to qemu-nbd with LUKS.
# Needs fio, nbdkit, qemu-utils, nbdcopy, python3-cryptography and a
# release build of coffer-diskd (swift build -c release --product coffer-diskd).
set -eu
repetitions=${1:-3}
seconds=${2:-1.5}
shift $(($# > 2 ? 2 : $#))
peers=${*:-coffer coffer-2 qemu-nbd-luks nbdkit-luks nbdkit-file}
here=$(cd "$(dirname "$0")" && pwd)
diskd=${DISKD:-$here/../.build/release/coffer-diskd}
size=1024
work=$(mktemp -d /dev/shm/coffer-bench.XXXXXX)
results=${RESULTS:-$work/results.jsonl}
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
        "$diskd" --data "$work/$1" --foreground 2>"$work/$1.log" &
        server=$!
        for _ in $(seq 100); do [ -S "$work/$1/run/diskd.sock" ] && break; sleep 0.05; done
        local layers=1
        [ "$1" = coffer-2 ] && layers=2
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
python3 "$here/nbdtable.py" "$results"
