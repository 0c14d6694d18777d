#!/usr/bin/env bash
# Makes the disk of the 64-bit ARM machine: Debian trixie with its own kernel and what a freshly prepared
# Raspberry Pi has, as on the virtual Pi, and nothing of the appliance. Its packages are configured by
# qemu-user, which takes a fraction of the time that the whole emulated machine would need.
# usage: build.sh MIRROR PYTHON_FROM_SID(yes|no) DIRECTORY   as root; leaves vmlinuz, initrd and disk.qcow2 in DIRECTORY
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
pi=$here/../../pi/recipe
mirror=$1
python_from_sid=$2
directory=$3
# shellcheck source=tests/virtual/debian.sh
source "$here/../../debian.sh"
# shellcheck source=tests/virtual/disk.sh
source "$here/../../disk.sh"

# Without systemd here nobody has told the kernel what to run foreign programs with.
if [ ! -e /proc/sys/fs/binfmt_misc/register ]; then
  mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
  trap 'umount /proc/sys/fs/binfmt_misc' EXIT
fi
[ -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ] || update-binfmts --enable qemu-aarch64

packages=(
  linux-image-arm64 initramfs-tools
  systemd systemd-sysv dbus udev openssh-server sudo
  python3 python3-apt ca-certificates iproute2 iputils-ping procps tzdata
  network-manager polkitd
  dnsmasq-base  # the house's router
)
options+=(--architectures=arm64)
# shellcheck disable=SC2016  # mmdebstrap's shell, not this one, fills in $1, the root directory
hooks+=(
  --customize-hook="upload $pi/house /usr/local/sbin/virtual-pi-house"
  --customize-hook="upload $pi/init /usr/local/sbin/virtual-pi-init"
  --customize-hook="upload $pi/customise.sh /tmp/pi.sh"
  --customize-hook="upload $here/customise.sh /tmp/customise.sh"
  --customize-hook='chroot "$1" sh /tmp/pi.sh '"$python_from_sid"
  --customize-hook='chroot "$1" sh /tmp/customise.sh'
  --customize-hook='rm "$1/tmp/pi.sh" "$1/tmp/customise.sh"'
)

disk 16G "$directory"
