"""NetworkManager over D-Bus: asking it, and hearing what it says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol

from dbus_fast import BusType, Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusFastError
from dbus_fast.unpack import unpack_variants

from hems import HemsError
from hems.onboarding import words
from hems.onboarding.core import Trouble

SERVICE = "org.freedesktop.NetworkManager"
TOP, SETTINGS = "/org/freedesktop/NetworkManager", "/org/freedesktop/NetworkManager/Settings"
PROPERTIES = "org.freedesktop.DBus.Properties"
DEVICE = f"{SERVICE}.Device"
CONNECTION = f"{SERVICE}.Settings.Connection"
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
