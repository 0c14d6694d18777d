"""The Zigbee dongle: finding, adopting, backing up and restoring it; and pairing devices."""
