"""NetworkManager over D-Bus: the networks in range, joining one, and forgetting one.

Not by nmcli, which takes a passphrase as an argument and keeps a wrong one on the disk. A profile
is in memory only until it has worked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusFastError
from dbus_fast.unpack import unpack_variants

from hems import HemsError
from hems.onboarding import core, words
from hems.onboarding.core import Lock, Network, Trouble

SERVICE = "org.freedesktop.NetworkManager"
TOP, SETTINGS = "/org/freedesktop/NetworkManager", "/org/freedesktop/NetworkManager/Settings"
PROPERTIES = "org.freedesktop.DBus.Properties"
DEVICE, WIRELESS = f"{SERVICE}.Device", f"{SERVICE}.Device.Wireless"
CONNECTION = f"{SERVICE}.Settings.Connection"
WIFI = 2  # NMDeviceType
MANAGED, ACTIVATED, FAILED = 20, 100, 120  # NMDeviceState; below the first it is not usable
IP_CONFIG, IP_CHECK = 70, 80
MEMORY, BLOCK_AUTOCONNECT, TO_DISK = 0x2, 0x20, 0x1  # NMSettingsAddConnection2Flags, …Update2Flags
SCAN_SECONDS = 12.0
JOIN_SECONDS = 90.0  # NetworkManager's own limits are shorter: 25 s to find it, 45 s for an address
CALL_SECONDS = 30.0

Heard = Callable[[str, str, list[Any]], None]  # path, member, body


class WifiError(HemsError):
    """It can't be done; the sentence says what a person can do."""

    trouble: Trouble | None = None  # where the portal has words of its own for it
    reason = 0  # NetworkManager's


def failed(trouble: Trouble, reason: int = 0) -> WifiError:
    """Return the error of a network that can't be joined."""
    error = WifiError(words.sentence(trouble, reason))
    error.trouble, error.reason = trouble, reason
    return error


class Bus(Protocol):
    """What this module needs of D-Bus."""

    async def call(self, path: str, member: str, signature: str = "", *body: Any) -> list[Any]:
        """Call ``interface.member`` of NetworkManager at a path; its answer, variants unpacked."""

    def listen(self, heard: Heard) -> None:
        """Have signals told."""


class SystemBus:
    """NetworkManager on the system's bus."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus

    async def call(self, path: str, member: str, signature: str = "", *body: Any) -> list[Any]:
        """See Bus. Raises WifiError."""
        interface, _, name = member.rpartition(".")
        message = Message(
            destination=SERVICE,
            path=path,
            interface=interface,
            member=name,
            signature=signature,
            body=list(body),
        )
        try:
            reply = await asyncio.wait_for(self._bus.call(message), CALL_SECONDS)
        except (DBusFastError, EOFError, OSError, TimeoutError) as error:
            raise WifiError(f"NetworkManager can't be asked: {error or 'no answer'}.") from error
        if reply is None or reply.message_type is MessageType.ERROR:
            raise WifiError(_refusal(reply))
        return list(unpack_variants(reply.body))

    @property
    def connected(self) -> bool:
        """Whether the bus is still there."""
        return bool(self._bus.connected)

    def listen(self, heard: Heard) -> None:
        """See Bus."""

        def passed_on(message: Message) -> None:
            if message.message_type is MessageType.SIGNAL:
                heard(message.path or "", message.member or "", list(message.body))

        self._bus.add_message_handler(passed_on)

    async def subscribe(self) -> None:
        """Have the bus send NetworkManager's signals here."""
        await self._bus.call(
            Message(
                destination="org.freedesktop.DBus",
                path="/org/freedesktop/DBus",
                interface="org.freedesktop.DBus",
                member="AddMatch",
                signature="s",
                body=[f"type='signal',sender='{SERVICE}',interface='{DEVICE}'"],
            )
        )


def _refusal(reply: Message | None) -> str:
    name = (reply.error_name if reply else "") or ""
    if name.endswith(("PermissionDenied", "AccessDenied", "NotAuthorized")):
        return "Only root may do this: put 'sudo' before it."
    if name.endswith(("ServiceUnknown", "NameHasNoOwner")):
        return "NetworkManager does not run: 'systemctl status NetworkManager' says why."
    said = str(reply.body[0]) if reply and reply.body else name
    return f"NetworkManager refuses: {said.rstrip('.')}."


@asynccontextmanager
async def system_bus() -> AsyncIterator[SystemBus]:
    """The system's bus, for one command. Raises WifiError."""
    try:
        bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    except (DBusFastError, OSError) as error:
        raise WifiError(f"The system's D-Bus can't be reached: {error}.") from error
    try:
        ours = SystemBus(bus)
        await ours.subscribe()
        yield ours
    finally:
        bus.disconnect()


async def get(bus: Bus, path: str, interface: str) -> dict[str, Any]:
    """Return an object's properties. Raises WifiError."""
    [found] = await bus.call(path, f"{PROPERTIES}.GetAll", "s", interface)
    return dict(found)


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

    async def _activate(self, path: str, device: str, lock: Lock | None, seconds: float) -> None:
        states = self._states = asyncio.Queue()
        activate = f"{SERVICE}.ActivateConnection"
        await self._bus.call(TOP, activate, "ooo", path, device, "/")
        begun = False  # the state of the connection before this one may still be told
        last = 0
        try:
            async with asyncio.timeout(seconds):
                while True:
                    where, state, reason = await states.get()
                    if where != device:
                        continue
                    last = state
                    begun = begun or 40 <= state < ACTIVATED
                    if state == ACTIVATED and begun:
                        return
                    if state == FAILED or (begun and state <= 30):
                        raise failed(core.why(reason, lock), reason)
        except TimeoutError as error:
            got_in = last in (IP_CONFIG, IP_CHECK)
            raise failed(Trouble.NO_ADDRESS if got_in else Trouble.SLOW) from error
        finally:
            self._states = None


def _variants(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Variant]]:
    kinds = {bytes: "ay", bool: "b", str: "s"}
    return {
        part: {name: Variant(kinds[type(value)], value) for name, value in values.items()}
        for part, values in settings.items()
    }
