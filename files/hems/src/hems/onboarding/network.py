"""The networks in range, joining one, and forgetting one, by NetworkManager.

Not by nmcli, which takes a passphrase as an argument and keeps a wrong one on the disk. A profile
is in memory only until it has worked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from dbus_fast import Variant

from hems.onboarding import core
from hems.onboarding.bus import (
    CONNECTION,
    DEVICE,
    SERVICE,
    SETTINGS,
    TOP,
    Bus,
    WifiError,
    failed,
    get,
)
from hems.onboarding.core import Lock, Network, Trouble

WIRELESS = f"{DEVICE}.Wireless"
WIFI = 2  # NMDeviceType
MANAGED, ACTIVATED, FAILED = 20, 100, 120  # NMDeviceState; below the first it is not usable
IP_CONFIG, IP_CHECK = 70, 80
MEMORY, BLOCK_AUTOCONNECT, TO_DISK = 0x2, 0x20, 0x1  # NMSettingsAddConnection2Flags, …Update2Flags
SCAN_SECONDS = 12.0
JOIN_SECONDS = 90.0  # NetworkManager's own limits are shorter: 25 s to find it, 45 s for an address
ENTRY = 0.7  # of the time for joining, until the network must have let the box in


class Wifi:
    """The box's WiFi adapter, the first one that NetworkManager manages."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._states: asyncio.Queue[tuple[str, int, int]] | None = None  # while it is listened to
        bus.listen(self._heard)

    def _heard(self, path: str, member: str, body: list[Any]) -> None:
        if member == "StateChanged" and len(body) == 3 and self._states is not None:
            self._states.put_nowait((path, int(body[0]), int(body[2])))

    async def device(self) -> str:
        """Return the adapter's object path. Raises WifiError where there is none to use."""
        top = await get(self._bus, TOP, SERVICE)
        there = False
        for path in top.get("Devices", []):
            found = await get(self._bus, path, DEVICE)
            if found.get("DeviceType") == WIFI and found.get("State", 0) > 10:
                there = True
                if found["State"] > MANAGED:
                    return str(path)
        if not top.get("WirelessHardwareEnabled", True):
            raise WifiError("WiFi is switched off by its hardware switch (rfkill).")
        if not top.get("WirelessEnabled", True):
            raise WifiError("WiFi is switched off: 'nmcli radio wifi on' switches it on.")
        raise WifiError(
            "The WiFi adapter is not ready yet: wait a minute and try again."
            if there
            else "This box has no WiFi adapter that NetworkManager manages."
        )

    async def current(self) -> Network | None:
        """Return the network that the adapter is connected to."""
        device = await self.device()
        if (await get(self._bus, device, DEVICE)).get("State") != ACTIVATED:
            return None
        point = (await get(self._bus, device, WIRELESS)).get("ActiveAccessPoint", "/")
        return await self._point(point) if point != "/" else None

    async def _point(self, path: str) -> Network:
        return core.network_of(await get(self._bus, path, f"{SERVICE}.AccessPoint"))

    async def scan(self) -> list[Network]:
        """Look for networks and return those in range, the strongest first; takes seconds."""
        device = await self.device()
        before = (await get(self._bus, device, WIRELESS)).get("LastScan", -1)
        with suppress(WifiError):  # one is under way already, or was a moment ago
            await self._bus.call(device, f"{WIRELESS}.RequestScan", "a{sv}", {})
        with suppress(TimeoutError):
            async with asyncio.timeout(SCAN_SECONDS):
                while (await get(self._bus, device, WIRELESS)).get("LastScan", -1) == before:
                    await asyncio.sleep(0.5)
        [paths] = await self._bus.call(device, f"{WIRELESS}.GetAllAccessPoints")
        found = []
        for path in paths:
            with suppress(WifiError):  # gone meanwhile
                found.append(await self._point(path))
        return core.listed(found)

    async def stored(self) -> dict[str, bytes]:
        """Return the networks that are stored: their profiles' object paths and SSIDs."""
        [paths] = await self._bus.call(SETTINGS, f"{SERVICE}.Settings.ListConnections")
        found = {}
        for path in paths:
            [settings] = await self._bus.call(path, f"{CONNECTION}.GetSettings")
            wireless = settings.get("802-11-wireless", {})
            if wireless and wireless.get("mode", "infrastructure") == "infrastructure":
                found[str(path)] = bytes(wireless.get("ssid", b""))
        return found

    async def forget(self, ssid: bytes) -> int:
        """Remove every profile of a network; how many there were."""
        paths = [path for path, name in (await self.stored()).items() if name == ssid]
        for path in paths:
            await self._bus.call(path, f"{CONNECTION}.Delete")
        return len(paths)

    async def join(
        self,
        ssid: bytes,
        key: str,
        lock: Lock | None,
        *,
        hidden: bool = False,
        seconds: float = 0.0,
    ) -> None:
        """Join a network and store it once that has worked.

        ``lock``: how it was seen to be secured; None where it was not seen. ``seconds`` that it may
        take; 0: as long as NetworkManager tries. Raises WifiError with the reason; nothing is
        stored then, and what was stored of it before stays.
        """
        secured = lock or (Lock.WPA2 if key else Lock.OPEN)
        if problem := core.key_problem(secured, key):
            raise failed(problem)
        device = await self.device()
        before = [path for path, name in (await self.stored()).items() if name == ssid]
        settings = _variants(core.profile(ssid, secured, key, hidden=hidden))
        flags = MEMORY | BLOCK_AUTOCONNECT
        added = await self._bus.call(
            SETTINGS,
            f"{SERVICE}.Settings.AddConnection2",
            "a{sa{sv}}ua{sv}",
            *(settings, flags, {}),
        )
        path = str(added[0])
        kept = False
        try:
            await self._activate(path, device, lock, seconds or JOIN_SECONDS)
            await self._bus.call(
                path, f"{CONNECTION}.Update2", "a{sa{sv}}ua{sv}", *({}, TO_DISK, {})
            )
            kept = True
        finally:
            if not kept:
                with suppress(WifiError):
                    await self._bus.call(path, f"{CONNECTION}.Delete")
        for old in before:
            with suppress(WifiError):
                await self._bus.call(old, f"{CONNECTION}.Delete")

    async def rejoin(self) -> None:
        """Have NetworkManager try a stored network that is in range. Raises WifiError.

        By itself it gives one up for good when a handshake has failed once, as it may while a
        router starts: it takes the passphrase for wrong (until 1.58, its commit 746a5902a).
        """
        device = await self.device()
        seen = {one.ssid for one in await self.scan()}
        for path, ssid in (await self.stored()).items():
            if ssid in seen:
                activate = f"{SERVICE}.ActivateConnection"
                await self._bus.call(TOP, activate, "ooo", path, device, "/")
                return

    async def _activate(self, path: str, device: str, lock: Lock | None, seconds: float) -> None:
        states = self._states = asyncio.Queue()
        activate = f"{SERVICE}.ActivateConnection"
        await self._bus.call(TOP, activate, "ooo", path, device, "/")
        end = asyncio.get_running_loop().time() + seconds
        begun = False  # the state of the connection before this one may still be told
        last = 0
        try:
            async with asyncio.timeout(seconds * ENTRY) as limit:
                while True:
                    where, state, reason = await states.get()
                    if where != device:
                        continue
                    last = state
                    if state >= IP_CONFIG:
                        limit.reschedule(end)
                    begun = begun or 40 <= state < ACTIVATED
                    if state == ACTIVATED and begun:
                        return
                    if state == FAILED or (begun and state <= 30):
                        raise failed(core.why(reason, lock), reason)
        except TimeoutError as error:
            got_in = last in (IP_CONFIG, IP_CHECK)
            raise failed(Trouble.NO_ADDRESS if got_in else core.why_silent(lock)) from error
        finally:
            self._states = None


def _variants(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Variant]]:
    kinds = {bytes: "ay", bool: "b", str: "s"}
    return {
        part: {name: Variant(kinds[type(value)], value) for name, value in values.items()}
        for part, values in settings.items()
    }
