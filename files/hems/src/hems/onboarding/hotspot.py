"""The box's own hotspot, and what NetworkManager says of everything else.

NetworkManager takes the hotspot down when the process that has opened it ends, and no profile of it
is ever on the disk. It gives the guests their addresses by its own dnsmasq.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbus_fast import Variant

from hems.onboarding.bus import (
    CONNECTION,
    DEVICE,
    PROPERTIES,
    SERVICE,
    SETTINGS,
    TOP,
    Bus,
    WifiError,
    get,
)
from hems.onboarding.network import ACTIVATED, MANAGED, WIFI

ACTIVE = f"{SERVICE}.Connection.Active"
PREFIX = 24
OPTIONAL_PMF = 1  # NMSettingWirelessSecurityPmf: some radios fail where it is required
ACTIVATING, ACTIVE_NOW = 1, 2  # NMActiveConnectionState
UPLINKS = ("802-11-wireless", "802-3-ethernet", "gsm", "cdma", "bluetooth")
BEGUN = 40  # NMDeviceState: it prepares a connection
OPEN_SECONDS = 45.0  # a second or two; more where the box has just started
ROUTE_UP = 0x1
NOWHERE = "lo"  # the kernel's own "unreachable" by IPv6
FILES = Path("/proc/self/net/route"), Path("/proc/self/net/ipv6_route")


@dataclass(frozen=True)
class Radio:
    """What NetworkManager says."""

    usable: bool = False  # there is a radio
    connecting: bool = False
    stored: bool = False
    uplink: bool = False
    hotspot: bool = False


def has_default_route(ipv4: str, ipv6: str) -> bool:
    """Whether a way out is in the kernel's tables, as /proc/net/route and ipv6_route have them."""
    for line in ipv4.splitlines()[1:]:
        fields = line.split()
        anywhere = len(fields) > 7 and (fields[1], fields[7]) == ("0" * 8, "0" * 8)
        if anywhere and int(fields[3], 16) & ROUTE_UP:
            return True
    for line in ipv6.splitlines():
        fields = line.split()
        if fields[:2] == ["0" * 32, "00"] and fields[-1] != NOWHERE:
            return True
    return False


def default_route() -> bool:
    """Whether the kernel has a way out, whoever has set it."""
    texts = []
    for path in FILES:
        try:
            texts.append(path.read_text(encoding="ascii"))
        except OSError:
            texts.append("")
    return has_default_route(*texts)


def profile(name: str, passphrase: str, address: str, channel: int) -> dict[str, Any]:
    """Return the hotspot's settings; an empty passphrase: it is open."""
    place = {"address": Variant("s", address), "prefix": Variant("u", PREFIX)}
    settings = {
        "connection": {
            "id": Variant("s", "HEMS hotspot"),
            "type": Variant("s", "802-11-wireless"),
            "autoconnect": Variant("b", False),
        },
        "802-11-wireless": {
            "ssid": Variant("ay", name.encode()),
            "mode": Variant("s", "ap"),
            "band": Variant("s", "bg"),
            "channel": Variant("u", channel),
        },
        "ipv4": {"method": Variant("s", "shared"), "address-data": Variant("aa{sv}", [place])},
        "ipv6": {"method": Variant("s", "disabled")},
    }
    if passphrase:
        settings["802-11-wireless-security"] = {
            "key-mgmt": Variant("s", "wpa-psk"),
            "psk": Variant("s", passphrase),
            "proto": Variant("as", ["rsn"]),
            "pairwise": Variant("as", ["ccmp"]),
            "group": Variant("as", ["ccmp"]),
            "pmf": Variant("i", OPTIONAL_PMF),
        }
    return settings


class Hotspot:
    """The hotspot, open or not, and the view around it."""

    def __init__(self, bus: Bus, settings: dict[str, Any]) -> None:
        self._bus, self._settings = bus, settings
        self._active = ""

    async def look(self, *, needed: bool = True) -> Radio:
        """Return what NetworkManager says now. Raises WifiError.

        ``needed``: a radio that is switched off by software is switched on, as images may come with
        it off until a country is set; that lifts a soft rfkill block as well.
        """
        top = await get(self._bus, TOP, SERVICE)
        device, state, there = await self._device(top)
        if needed and there and not device and not top.get("WirelessEnabled", True):
            on = (SERVICE, "WirelessEnabled", Variant("b", True))
            with suppress(WifiError):
                await self._bus.call(TOP, f"{PROPERTIES}.Set", "ssv", *on)
        uplink = hotspot = False
        for path in top.get("ActiveConnections", []):
            with suppress(WifiError):  # gone meanwhile
                found = await get(self._bus, path, ACTIVE)
                if path == self._active:
                    hotspot = found.get("State") in (ACTIVATING, ACTIVE_NOW)
                elif found.get("Type") in UPLINKS and found.get("State") == ACTIVE_NOW:
                    uplink = True
        return Radio(
            usable=bool(device),
            connecting=BEGUN <= state < ACTIVATED,
            stored=await self._stored(),
            uplink=uplink,
            hotspot=hotspot,
        )

    async def _device(self, top: dict[str, Any]) -> tuple[str, int, bool]:
        """Return path and state of the radio to use, and whether there is any."""
        there = False
        for path in top.get("Devices", []):
            with suppress(WifiError):
                found = await get(self._bus, path, DEVICE)
                if found.get("DeviceType") == WIFI and found.get("State", 0) > 10:
                    there = True
                    if found["State"] > MANAGED:
                        return str(path), int(found["State"]), True
        return "", 0, there

    async def _stored(self) -> bool:
        [paths] = await self._bus.call(SETTINGS, f"{SERVICE}.Settings.ListConnections")
        for path in paths:
            with suppress(WifiError):
                [found] = await self._bus.call(path, f"{CONNECTION}.GetSettings")
                wireless = found.get("802-11-wireless")
                client = wireless and wireless.get("mode", "infrastructure") == "infrastructure"
                if client and found.get("connection", {}).get("autoconnect", True):
                    return True
        return False

    async def open(self) -> None:
        """Open it and wait until it is up. Raises WifiError; it is closed then."""
        await self.close()
        device, _, _ = await self._device(await get(self._bus, TOP, SERVICE))
        if not device:
            raise WifiError("There is no WiFi adapter to use.")
        options = {
            "persist": Variant("s", "volatile"),
            "bind-activation": Variant("s", "dbus-client"),
        }
        _, self._active, _ = await self._bus.call(
            TOP,
            f"{SERVICE}.AddAndActivateConnection2",
            "a{sa{sv}}ooa{sv}",
            *(self._settings, device, "/", options),
        )
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                while (state := await self._state()) != ACTIVE_NOW:
                    if state != ACTIVATING:
                        raise WifiError("NetworkManager can't open the hotspot.")
                    await asyncio.sleep(0.2)
        except (WifiError, TimeoutError) as error:
            await self.close()
            raise WifiError(
                "The hotspot does not come up: 'journalctl -u NetworkManager' says why."
            ) from error

    async def _state(self) -> int:
        return int((await get(self._bus, self._active, ACTIVE)).get("State", 0))

    async def close(self) -> None:
        """Close it, where it is open."""
        active, self._active = self._active, ""
        if active:
            with suppress(WifiError):
                await self._bus.call(TOP, f"{SERVICE}.DeactivateConnection", "o", active)
