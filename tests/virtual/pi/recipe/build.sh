#!/usr/bin/env bash
# Writes the virtual Pi's root file system to stdout as a tar: Debian trixie with what a freshly
# prepared Raspberry Pi has (systemd, sshd, sudo, Python, NetworkManager) and nothing of the appliance.
# usage: build.sh MIRROR PYTHON_FROM_SID(yes|no)   as root; the result is cached by image.py
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mirror=$1
python_from_sid=$2
# shellcheck source=tests/virtual/debian.sh
source "$here/../../debian.sh"

packages=(
  systemd systemd-sysv dbus udev openssh-server sudo
  python3 python3-apt ca-certificates iproute2 iputils-ping procps tzdata
  network-manager polkitd
  dnsmasq-base  # the house's router
)
# shellcheck disable=SC2016  # mmdebstrap's shell, not this one, fills in $1, the root directory
hooks+=(
  --customize-hook="upload $here/init /usr/local/sbin/virtual-pi-init"
  --customize-hook="upload $here/house /usr/local/sbin/virtual-pi-house"
  --customize-hook="upload $here/customise.sh /tmp/customise.sh"
  --customize-hook='chroot "$1" sh /tmp/customise.sh '"$python_from_sid"
  --customize-hook='rm "$1/tmp/customise.sh"'
)

debian tar -
