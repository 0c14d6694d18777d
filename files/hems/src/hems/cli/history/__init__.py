"""``hems history``: whether InfluxDB has every reading that Home Assistant had."""

COMMANDS = {
    "gaps": "list the gaps that were found, and their state",
    "fill": "find missing readings now and restore them from Home Assistant's recorder",
    "verify": "compare every reading, change nothing; exits with 1 when some are missing",
}
