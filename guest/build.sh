#!/bin/bash
# guest/build.sh OUTDIR: makes the test guest, OUTDIR/vmlinuz, OUTDIR/initrd.img and, with fio in it, OUTDIR/initrd-fio.img.
#
# Debian's cloud kernel, fetched and unpacked but not installed, and one initramfs with busybox, the stock cryptsetup,
# dmsetup and mke2fs of this machine, the modules they need, and guest/init. Made again only when one of these changed.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
out=$(mkdir -p "${1:?usage: guest/build.sh OUTDIR}" && cd "$1" && pwd)
tools=(/usr/sbin/cryptsetup /usr/sbin/dmsetup /usr/sbin/mke2fs)
disk_modules=(virtio_pci virtio_mmio virtio_blk crc32c_intel)
crypto_modules=(dm_mod dm_zero dm_crypt aesni_intel xts ecb sha256_generic algif_skcipher)
export PATH=$PATH:/usr/sbin:/sbin

need() { command -v "$1" >/dev/null || { echo "guest/build.sh: $1 is missing; run scripts/setup.sh" >&2; exit 1; }; }
for tool in busybox cryptsetup dmsetup mke2fs fio cpio depmod dpkg-deb apt-get; do need "$tool"; done

# The kernel package that linux-image-cloud-amd64 stands for today, as name=version; empty without package lists.
kernel_package() {
    local name
    name=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '/Depends: linux-image-[0-9]/ { print $2; exit }')
    [ -n "$name" ] && apt-cache policy "$name" | awk -v name="$name" '/Candidate:/ { print name "=" $2 }'
}

# One line that changes when anything does that the guest is made of.
fingerprint() {
    { echo "$1"; cat "$here/build.sh" "$here/init" "$(command -v busybox)" "$(command -v fio)" "${tools[@]}"; } | sha256sum | cut -d' ' -f1
}

fetch_kernel() {
    mkdir -p "$work/deb"
    (cd "$work/deb" && apt-get download -q -q "$1" 2>"$work/apt.log") || return 1
    dpkg-deb -x "$work"/deb/*.deb "$work/kernel"
}

# copy_modules NAME MODULE...: the modules and all that they need, and in /lib/mods/NAME the order to load them in.
copy_modules() {
    local name=$1 module path; shift
    for module in "$@"; do
        modprobe -d "$work/kernel" -S "$release" --show-depends "$module" 2>/dev/null | awk '$1 == "insmod" { print $2 }'
    done | awk '!seen[$0]++' | while read -r path; do
        cp "$path" "$root/lib/mods/"
        basename "$path"
    done > "$root/lib/mods/$name"
}

# copy_tool ROOT PROGRAM: with the libraries that it needs.
copy_tool() {
    local library
    mkdir -p "$1/sbin"
    cp -L "$2" "$1/sbin/"
    ldd "$2" | grep -o '/[^ ]*' | while read -r library; do
        mkdir -p "$1$(dirname "$library")"
        cp -L "$library" "$1$library"
    done
}

# pack ROOT ARCHIVE
pack() {
    (cd "$1" && find . -print0 | sort -z | cpio --null -o -H newc --quiet --reproducible -R 0:0) > "$2"
}

package=$(kernel_package || true)
if [ -z "$package" ] && [ "$(id -u)" = 0 ]; then
    apt-get update -q -q && package=$(kernel_package || true)
fi
if [ -f "$out/fingerprint" ] && [ -f "$out/vmlinuz" ] && [ -f "$out/initrd.img" ] && [ -f "$out/initrd-fio.img" ]; then
    # Without package lists there is no telling of a newer kernel: the one of last time will do.
    [ -n "$package" ] || package=$(cat "$out/kernel")
    [ "$(cat "$out/fingerprint")" = "$(fingerprint "$package")" ] && { echo "guest: $out is up to date"; exit 0; }
fi
[ -n "$package" ] || { echo "guest/build.sh: apt knows no linux-image-cloud-amd64; run apt-get update as root" >&2; exit 1; }

work=$(mktemp -d "$out/making.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "guest: fetching $package"
if ! fetch_kernel "$package"; then
    # A list that names a package which the mirror no longer has.
    [ "$(id -u)" = 0 ] && apt-get update -q -q && package=$(kernel_package) && fetch_kernel "$package" \
        || { cat "$work/apt.log" >&2; exit 1; }
fi

release=$(ls "$work/kernel/lib/modules")
root=$work/root
mkdir -p "$root"/{bin,sbin,lib/mods}
cp -L "$(command -v busybox)" "$root/bin/busybox"
cp "$here/init" "$root/init"
mkdir "$root/etc" && cp /etc/mke2fs.conf "$root/etc/"
chmod 0755 "$root/init"
for tool in "${tools[@]}"; do copy_tool "$root" "$tool"; done
# libcryptsetup asks OpenSSL for its legacy hashes at start and only grumbles without them; the others must be there.
depmod -b "$work/kernel" "$release"
copy_modules disk "${disk_modules[@]}"
copy_modules crypto "${crypto_modules[@]}"
pack "$root" "$work/initrd.img"
# fio brings along the libraries of every kind of storage that it knows, so only the guest that needs it has it. The kernel unpacks one
# archive after the other.
copy_tool "$work/fio" "$(command -v fio)"
pack "$work/fio" "$work/fio.img"
cat "$work/initrd.img" "$work/fio.img" > "$work/initrd-fio.img"

mv "$work/initrd.img" "$work/initrd-fio.img" "$out/"
cp "$work/kernel/boot/vmlinuz-$release" "$out/vmlinuz"
echo "$package" > "$out/kernel"
fingerprint "$package" > "$out/fingerprint"
echo "guest: $out/vmlinuz and $out/initrd.img ($(du -h "$out/initrd.img" | cut -f1)) with kernel $release"
