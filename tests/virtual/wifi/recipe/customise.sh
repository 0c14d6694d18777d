#!/bin/sh
# Runs inside the machine's new root file system (from build.sh).
set -eu
useradd --create-home --shell /bin/bash --groups sudo --uid 1000 pi
echo 'pi ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/010_pi-nopasswd
chmod 0440 /etc/sudoers.d/010_pi-nopasswd
echo virtual-wifi >/etc/hostname
echo 'LABEL=root / ext4 noatime 0 1' >/etc/fstab
ln -sf /usr/share/zoneinfo/Etc/UTC /etc/localtime
echo 'LANG=C.UTF-8' >/etc/default/locale
# The radios: one is the box's, the others are the routers' and the phones'.
echo mac80211_hwsim >/etc/modules-load.d/wifi.conf
echo 'options mac80211_hwsim radios=5' >/etc/modprobe.d/wifi.conf
# The wire to the machine outside is none of NetworkManager's, and no uplink.
cat >/etc/NetworkManager/conf.d/wifi.conf <<'SETTINGS'
[main]
no-auto-default=*
[keyfile]
unmanaged-devices=interface-name:mgmt0
SETTINGS
printf '[Match]\nDriver=virtio_net\n[Link]\nName=mgmt0\n' >/etc/systemd/network/10-mgmt.link
# No route by it: the box shall not think that it has an uplink.
printf '[Match]\nName=mgmt0\n[Network]\nAddress=10.0.2.15/24\n' >/etc/systemd/network/10-mgmt.network
systemctl enable systemd-networkd.service >/dev/null 2>&1
systemctl mask systemd-networkd-wait-online.service hostapd.service wpa_supplicant-nl80211@.service \
  NetworkManager-wait-online.service apt-daily.timer apt-daily-upgrade.timer fstrim.timer e2scrub_all.timer \
  man-db.timer dpkg-db-backup.timer systemd-firstboot.service >/dev/null 2>&1
systemctl disable nginx.service nftables.service >/dev/null 2>&1
# The box's own Python; the package itself is copied in when a test begins.
python3 -m venv /opt/hems-python
/opt/hems-python/bin/pip install --quiet --no-deps --require-hashes --only-binary :all: --requirement /tmp/requirements.txt
rm -rf /root/.cache
