"""Where a host reaches the coordinator: a pseudo-terminal with a dongle's path, or TCP."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

BY_ID = "usb-ITEAD_SONOFF_Zigbee_3.0_USB_Dongle_Plus_V2_{serial}-if00-port0"
MODE = 0o660  # what udev gives a serial adapter
READ_BYTES = 4_096

Received = Callable[[bytes], None]


def _nobody(_data: bytes) -> None:
    """Take bytes before the simulator does."""


class Port(Protocol):
    """A plug that may be in or out; ``received`` takes the host's bytes."""

    received: Received

    def where(self) -> str:
        """Say where a host finds it."""

    async def open(self) -> None:
        """Plug in."""

    async def close(self) -> None:
        """Unplug: whoever has it open sees it hang up."""

    def write(self, data: bytes) -> None:
        """Send bytes to the host; they are lost when nobody reads."""


class Terminal:
    """A pseudo-terminal behind a symbolic link in ``folder``, as udev makes one."""

    def __init__(self, folder: Path, serial: str, group: str | None) -> None:
        self.path = folder / BY_ID.format(serial=serial)
        self._group = group
        self.received: Received = _nobody
        self._ends: tuple[int, int] | None = None

    def where(self) -> str:
        """Return the link's path."""
        return str(self.path)

    async def open(self) -> None:
        """Make the terminal and its link. Raises OSError and LookupError."""
        if self._ends:
            return
        master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        # The other end stays open here too: a host that closes it does not unplug it.
        self._ends = (master, slave)
        device = os.ttyname(slave)
        if self._group:
            shutil.chown(device, group=self._group)
        os.chmod(device, MODE)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.name}")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(device)
        os.replace(temporary, self.path)
        asyncio.get_running_loop().add_reader(master, self._read, master)

    async def close(self) -> None:
        """Take the link away and hang up."""
        if not self._ends:
            return
        master, slave = self._ends
        self._ends = None
        self.path.unlink(missing_ok=True)
        asyncio.get_running_loop().remove_reader(master)
        os.close(slave)
        os.close(master)

    def write(self, data: bytes) -> None:
        """Write what fits into the terminal's buffer."""
        if self._ends:
            with contextlib.suppress(BlockingIOError):
                os.write(self._ends[0], data)

    def _read(self, master: int) -> None:
        try:
            data = os.read(master, READ_BYTES)
        except BlockingIOError:
            return
        self.received(data)


class Tcp:
    """A serial server: one host at a time, and a second one takes the line from the first."""

    def __init__(self, address: str, port: int) -> None:
        self._address = address
        self._port = port
        self.received: Received = _nobody
        self._server: asyncio.Server | None = None
        self._host: asyncio.StreamWriter | None = None

    def where(self) -> str:
        """Return the address, with the port it got when it was asked for any (0)."""
        return f"socket://{self._address}:{self._port}"

    async def open(self) -> None:
        """Listen. Raises OSError."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, self._address, self._port)
            # The same one again after it was unplugged.
            self._port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and hang up."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._hang_up()

    def write(self, data: bytes) -> None:
        """Send to the host that is connected."""
        if self._host is not None and not self._host.is_closing():
            self._host.write(data)

    def _hang_up(self) -> None:
        if self._host is not None:
            self._host.close()
            self._host = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._hang_up()
        self._host = writer
        with contextlib.suppress(OSError):
            while data := await reader.read(READ_BYTES):
                if self._host is not writer:
                    break
                self.received(data)
        if self._host is writer:
            self._hang_up()
