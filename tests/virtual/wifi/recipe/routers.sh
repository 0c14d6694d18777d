#!/bin/sh
# The routers around the box, in a network name space with three radios of their own.
# usage: routers.sh run | deaf RADIO | hears RADIO | hide RADIO | phone RADIO SSID PASSPHRASE
#   deaf: it gives no more addresses, hears: it does again; hide: it says its name no more;
#   phone: it is a router no more, and joins a network by itself whenever that is there
set -eu
space="ip netns exec routers"

router() {  # router RADIO CHANNEL SSID(hostapd's ssid2) KEY-MANAGEMENT PROTECTED-MANAGEMENT-FRAMES
  cat >"/run/$1.conf" <<CONF
interface=$1
driver=nl80211
ssid2=$3
hw_mode=g
channel=$2
wpa=2
wpa_key_mgmt=$4
rsn_pairwise=CCMP
ieee80211w=$5
wpa_passphrase=right horse
CONF
  $space ip address add "192.168.$2.1/24" dev "$1"
  $space hostapd -B -P "/run/$1.hostapd" "/run/$1.conf"
  addresses "$1" "$2"
}

addresses() {  # addresses RADIO CHANNEL
  echo "$2" >"/run/$1.channel"
  $space dnsmasq --conf-file=/dev/null --port=0 --interface="$1" --bind-interfaces \
    --dhcp-range="192.168.$2.10,192.168.$2.99" --dhcp-leasefile="/run/$1.leases" --pid-file="/run/$1.pid"
}

case $1 in
  run)
    ip netns add routers
    for phy in 1 2 3; do iw phy "phy$phy" set netns name routers; done
    $space ip link set lo up
    # shellcheck disable=SC1003  # hostapd's own way of writing bytes
    router wlan1 1 'P"H\"me \xf0\x9f\x8f\xa0"' WPA-PSK 0
    router wlan2 6 '"Three"' SAE 2
    router wlan3 11 '"Both"' 'WPA-PSK SAE' 1
    ;;
  deaf) kill "$(cat "/run/$2.pid")" && rm "/run/$2.pid" ;;
  hears) [ -e "/run/$2.pid" ] || addresses "$2" "$(cat "/run/$2.channel")" ;;
  hide)
    kill "$(cat "/run/$2.hostapd")"
    sleep 2
    echo ignore_broadcast_ssid=1 >>"/run/$2.conf"
    $space hostapd -B -P "/run/$2.hostapd" "/run/$2.conf"
    ;;
  phone)
    kill "$(cat "/run/$2.hostapd")"
    sleep 2
    $space ip address flush dev "$2"
    printf 'ctrl_interface=/run/phone\nnetwork={\n  ssid="%s"\n  psk="%s"\n}\n' "$3" "$4" >/run/phone.conf
    $space wpa_supplicant -B -i "$2" -c /run/phone.conf
    $space ip address add 10.42.0.50/24 dev "$2"
    ;;
  *) exit 64 ;;
esac
