#!/bin/sh
# The routers around the box and its guests' phones, in a network name space with four radios of their own.
# usage: routers.sh run | deaf RADIO | hears RADIO | off RADIO | on RADIO | hide RADIO | show RADIO
#        | phone RADIO SSID PASSPHRASE ADDRESS CHANNEL | plug ADDRESS | unplug
#   deaf: it gives no more addresses, hears: it does again; off: it is gone, on: it is back;
#   hide: it says its name no more, show: it does again;
#   phone: it joins a network by itself whenever that is there; of a name that there is not yet, it is a
#   second phone on the radio of wlan4;
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

off() {  # off RADIO; hostapd takes its file away when it has ended
  [ -e "/run/$1.hostapd" ] || return 0
  kill "$(cat "/run/$1.hostapd")"
  while [ -e "/run/$1.hostapd" ]; do sleep 0.2; done
}

case $1 in
  run)
    ip netns add routers
    for phy in 1 2 3 4; do iw phy "phy$phy" set netns name routers; done
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
  off) off "$2" ;;
  on) [ -e "/run/$2.hostapd" ] || $space hostapd -B -P "/run/$2.hostapd" "/run/$2.conf" ;;
  hide | show)
    off "$2"
    sed -i /^ignore_broadcast_ssid/d "/run/$2.conf"
    [ "$1" = show ] || echo ignore_broadcast_ssid=1 >>"/run/$2.conf"
    $space hostapd -B -P "/run/$2.hostapd" "/run/$2.conf"
    ;;
  phone)
    $space ip link show "$2" >/dev/null 2>&1 || $space iw phy phy4 interface add "$2" type managed
    # It looks on one channel alone: on all of them it would take seconds longer to see the hotspot.
    frequency=$((2407 + 5 * $6))
    printf 'ctrl_interface=/run/phone\nnetwork={\n  ssid="%s"\n  psk="%s"\n  scan_freq=%d\n  freq_list=%d\n}\n' \
      "$3" "$4" "$frequency" "$frequency" >/run/phone.conf
    $space wpa_supplicant -B -i "$2" -c /run/phone.conf
    $space wpa_cli -p /run/phone -i "$2" scan_interval 1
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
