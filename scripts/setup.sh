#!/bin/bash
# scripts/setup.sh [packages|az|all]: makes a Debian 12 machine with Swift able to build, run and test Coffer.
#
#   packages  the Debian packages that are missing, and the check that Swift is new enough (needs root if any is missing)
#   az        Azure's CLI, and the current Azure SDKs for Python, each in a virtual environment of its own:
#             ~/.cache/coffer/az-VERSION and ~/.cache/coffer/sdk-NUMBER, shared by all clones
#
# Quick when there is nothing to do. `run` and `test` call it.
set -euo pipefail

az_version=2.91.0
sdk_version=2
sdk_home=${XDG_CACHE_HOME:-$HOME/.cache}/coffer/sdk-$sdk_version
az_home=${XDG_CACHE_HOME:-$HOME/.cache}/coffer/az-$az_version
packages=(
    # building
    ca-certificates git pkg-config libssl-dev libcrypt-dev libsqlite3-dev libpq-dev libmimalloc-dev zlib1g-dev libp11-kit-dev librbd-dev librados-dev
    # guests
    qemu-system-x86 qemu-utils busybox-static cryptsetup-bin dmsetup e2fsprogs cpio kmod iproute2 nftables dnsmasq-base
    # images of guests: coffer image build
    mmdebstrap debian-archive-keyring fdisk dosfstools mtools grub-common grub-pc-bin grub-efi-amd64-bin ovmf
    # az; names below vault.localhost must resolve to this machine
    python3 python3-venv libnss-myhostname
    # tests
    ceph-mon ceph-osd ceph-common fio postgresql libnbd-bin qemu-block-extra openssl util-linux softhsm2 xfsprogs openssh-client sshpass
)

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

install_packages() {
    local missing=() package
    for package in "${packages[@]}"; do is_installed "$package" || missing+=("$package"); done
    [ ${#missing[@]} -eq 0 ] && return
    if [ "$(id -u)" != 0 ]; then
        echo "setup: Debian packages are missing. Run this as root, then start again:" >&2
        echo "    apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
    echo "setup: installing ${missing[*]}"
    local log
    log=$(mktemp)
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -q -q && apt-get install -y -q --no-install-recommends "${missing[@]}"; } > "$log" 2>&1 \
        || { cat "$log" >&2; exit 1; }
    rm "$log"
}

check_swift() {
    local version
    version=$(swift --version 2>/dev/null | grep -o 'Swift version [0-9]*\.[0-9]*' | head -n 1 | cut -d' ' -f3) || true
    if [ -z "$version" ] || [ "$(printf '%s\n6.2\n' "$version" | sort -V | head -n 1)" != 6.2 ]; then
        echo "setup: Swift 6.2 or newer is needed (found: ${version:-none}). See https://www.swift.org/install/linux/" >&2
        exit 1
    fi
}

install_az() {
    [ -f "$az_home/complete" ] && return
    mkdir -p "$az_home"
    exec 9>"$az_home.lock"
    flock 9
    [ -f "$az_home/complete" ] && return
    echo "setup: installing azure-cli $az_version in $az_home"
    python3 -m venv --clear "$az_home"
    "$az_home/bin/pip" install -q --disable-pip-version-check "azure-cli==$az_version" azure-identity azure-keyvault-keys
    touch "$az_home/complete"
}

# The SDKs are newer than those that az pins. Count sdk_version up when the list changes.
install_sdk() {
    [ -f "$sdk_home/complete" ] && return
    mkdir -p "$sdk_home"
    exec 8>"$sdk_home.lock"
    flock 8
    [ -f "$sdk_home/complete" ] && return
    echo "setup: installing the Azure SDKs in $sdk_home"
    python3 -m venv --clear "$sdk_home"
    "$sdk_home/bin/pip" install -q --disable-pip-version-check azure-identity azure-keyvault-keys azure-keyvault-secrets \
        azure-keyvault-certificates azure-keyvault-administration azure-mgmt-keyvault azure-mgmt-compute azure-storage-blob cryptography jsonschema
    touch "$sdk_home/complete"
}

case ${1:-all} in
    packages) install_packages; check_swift;;
    az) install_az; install_sdk;;
    all) install_packages; check_swift; install_az; install_sdk;;
    *) echo "usage: scripts/setup.sh [packages|az|all]" >&2; exit 2;;
esac
