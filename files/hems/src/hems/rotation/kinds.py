"""What can be renewed, and which files of ``paths.secrets`` that is. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hems.readable_secret import LENGTH
from hems.settings import Accounts

OWNER, TOKEN, TOKENS, OPERATOR = "owner", "home_assistant", "tokens", "operator"
# Those of the box's own MQTT accounts that every box has.
CORE_MQTT = ("home_assistant", "hems", "discovery")
KEY_LENGTH, HOTSPOT_LENGTH = 43, 12  # characters: 256 bits and more; typed on a phone
# What a kind is, in the order in which they are renewed: who can't be asked stops it first.
KINDS = {
    OWNER: "the owner's password in Home Assistant, unless the owner has changed it",
    TOKEN: "the box's own access to Home Assistant",
    OPERATOR: "the InfluxDB token that may do everything",
    TOKENS: "the InfluxDB tokens of Home Assistant, the history and the watchdog",
    "door": "the door's password; whoever is logged in there must log in again",
    "influxdb": "the password of InfluxDB's own log-in",
    "mqtt": "the MQTT passwords of the box's own services",
    "hotspot": "the hotspot's passphrase; the box needs a new label",
}


def unknown(kinds: Collection[str]) -> list[str]:
    """Return the words that are no kind."""
    return sorted(set(kinds) - set(KINDS))


def files(
    kinds: Collection[str], devices: Collection[str], accounts: Accounts, there: Collection[str]
) -> Mapping[str, int]:
    """Return the secrets that are simply made anew: file name → characters.

    ``there``: the files' names in the secrets' directory; a box without a hotspot has none for it.
    """
    services = (*CORE_MQTT, *accounts.mqtt_services)
    of_kinds: dict[str, dict[str, int]] = {
        "door": {"door_password": LENGTH, "door_key": KEY_LENGTH},
        "influxdb": {"influxdb_password": LENGTH},
        "mqtt": {f"mqtt_{name}": LENGTH for name in services},
        "hotspot": {"hotspot": HOTSPOT_LENGTH},
    }
    wanted = {f"mqtt_{name}": LENGTH for name in devices}
    for kind in kinds:
        wanted |= of_kinds.get(kind, {})
    return {name: length for name, length in wanted.items() if name in there}
