"""The co-processor as a whole: ASH session, EZSP commands, stack, and its faults. No I/O."""

from __future__ import annotations

from collections.abc import Callable

from tests.virtual.zigbee import ash
from tests.virtual.zigbee.air import Air, Later
from tests.virtual.zigbee.ezsp import forming, messaging, mfglib, security, startup, tables
from tests.virtual.zigbee.ezsp.frames import (
    STACK_TYPE,
    STACK_VERSION,
    VERSION,
    Command,
    read_command,
    write_callback,
    write_response,
)
from tests.virtual.zigbee.ezsp.handler import Handler
from tests.virtual.zigbee.ezsp.ids import INVALID_COMMAND, EzspStatus
from tests.virtual.zigbee.ezsp.wire import Reader, Short, u8, u16
from tests.virtual.zigbee.faults import Faults
from tests.virtual.zigbee.network import Flash
from tests.virtual.zigbee.session import Session
from tests.virtual.zigbee.stack import Stack

_VERSION_COMMAND = 0x00
_COMMANDS: dict[int, Handler] = {
    **startup.HANDLERS,
    **forming.HANDLERS,
    **security.HANDLERS,
    **tables.HANDLERS,
    **messaging.HANDLERS,
    **mfglib.HANDLERS,
}


class Coordinator:
    """A dongle without its plug: bytes in by ``feed``, bytes out by ``write``."""

    def __init__(
        self,
        flash: Flash,
        air: Air,
        *,
        write: Callable[[bytes], None],
        later: Later,
        now: Callable[[], float],
        keep: Callable[[Flash], None],
        tell: Callable[[str], None],
    ) -> None:
        self.faults = Faults()
        self.resets = 0  # times that a host has reset it, as one does to begin
        self._write = write
        self._later = later
        self._now = now
        self._tell = tell
        self._version_agreed = False
        self._answered = 0  # sequence of the last answer: callbacks carry it
        self._epoch = 0
        self._busy_until = 0.0  # s of the clock: slow commands are still to be obeyed
        self.session = Session(self._put, self._received, self._rebooted)
        self.stack = Stack(flash, air, later, self._callback, keep)

    def feed(self, data: bytes) -> None:
        """Take bytes from the host."""
        self.session.feed(self.faults.incoming(data), self._now())

    def poll(self) -> None:
        """Send again what was not acknowledged in time; call it a few times a second."""
        self.session.poll(self._now())

    def power_up(self) -> None:
        """Start as when it is plugged in."""
        self._forget_host()
        self.session.power_up()

    def crash(self) -> None:
        """Reboot without being asked."""
        self._forget_host()
        self.session.restart(ash.RESET_POWER_ON)

    def _forget_host(self) -> None:
        self._epoch += 1
        self._busy_until = 0.0
        self._version_agreed = False
        self._answered = 0
        self.stack.reboot()

    def _rebooted(self) -> None:
        self._forget_host()
        self.resets += 1
        self._tell("The host has reset the coordinator.")

    def _put(self, data: bytes) -> None:
        spoilt = self.faults.outgoing(data)
        if spoilt:
            self._write(spoilt)

    def _received(self, payload: bytes) -> None:
        epoch, now = self._epoch, self._now()
        # In the order they came, also when it has become quick again meanwhile.
        self._busy_until = max(self._busy_until, now + self.faults.slow)
        wait = self._busy_until - now
        if wait > 0:
            self._later(wait, lambda: self._obey(payload) if epoch == self._epoch else None)
        else:
            self._obey(payload)

    def _obey(self, payload: bytes) -> None:
        try:
            command = read_command(payload)
        except Short:
            return
        response = self._answer(command)
        self._answered = command.sequence
        self.session.send(response, self._now())

    def _answer(self, command: Command) -> bytes:
        if command.id == _VERSION_COMMAND:
            wanted = command.parameters[:1] or b"\0"
            self._version_agreed = wanted[0] == VERSION
            return write_response(command, u8(VERSION, STACK_TYPE) + u16(STACK_VERSION))
        handler = _COMMANDS.get(command.id)
        if not self._version_agreed:
            status = EzspStatus.VERSION_NOT_SET
        elif handler is None:
            self._tell(f"The host asked for EZSP command 0x{command.id:04X}, unknown here.")
            status = EzspStatus.INVALID_FRAME_ID
        else:
            try:
                return write_response(command, handler(self.stack, Reader(command.parameters)))
            except Short:
                status = EzspStatus.INVALID_VALUE
        return write_response(command, u8(status), INVALID_COMMAND)

    def _callback(self, number: int, parameters: bytes) -> None:
        if self._version_agreed:
            self.session.send(write_callback(self._answered, number, parameters), self._now())
