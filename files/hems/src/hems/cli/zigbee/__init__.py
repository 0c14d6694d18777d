"""``hems zigbee``: the dongle and its devices."""

COMMANDS = {
    "adopt": "let Home Assistant take the dongle that is plugged in, when it has none yet",
    "info": "show the dongle and its network, without any key",
    "devices": "show the devices and when each was last heard",
    "backup": "keep a copy of the dongle's network",
    "restore": "put a backup on the dongle that is plugged in, a replacement for example",
    "pair": "let a device join: the meter, or another one by its name",
}
