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
root=$directory/root

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
options+=(--architectures=arm64 --dpkgopt='path-exclude=/usr/share/doc/*')
# shellcheck disable=SC2016  # mmdebstrap's shell, not this one, fills in $1, the root directory
hooks+=(
  # No more in the first root disk than a virtual machine needs: it is read at every start.
  --essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d"; echo MODULES=list >"$1/etc/initramfs-tools/conf.d/small"'
  --essential-hook='printf "virtio_pci\nvirtio_blk\next4\n" >"$1/etc/initramfs-tools/modules"'
  --customize-hook="upload $pi/house /usr/local/sbin/virtual-pi-house"
  --customize-hook="upload $pi/init /usr/local/sbin/virtual-pi-init"
  --customize-hook="upload $pi/customise.sh /tmp/pi.sh"
  --customize-hook="upload $here/customise.sh /tmp/customise.sh"
  --customize-hook='chroot "$1" sh /tmp/pi.sh '"$python_from_sid"
  --customize-hook='chroot "$1" sh /tmp/customise.sh'
  --customize-hook='rm "$1/tmp/pi.sh" "$1/tmp/customise.sh"'
)

rm -rf "$root"
debian directory "$root"
cp "$root"/boot/vmlinuz-* "$directory/vmlinuz"
cp "$root"/boot/initrd.img-* "$directory/initrd"
rm -f "$directory/disk.raw"
truncate --size 16G "$directory/disk.raw"
mke2fs -q -t ext4 -d "$root" -L root "$directory/disk.raw"
qemu-img convert -O qcow2 "$directory/disk.raw" "$directory/disk.qcow2"
rm -rf "$root" "$directory/disk.raw"
