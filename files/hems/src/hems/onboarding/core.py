"""WiFi networks, and what became of joining one. Pure.

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
SSID_BYTES = 32
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


class Trouble(StrEnum):
    """What keeps the box off a network; words/*.toml has a sentence for each."""

    NAME = "name"
    ENTERPRISE = "enterprise"
    WEP = "wep"
    OPEN_KEY = "open_key"
    KEY = "key"
    PASSPHRASE = "passphrase"
    WPA3_PASSPHRASE = "wpa3_passphrase"
    TRANSITION = "transition"
    ABSENT = "absent"
    REFUSED = "refused"
    NO_ADDRESS = "no_address"
    ADAPTER = "adapter"
    SLOW = "slow"
    NO_INTERNET = "no_internet"
    OTHER = "other"


def key_problem(lock: Lock, key: str) -> Trouble | None:
    """Return why a network can't be joined with this passphrase; None: it may work."""
    if lock is Lock.ENTERPRISE:
        return Trouble.ENTERPRISE
    if lock is Lock.WEP:
        return Trouble.WEP
    if lock is Lock.OPEN:
        return Trouble.OPEN_KEY if key else None
    if HEX_KEY.fullmatch(key) or (8 <= len(key) <= 63 and key.isascii() and key.isprintable()):
        return None
    return Trouble.KEY


def why(reason: int, lock: Lock | None) -> Trouble:
    """Return why joining failed. ``lock``: None where the network was not in range."""
    match reason:
        case 7:
            return Trouble.PASSPHRASE
        case 53 if lock is Lock.WPA3:
            return Trouble.WPA3_PASSPHRASE
        case 8 | 9 | 10 | 11 | 53 if lock is Lock.TRANSITION:
            return Trouble.TRANSITION
        case 53:
            return Trouble.ABSENT
        case 8 | 9 | 10 | 11:
            return Trouble.REFUSED
        case 5 | 15 | 16 | 17:
            return Trouble.NO_ADDRESS
        case 2 | 36 | 40:
            return Trouble.ADAPTER
    return Trouble.OTHER


def why_silent(lock: Lock | None) -> Trouble:
    """Return why a network neither lets the box in nor refuses it in time.

    WPA3's answer to a wrong passphrase is none, as far as NetworkManager tells.
    """
    match lock:
        case Lock.WPA3:
            return Trouble.WPA3_PASSPHRASE
        case Lock.TRANSITION:
            return Trouble.TRANSITION
        case None:
            return Trouble.ABSENT
    return Trouble.SLOW


def hotspot_name(site: str) -> str:
    """Return the SSID of a site's hotspot: 32 bytes at most, cut between two characters."""
    return f"HEMS-{site}".encode()[:SSID_BYTES].decode(errors="ignore")


def profile(ssid: bytes, lock: Lock, key: str, *, hidden: bool) -> dict[str, dict[str, Any]]:
    """Return a connection's settings as plain values. wpa-psk joins WPA3 too."""
    settings: dict[str, dict[str, Any]] = {
        "connection": {"id": shown(ssid)[:100], "type": "802-11-wireless"},
        "802-11-wireless": {"ssid": ssid, "mode": "infrastructure", "hidden": hidden},
    }
    if lock is not Lock.OPEN:
        settings["802-11-wireless-security"] = {"key-mgmt": "wpa-psk", "psk": key}
    return settings
