"""The serial line: opened again whenever the adapter was pulled out, at the speed that answers."""

from __future__ import annotations

import errno
import termios
import time
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Protocol

import serial

from hems.linky.labels import Mode
from hems.tic.parser import Frame, Parser

BAUD = {Mode.HISTORIQUE: 1200, Mode.STANDARD: 9600}
READ_SECONDS = 1.0
REOPEN_SECONDS = 5.0
TRY_SECONDS = 12.0  # a frame takes up to 3 s and comes every few
CHUNK = 256
SMOOTHING = 100  # frames that the share of damaged groups is of


class Trouble(Enum):
    """Why the meter is not heard; the value is the reason in words."""

    ABSENT = "the adapter is not plugged in"
    BUSY = "another program uses the adapter"
    UNUSABLE = "the adapter can't be opened"
    SILENT = "nothing comes from the meter"
    GARBLED = "what comes from the meter can't be read"


_OPENING = {
    errno.ENOENT: Trouble.ABSENT,
    errno.ENXIO: Trouble.ABSENT,
    errno.ENODEV: Trouble.ABSENT,
    errno.EIO: Trouble.ABSENT,
    errno.EBUSY: Trouble.BUSY,
    errno.EAGAIN: Trouble.BUSY,  # it is locked
}


class Port(Protocol):
    """What is used of serial.Serial."""

    def read(self, size: int = 1) -> bytes:
        """Return what came, at most ``size`` bytes, within the time-out."""
        ...

    def close(self) -> None:
        """Let the device go."""
        ...


def open_port(device: Path, baud: int) -> Port:
    """Return the opened adapter. Raises OSError.

    The line has 7 data bits and a parity bit, which are as long as 8 data bits; the parser takes
    the parity off, as not every adapter can set it, and checksums tell what is damaged.
    """
    try:
        port: Port = serial.Serial(str(device), baud, timeout=READ_SECONDS, exclusive=True)
    except termios.error as error:  # is no OSError
        raise OSError(*error.args) from error
    return port


class Line:
    """Gives frames for ever; ``trouble`` says why there are none, ``damage`` how many groups fail.

    ``damage`` is the share of groups with a wrong checksum, 0 to 1, of about the last SMOOTHING
    frames.
    """

    def __init__(
        self,
        device: Path,
        mode: Mode | None,
        opener: Callable[[Path, int], Port] = open_port,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._device, self._opener, self._now, self._sleep = device, opener, now, sleep
        self._modes = [mode] if mode else [Mode.STANDARD, Mode.HISTORIQUE]
        self._tried: dict[Mode, bool] = {}  # without a frame; whether anything came
        self.trouble: Trouble | None = None
        self.damage = 0.0

    def frames(self) -> Iterator[Frame | None]:
        """Yield each frame with at least one whole group, and None about once a second."""
        speed = 0
        while True:
            mode = self._modes[speed % len(self._modes)]
            try:
                port = self._opener(self._device, BAUD[mode])
            except OSError as error:  # serial.SerialException is one
                self.trouble = _OPENING.get(error.errno or 0, Trouble.UNUSABLE)
                yield None
                self._sleep(REOPEN_SECONDS)
                continue
            try:
                yield from self._listen(port, mode)
            except (OSError, TypeError):  # pulled out: pyserial may say it by either
                self.trouble = Trouble.ABSENT
                yield None
                self._sleep(REOPEN_SECONDS)
                continue
            finally:
                port.close()
            speed += 1  # nothing at this speed

    def _listen(self, port: Port, mode: Mode) -> Iterator[Frame | None]:
        """Yield what comes at one speed; return when no frame does."""
        parser = Parser()
        heard, came = self._now(), False
        while self._now() - heard < TRY_SECONDS:
            data = port.read(CHUNK)
            came = came or bool(data)
            good = [frame for frame in parser.feed(data) if self._counted(frame)]
            if good:
                heard, came, self.trouble = self._now(), False, None
                self._tried.clear()
                yield from good
            else:
                yield None
        self._tried[mode] = came
        if len(self._tried) == len(self._modes):
            self.trouble = Trouble.GARBLED if any(self._tried.values()) else Trouble.SILENT

    def _counted(self, frame: Frame) -> bool:
        share = frame.damaged / max(1, frame.damaged + len(frame.texts))
        self.damage += (share - self.damage) / SMOOTHING
        return bool(frame.texts)
