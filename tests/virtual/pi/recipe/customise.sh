#!/bin/sh
# Runs inside the new root file system (from build.sh): a user like the one Raspberry Pi Imager
# makes, caches that outlive the Pi, and nothing that acts on its own while a test runs.
# usage: customise.sh PYTHON_FROM_SID(yes|no)
set -eu
python_from_sid=$1

useradd --create-home --shell /bin/bash --groups sudo --uid 1000 pi
echo 'pi ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/010_pi-nopasswd
chmod 0440 /etc/sudoers.d/010_pi-nopasswd

chmod 0755 /usr/local/sbin/virtual-pi-init /usr/local/sbin/virtual-pi-house
rm -f /etc/ssh/ssh_host_*          # each Pi makes its own at its first start (init)
: >/etc/machine-id                 # likewise
ln -sf /usr/share/zoneinfo/Etc/UTC /etc/localtime
echo 'LANG=C.UTF-8' >/etc/default/locale

# Nobody answers a console prompt here, a timer's apt run would hold dpkg's lock, and the kernel
# that could be traced is the host's.
systemctl mask systemd-firstboot.service getty@tty1.service console-getty.service \
  apt-daily.timer apt-daily-upgrade.timer fstrim.timer \
  sys-kernel-debug.mount sys-kernel-tracing.mount >/dev/null 2>&1

# NetworkManager has the uplink, a cable to the house's router, and leaves the wire to the machine
# outside alone, as well as the name servers that are reached by it.
cat >/etc/systemd/system/virtual-pi-house.service <<'UNIT'
[Unit]
Description=The house that the virtual Pi stands in: its router
Before=NetworkManager.service network-pre.target
Wants=network-pre.target
[Service]
ExecStart=/usr/local/sbin/virtual-pi-house run
ExecStopPost=-/usr/local/sbin/virtual-pi-house clean
[Install]
WantedBy=multi-user.target
UNIT
cat >/etc/NetworkManager/conf.d/virtual-pi.conf <<'SETTINGS'
[main]
dns=none
no-auto-default=*
[keyfile]
unmanaged-devices=interface-name:eth0
SETTINGS
cat >/etc/NetworkManager/system-connections/uplink.nmconnection <<'PROFILE'
[connection]
id=uplink
type=ethernet
interface-name=uplink0
[ipv4]
method=auto
[ipv6]
method=disabled
PROFILE
chmod 0600 /etc/NetworkManager/system-connections/uplink.nmconnection
systemctl enable virtual-pi-house.service >/dev/null 2>&1

# The host's caches (mounted by machine.py): packages are copied out, since apt locks its
# archive directory; uv's and pip's caches may be shared by several Pis as they are.
mkdir -p /var/cache/virtual-pi
cat >/etc/apt/apt.conf.d/90virtual-pi <<'APT'
APT::Keep-Downloaded-Packages "true";
Binary::apt::APT::Keep-Downloaded-Packages "true";
DPkg::Post-Invoke { "cp -n /var/cache/apt/archives/*.deb /var/cache/virtual-pi/apt/ 2>/dev/null || true"; };
APT
cat >>/etc/environment <<'ENVIRONMENT'
UV_CACHE_DIR=/var/cache/virtual-pi/uv
UV_LINK_MODE=copy
PIP_CACHE_DIR=/var/cache/virtual-pi/pip
ENVIRONMENT
# Python tools bring their own list of authorities; where this network has others, they use Debian's.
if [ -n "$(ls /usr/local/share/ca-certificates/ 2>/dev/null)" ]; then
  cat >>/etc/environment <<'ENVIRONMENT'
UV_SYSTEM_CERTS=1
SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt
ENVIRONMENT
fi

# Home Assistant's own Python, only where its real download (python-build-standalone) can't be
# reached: Debian sid's, with the few libraries that it needs, everything else stays trixie's.
if [ "$python_from_sid" = yes ]; then
  mirror=$(sed -n 's/^deb .*\(http[^ ]*\) trixie main$/\1/p' /etc/apt/sources.list | head -n 1)
  echo "deb [check-valid-until=no] $mirror sid main" >/etc/apt/sources.list.d/sid.list
  printf 'Package: *\nPin: release n=sid\nPin-Priority: 1\n' >/etc/apt/preferences.d/sid
  apt-get update -qq
  apt-get install -qq -y --no-install-recommends \
    python3.14/sid python3.14-venv/sid libpython3.14-stdlib/sid libpython3.14-minimal/sid \
    python3.14-minimal/sid libc6/sid libc-bin/sid libexpat1/sid libffi8/sid
  rm /etc/apt/sources.list.d/sid.list /etc/apt/preferences.d/sid
  apt-get clean
fi
