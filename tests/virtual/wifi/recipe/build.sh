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
# shellcheck source=tests/virtual/disk.sh
source "$here/../../disk.sh"

packages=(
  linux-image-amd64 initramfs-tools systemd systemd-sysv dbus udev openssh-server sudo polkitd
  python3 python3-venv python3-apt ca-certificates iproute2 iputils-ping procps tzdata curl nftables rfkill
  network-manager wpasupplicant wireless-regdb iw dnsmasq-base
  nginx libnginx-mod-stream
  hostapd nmap  # the home's router, and the look at what is open
)
# shellcheck disable=SC2016  # mmdebstrap's shell, not this one, fills in $1, the root directory
hooks+=(
  --customize-hook="upload $requirements /tmp/requirements.txt"
  --customize-hook="upload $here/customise.sh /tmp/customise.sh"
  --customize-hook='chroot "$1" sh /tmp/customise.sh'
  --customize-hook='rm "$1/tmp/customise.sh" "$1/tmp/requirements.txt"'
)

disk 3G "$directory"
