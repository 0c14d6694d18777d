#!/bin/sh
# Runs inside the new root file system after the virtual Pi's own customise.sh: what podman and init do for
# the container, a machine does for itself.
set -eu
rm /usr/local/sbin/virtual-pi-init
echo raspberrypi >/etc/hostname
printf '127.0.0.1 localhost\n127.0.1.1 raspberrypi\n' >/etc/hosts
echo 'LABEL=root / ext4 noatime 0 1' >/etc/fstab
mkdir -p /var/cache/virtual-pi/apt /var/cache/virtual-pi/uv /var/cache/virtual-pi/pip

# The wire to the machine outside: addresses are those of QEMU's own network.
printf '[Match]\nName=eth0\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\nIPv6AcceptRA=no\n' \
  >/etc/systemd/network/10-eth0.network
rm -f /etc/resolv.conf
echo 'nameserver 10.0.2.3' >/etc/resolv.conf
systemctl enable systemd-networkd.service >/dev/null 2>&1

# The cable to the house is a veth, which udev's rules would keep from NetworkManager; a container has no udev.
cat >/etc/NetworkManager/conf.d/virtual-pi-uplink.conf <<'SETTINGS'
[device-uplink0]
match-device=interface-name:uplink0
managed=1
SETTINGS

# Its own ssh host key; and empty lists with a new date would look fresh to apt's cache_valid_time.
cat >/etc/systemd/system/virtual-pi-first-start.service <<'UNIT'
[Unit]
Description=What this very machine does once
Before=ssh.service
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key
[Service]
Type=oneshot
ExecStart=/usr/bin/touch -d @0 /var/lib/apt/lists
ExecStart=/usr/bin/ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
[Install]
WantedBy=multi-user.target
UNIT
systemctl enable virtual-pi-first-start.service >/dev/null 2>&1

# What a Pi starts in two seconds takes a minute here when other work runs beside it; the run has limits of its own.
mkdir -p /etc/systemd/system/service.d
printf '[Service]\nTimeoutStartSec=infinity\n' >/etc/systemd/system/service.d/virtual-pi-patient.conf

# It stands for a Pi over hours, and computes slowly: nothing runs beside what is to be seen.
systemctl mask systemd-networkd-wait-online.service NetworkManager-wait-online.service e2scrub_all.timer \
  dpkg-db-backup.timer serial-getty@ttyAMA0.service >/dev/null 2>&1
