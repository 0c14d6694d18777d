"""``hems zigbee``: the dongle and its devices."""

COMMANDS = {
    "adopt": "set up the plugged-in dongle in Home Assistant, if it has none yet",
    "info": "show the dongle and its network, without any key",
    "devices": "list the devices and when each last reported",
    "backup": "back up the dongle's network",
    "restore": "write a backup to the plugged-in dongle, such as a replacement",
    "pair": "let a device join: the meter, or another one with --name",
}
