#!/usr/bin/env bash
# Makes the machine that the WiFi scenario runs in: Debian trixie with its own kernel (simulated radios
# are kernel modules), what a Pi has of NetworkManager and nginx, and the phone's and the router's tools.
# usage: build.sh MIRROR DIRECTORY REQUIREMENTS   as root; leaves vmlinuz, initrd and disk.qcow2 in DIRECTORY
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mirror=$1
directory=$2
requirements=$3
# shellcheck source=tests/virtual/debian.sh
source "$here/../../debian.sh"
root=$directory/root

packages=(
  linux-image-amd64 initramfs-tools systemd systemd-sysv dbus udev openssh-server sudo polkitd
  python3 python3-venv python3-apt ca-certificates iproute2 iputils-ping procps tzdata curl nftables rfkill
  network-manager wpasupplicant wireless-regdb iw dnsmasq-base
  nginx libnginx-mod-stream
  hostapd nmap  # the home's router, and the look at what is open
)
options+=(--dpkgopt='path-exclude=/usr/share/doc/*')
# shellcheck disable=SC2016  # mmdebstrap's shell, not this one, fills in $1, the root directory
hooks+=(
  # No more in the first root disk than a virtual machine needs: it is read at every start.
  --essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d"; echo MODULES=list >"$1/etc/initramfs-tools/conf.d/small"'
  --essential-hook='printf "virtio_pci\nvirtio_blk\next4\n" >"$1/etc/initramfs-tools/modules"'
  --customize-hook="upload $requirements /tmp/requirements.txt"
  --customize-hook="upload $here/customise.sh /tmp/customise.sh"
  --customize-hook='chroot "$1" sh /tmp/customise.sh'
  --customize-hook='rm "$1/tmp/customise.sh" "$1/tmp/requirements.txt"'
)

mkdir -p "$directory"
rm -rf "$root"
debian directory "$root"
cp "$(readlink -f "$root/vmlinuz")" "$directory/vmlinuz" 2>/dev/null || cp "$root"/boot/vmlinuz-* "$directory/vmlinuz"
cp "$root"/boot/initrd.img-* "$directory/initrd"
rm -f "$directory/disk.raw"
truncate --size 3G "$directory/disk.raw"
mke2fs -q -t ext4 -d "$root" -L root "$directory/disk.raw"
qemu-img convert -O qcow2 "$directory/disk.raw" "$directory/disk.qcow2"
rm -rf "$root" "$directory/disk.raw"
