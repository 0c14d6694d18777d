"""``hems history``: whether InfluxDB has every reading that Home Assistant had."""

COMMANDS = {
    "gaps": "show the gaps that were found and what became of them",
    "fill": "find what is missing now and give it back from Home Assistant's recorder",
    "verify": "compare every reading and fill nothing; ends with 1 when some are missing",
}
