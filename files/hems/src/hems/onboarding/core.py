"""WiFi networks and what became of joining one, in words. Pure.

Numbers: NetworkManager's D-Bus interface 1.52, NM80211ApFlags, NM80211ApSecurityFlags and
NMDeviceStateReason. Which reason means what was found with hostapd's access points.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

PRIVACY = 0x1
PSK, ENTERPRISE, SAE, OWE = 0x100, 0x200 | 0x2000, 0x400, 0x800
HEX_KEY = re.compile(r"[0-9a-fA-F]{64}")


class Lock(StrEnum):
    """How a network is secured."""

    OPEN = "open"
    WPA2 = "WPA2"
    TRANSITION = "WPA2/WPA3"
    WPA3 = "WPA3"
    ENTERPRISE = "enterprise"
    WEP = "WEP"


@dataclass(frozen=True)
class Network:
    """A network in range. ``strength``: per cent."""

    ssid: bytes
    strength: int
    lock: Lock

    @property
    def name(self) -> str:
        """Its name for people: an SSID is bytes, and need not be text."""
        return shown(self.ssid)


def shown(ssid: bytes) -> str:
    """Return an SSID as text in one line; what is no text is shown by its bytes."""
    text = ssid.decode("utf-8", errors="backslashreplace")
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


def lock_of(flags: int, wpa: int, rsn: int) -> Lock:
    """Return how an access point is secured, of its three sets of flags."""
    both = wpa | rsn
    if both & ENTERPRISE:
        return Lock.ENTERPRISE
    if both & SAE:
        return Lock.TRANSITION if both & PSK else Lock.WPA3
    if both & PSK:
        return Lock.WPA2
    return Lock.WEP if flags & PRIVACY and not both & OWE else Lock.OPEN


def network_of(properties: Mapping[str, Any]) -> Network:
    """Return an access point's D-Bus properties as a network."""
    flags = (int(properties.get(name, 0)) for name in ("Flags", "WpaFlags", "RsnFlags"))
    return Network(bytes(properties["Ssid"]), int(properties.get("Strength", 0)), lock_of(*flags))


def listed(networks: Iterable[Network]) -> list[Network]:
    """Return each network once, of its access points the strongest; the strongest network first."""
    best: dict[bytes, Network] = {}
    for one in networks:
        if one.ssid.strip(b"\0") and one.strength >= best.get(one.ssid, one).strength:
            best[one.ssid] = one
    return sorted(best.values(), key=lambda one: (-one.strength, one.ssid))


def key_problem(lock: Lock, key: str) -> str | None:
    """Say in a sentence why a network can't be joined with this passphrase; None: it may work."""
    if lock is Lock.ENTERPRISE:
        return (
            "This network asks for a user name (WPA Enterprise), which the box can't give: use "
            "another network, or a cable."
        )
    if lock is Lock.WEP:
        return "This network is secured with WEP, which nobody should use: set the router to WPA2."
    if lock is Lock.OPEN:
        return "This network is open: leave the passphrase empty." if key else None
    if HEX_KEY.fullmatch(key) or (8 <= len(key) <= 63 and key.isascii() and key.isprintable()):
        return None
    return "A WiFi passphrase has 8 to 63 letters, digits and signs, or 64 hexadecimal digits."


def why(reason: int, lock: Lock | None) -> str:
    """Say in a sentence why joining failed. ``lock``: None where the network was not in range."""
    match reason:
        case 7:
            return "The passphrase is wrong: look for capitals, and for O and 0."
        case 53 if lock is Lock.WPA3:
            return "The network did not let the box in: probably the passphrase is wrong."
        case 8 | 9 | 10 | 11 | 53 if lock is Lock.TRANSITION:
            return (
                "The network did not let the box in: either the passphrase is wrong, or this box's "
                "radio does not get along with its WPA2/WPA3 mode. Set the router to WPA2 alone, "
                "and try again."
            )
        case 53:
            return "The network is not in range: move the box, or look at how its name is spelt."
        case 8 | 9 | 10 | 11:
            return "The network did not let the box in: try again, and check the passphrase."
        case 5 | 15 | 16 | 17:
            return "The network gave the box no address: restart the router, or look at its DHCP."
        case 2 | 36 | 40:
            return "The WiFi adapter went away: plug it in again, or restart the box."
    return f"It did not work (NetworkManager's reason {reason}): 'journalctl -u NetworkManager'."


def profile(ssid: bytes, lock: Lock, key: str, *, hidden: bool) -> dict[str, dict[str, Any]]:
    """Return a connection's settings as plain values. wpa-psk joins WPA3 too."""
    settings: dict[str, dict[str, Any]] = {
        "connection": {"id": shown(ssid)[:100], "type": "802-11-wireless"},
        "802-11-wireless": {"ssid": ssid, "mode": "infrastructure", "hidden": hidden},
    }
    if lock is not Lock.OPEN:
        settings["802-11-wireless-security"] = {"key-mgmt": "wpa-psk", "psk": key}
    return settings
