#!/bin/sh
# The routers around the box, in a network name space with three radios of their own.
# usage: routers.sh run | deaf RADIO | hears RADIO | off RADIO | on RADIO | hide RADIO
#        | phone RADIO SSID PASSPHRASE ADDRESS | plug ADDRESS | unplug
#   deaf: it gives no more addresses, hears: it does again; off: it is gone, on: it is back;
#   hide: it says its name no more;
#   phone: it is a router no more, and joins a network by itself whenever that is there, or, of a name
#   that there is not yet, a second phone on the radio of wlan3;
#   plug: the box has a cable to a router with that address, unplug: it has not
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
    # Two phones are two machines: each radio answers for its own address alone.
    $space sysctl -q net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2 net.ipv4.conf.all.rp_filter=0
    # shellcheck disable=SC1003  # hostapd's own way of writing bytes
    router wlan1 1 'P"H\"me \xf0\x9f\x8f\xa0"' WPA-PSK 0
    router wlan2 6 '"Three"' SAE 2
    router wlan3 11 '"Both"' 'WPA-PSK SAE' 1
    ;;
  deaf) kill "$(cat "/run/$2.pid")" && rm "/run/$2.pid" ;;
  hears) [ -e "/run/$2.pid" ] || addresses "$2" "$(cat "/run/$2.channel")" ;;
  off) kill "$(cat "/run/$2.hostapd")" ;;
  on) $space hostapd -B -P "/run/$2.hostapd" "/run/$2.conf" ;;
  hide)
    kill "$(cat "/run/$2.hostapd")"
    sleep 2
    echo ignore_broadcast_ssid=1 >>"/run/$2.conf"
    $space hostapd -B -P "/run/$2.hostapd" "/run/$2.conf"
    ;;
  phone)
    if [ -e "/run/$2.hostapd" ]; then
      kill "$(cat "/run/$2.hostapd")"
      sleep 2
      $space ip address flush dev "$2"
    else
      $space iw phy phy3 interface add "$2" type managed
    fi
    printf 'ctrl_interface=/run/phone\nnetwork={\n  ssid="%s"\n  psk="%s"\n}\n' "$3" "$4" >/run/phone.conf
    $space wpa_supplicant -B -i "$2" -c /run/phone.conf
    $space ip address add "$5/24" dev "$2"
    ;;
  plug)
    ip link add cable0 type veth peer name house0 netns routers
    $space ip address add "$2/24" dev house0
    $space ip link set house0 up
    addresses house0 "$(echo "$2" | cut -d. -f3)"
    ;;
  unplug)
    kill "$(cat /run/house0.pid)"
    ip link delete cable0
    ;;
  *) exit 64 ;;
esac
