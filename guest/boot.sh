#!/bin/bash
# guest/boot.sh GUESTDIR "coffer.job=... coffer.canary=..." [QEMU ARGUMENT...]
#
# Boots the test guest with the serial console on the terminal. Disks are given as QEMU arguments, for instance the ones
# that `coffer disk attach` prints, or -drive file=disk.raw,format=raw,if=virtio,cache=none.
set -euo pipefail
guest=${1:?usage: guest/boot.sh GUESTDIR PARAMETERS [QEMU ARGUMENT...]} parameters=${2:?which job?}
shift 2
exec qemu-system-x86_64 -accel tcg -cpu max -machine q35 -m 256 -smp 1 -nodefaults -no-user-config -display none -no-reboot \
    -kernel "$guest/vmlinuz" -initrd "$guest/initrd.img" -append "console=ttyS0 quiet loglevel=1 panic=-1 $parameters" \
    -serial stdio "$@"
