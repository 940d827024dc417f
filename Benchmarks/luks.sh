# Sourced by the benchmarks whose peers read LUKS.

# make_luks SECRET RAW LUKS: encrypts an image as the peers are measured with, under the passphrase in the file SECRET.
make_luks() {
    # qemu-img times its key derivation first, and gives up when it is disturbed.
    local attempt
    for attempt in $(seq 60); do
        qemu-img convert --object secret,id=s0,file="$1" -f raw -O luks \
            -o key-secret=s0,cipher-alg=aes-256,cipher-mode=xts,ivgen-alg=plain64,hash-alg=sha256,iter-time=100 "$2" "$3" 2>"$3.log" && return
    done
    cat "$3.log" >&2
    return 1
}
