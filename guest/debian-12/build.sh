#!/bin/bash
# guest/debian-12/build.sh: makes a disk image of Debian 12 that boots by itself, by UEFI or by BIOS.
#
#   build.sh fingerprint CACHE GIB        prints what tells whether an image is the one that would be made now
#   build.sh image CACHE GIB OUTPUT       makes OUTPUT, a raw disk of so many GiB, sparse
#
# CACHE is a directory that is kept between builds: apt's lists. OUTPUT must not exist. Needs no root (then: subordinate
# user ids and newuidmap), no loop devices and no mounts. Debian comes from where apt of this machine gets bookworm, or
# from COFFER_DEBIAN_SOURCES, a file of `deb` lines.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
export PATH=$PATH:/usr/sbin:/sbin LC_ALL=C.UTF-8
usage() { sed -n '4,5s/^# *//p' "$0" >&2; exit 2; }
[ $# -ge 3 ] || usage
action=$1 cache=$(mkdir -p "$2" && cd "$2" && pwd) size=$3

# Programs and the Debian packages that have them.
needs=(mmdebstrap:mmdebstrap mcopy:mtools mkfs.vfat:dosfstools sfdisk:fdisk mke2fs:e2fsprogs grub-mkimage:grub-common tar:tar)
files=(/usr/lib/grub/i386-pc/boot.img:grub-pc-bin /usr/lib/grub/x86_64-efi/linux.mod:grub-efi-amd64-bin
    /usr/share/keyrings/debian-archive-keyring.gpg:debian-archive-keyring)

check_needs() {
    local entry missing=()
    for entry in "${needs[@]}"; do command -v "${entry%:*}" >/dev/null || missing+=("${entry#*:}"); done
    for entry in "${files[@]}"; do [ -e "${entry%:*}" ] || missing+=("${entry#*:}"); done
    if [ "$(id -u)" != 0 ]; then command -v newuidmap >/dev/null || missing+=(uidmap); fi
    [ ${#missing[@]} -eq 0 ] && return
    echo "the build needs packages that are not installed: apt-get install ${missing[*]} (or scripts/setup.sh)" >&2
    exit 3
}

say() { echo "image: $*"; }

# The deb lines of Debian 12.
sources() {
    local lines
    if [ -n "${COFFER_DEBIAN_SOURCES:-}" ]; then cat "$COFFER_DEBIAN_SOURCES"; return; fi
    lines=$(apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' 'Origin: Debian' 'Architecture: amd64' 'Component: main' 2>/dev/null \
        | grep -E ' bookworm(-updates|-security)? main$' | sort -u) || true
    if ! grep -q ' bookworm main$' <<<"$lines"; then
        lines='deb http://deb.debian.org/debian bookworm main
deb http://deb.debian.org/debian bookworm-updates main
deb http://deb.debian.org/debian-security bookworm-security main'
    fi
    echo "$lines"
}

package_names() { sed 's/#.*//' "$here/packages" | xargs -n 1; }

# apt of its own, whose lists are in the cache and which has nothing installed.
own_apt() {
    apt-get -q -q -o Dir::State="$cache/apt" -o Dir::State::status="$cache/apt/status" -o Dir::Cache="$cache/apt" \
        -o Dir::Etc::sourcelist="$cache/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null -o APT::Architecture=amd64 \
        -o APT::Architectures=amd64 -o APT::Sandbox::User=root -o APT::Install-Recommends=false -o Dir::Etc::preferencesparts=/dev/null \
        -o Acquire::Languages=none "$@"
}

# Every package that the image would have today, as `name version`. Without the mirror: as of the last time.
package_versions() {
    mkdir -p "$cache/apt/lists/partial" "$cache/apt/archives/partial"
    : > "$cache/apt/status"
    sources | sed 's#^deb #deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] #' > "$cache/apt/sources.list"
    own_apt update >&2 || echo "the mirror cannot be reached; going by what it had the last time" >&2
    # shellcheck disable=SC2046
    own_apt --simulate install '?essential' '?priority(required)' apt $(package_names) | awk '$1 == "Inst" { print $2, $3 }' | tr -d '(' | sort -u
}

fingerprint() {
    local versions
    versions=$(package_versions)
    [ -n "$versions" ] || { echo "apt cannot tell which packages the image would have; is the mirror of bookworm reachable?" >&2; exit 1; }
    {
        echo "$size"
        echo "$versions"
        sources
        cd "$here" && find . -type f | sort | xargs sha256sum
    } | sha256sum | cut -d' ' -f1
}

# As root, or as somebody who seems to be: in a user namespace files can have all owners.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else unshare --user --map-root-user --map-auto -- "$@"; fi
}

# A tree of the recipe as a tar file, everything root's.
pack() { tar --create --file "$2" --directory "$here/$1" --owner=0 --group=0 --mode=u+rw,go-w --sort=name .; }

make_system() {
    pack early "$work/early.tar"
    pack overlay "$work/overlay.tar"
    sources > "$work/sources.list"
    # Namespaces of its own, also for root: no mount outlives it. A session of its own, so that all of it can be ended at once.
    # Others must be able to enter its directory, and need not be able to enter OUTPUT's.
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/coffer-image.XXXXXX")
    chmod 0755 "$scratch"
    TMPDIR=$scratch setsid mmdebstrap --quiet --mode=unshare --variant=minbase --architectures=amd64 --include="$(package_names | paste -s -d,)" \
        --dpkgopt=force-unsafe-io --essential-hook="tar-in $work/early.tar /" \
        --customize-hook="tar-in $work/overlay.tar /" --customize-hook="$(cat "$here/customise")" \
        bookworm "$work/system.tar" "$work/sources.list" >"$work/log" 2>&1 &
    builder=$!
    wait "$builder" || { builder=; tail -n 20 "$work/log" >&2; return 1; }
    builder=
}

# The same lines for both firmwares: find the root file system, and go on with its grub.cfg.
early_configuration() {
    cat <<END
search --no-floppy --fs-uuid --set=root $root_uuid
set root_uuid=$root_uuid
export root_uuid
set prefix=(\$root)/boot/grub
configfile /boot/grub/grub.cfg
END
}

grub_modules=(part_gpt ext2 search search_fs_uuid normal configfile linux echo test)

make_efi_partition() {
    early_configuration > "$work/early.cfg"
    grub-mkimage -O x86_64-efi -p /boot/grub -c "$work/early.cfg" -o "$work/bootx64.efi" fat "${grub_modules[@]}"
    rm -f "$work/efi.img"
    truncate -s $((efi_sectors * 512)) "$work/efi.img"
    mkfs.vfat -F 16 -n EFI "$work/efi.img" >/dev/null
    mmd -i "$work/efi.img" ::/EFI ::/EFI/BOOT
    mcopy -i "$work/efi.img" "$work/bootx64.efi" ::/EFI/BOOT/BOOTX64.EFI
    dd if="$work/efi.img" of="$disk" bs=512 seek=$efi_start conv=notrunc,sparse status=none
}

# little_endian NUMBER BYTES
little_endian() {
    local number=$1 i
    for ((i = 0; i < $2; i++)); do printf "\\x$(printf %02x $((number & 255)))"; number=$((number >> 8)); done
}

# put OFFSET: standard input into the disk.
put() { dd of="$disk" bs=1 seek="$1" conv=notrunc status=none; }

# What grub-install would do: boot.img before the partition table, the rest in a partition of its own, and in each the
# place of what follows. Offsets: GRUB_BOOT_MACHINE_KERNEL_SECTOR, 0x5c, in boot.img; the last block list entry of
# diskboot.img, at 0x1f4 of the core's first sector.
make_bios_loader() {
    early_configuration > "$work/early.cfg"
    grub-mkimage -O i386-pc -p /boot/grub -c "$work/early.cfg" -o "$work/core.img" biosdisk "${grub_modules[@]}"
    [ "$(stat -c %s "$work/core.img")" -le $((bios_sectors * 512)) ] || { echo "the boot loader is too large" >&2; return 1; }
    head -c 440 /usr/lib/grub/i386-pc/boot.img | put 0
    little_endian $bios_start 8 | put $((0x5c))
    dd if="$work/core.img" of="$disk" bs=512 seek=$bios_start conv=notrunc status=none
    little_endian $((bios_start + 1)) 8 | put $((bios_start * 512 + 0x1f4))
}

bios_start=2048 bios_sectors=2048
efi_start=4096 efi_sectors=65536
root_start=$((efi_start + efi_sectors))

make_disk() {
    local sectors=$((size * 2097152)) root_sectors
    # The last 33 sectors are the partition table's copy; whole MiB.
    root_sectors=$(((sectors - root_start - 33) / 2048 * 2048))
    truncate -s "${size}G" "$disk"
    sfdisk --quiet --no-reread --no-tell-kernel "$disk" <<END
label: gpt
14 : start=$bios_start, size=$bios_sectors, type=21686148-6449-6E6F-744E-656564454649, name=bios
15 : start=$efi_start, size=$efi_sectors, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=efi
1 : start=$root_start, size=$root_sectors, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, name=root
END
    mke2fs -q -F -t ext4 -b 4096 -U "$root_uuid" -L root -E "offset=$((root_start * 512)),lazy_itable_init=0,lazy_journal_init=0" \
        -d "$work/system" "$disk" $((root_sectors / 8))
}

builder='' scratch=''
clean_up() {
    local status=$?
    trap '' INT TERM HUP
    if [ -n "$builder" ]; then
        kill -KILL -- "-$builder" 2>/dev/null || true
        wait "$builder" 2>/dev/null || true
    fi
    # What may still be mounted there is not ours to remove.
    as_root rm -rf --one-file-system "$work" ${scratch:+"$scratch"} || true
    [ $status = 0 ] || rm -f "$disk"
    exit $status
}

make_image() {
    disk=$1
    [ ! -e "$disk" ] || { echo "$disk is there already" >&2; exit 1; }
    work=$(mktemp -d "$disk.work.XXXXXX")
    trap clean_up EXIT
    trap 'exit 130' INT TERM HUP
    root_uuid=$(cat /proc/sys/kernel/random/uuid)
    say "installing Debian 12 ($(package_names | wc -l) packages and what they need)"
    make_system
    say "laying the disk out"
    mkdir "$work/system"
    # Devices need root, and the kernel makes them itself.
    as_root tar --extract --file "$work/system.tar" --directory "$work/system" --exclude='./dev/*' --numeric-owner --xattrs --xattrs-include='*'
    printf 'UUID=%s / ext4 errors=remount-ro,x-systemd.growfs 0 0\n' "$root_uuid" | as_root tee "$work/system/etc/fstab" >/dev/null
    export -f make_disk
    as_root bash -euc "$(declare -p disk size work root_uuid bios_start bios_sectors efi_start efi_sectors root_start); make_disk"
    make_efi_partition
    make_bios_loader
    sync "$disk"
    say "made $disk: $size GiB, of which $(du --block-size=1M "$disk" | cut -f1) MiB are used"
}

check_needs
[[ $size =~ ^[1-9][0-9]{0,3}$ ]] || { echo "a size is whole GiB, up to 9999" >&2; exit 2; }
case $action in
    fingerprint) fingerprint;;
    image) make_image "${4:?$(usage)}";;
    *) usage;;
esac
