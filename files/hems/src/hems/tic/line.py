"""The serial line: opened again whenever the adapter was pulled out, at the speed that answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
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


class Port(Protocol):
    """What is used of serial.Serial."""

    def read(self, size: int = 1) -> bytes:
        """Return what came, at most ``size`` bytes, within the time-out."""
        ...

    def close(self) -> None:
        """Let the device go."""
        ...


def open_port(device: Path, baud: int) -> Port:
    """Return the opened adapter. Raises OSError."""
    port: Port = serial.Serial(
        str(device),
        baud,
        bytesize=serial.SEVENBITS,
        parity=serial.PARITY_EVEN,
        timeout=READ_SECONDS,
        exclusive=True,
    )
    return port


class Line:
    """Gives frames for ever; ``problem`` says why there are none."""

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
        self.problem = ""
        self.damaged = self.lost = 0

    def frames(self) -> Iterator[Frame | None]:
        """Yield each frame with at least one whole group, and None about once a second."""
        speed = 0
        while True:
            mode = self._modes[speed % len(self._modes)]
            try:
                port = self._opener(self._device, BAUD[mode])
            except OSError as error:  # serial.SerialException is one
                self.problem = f"{self._device} can't be opened ({error.strerror or error})"
                yield None
                self._sleep(REOPEN_SECONDS)
                continue
            try:
                yield from self._listen(port)
            except (OSError, TypeError) as error:  # pulled out: pyserial may say it by either
                self.problem = f"{self._device} is gone ({error})"
                yield None
                self._sleep(REOPEN_SECONDS)
                continue
            finally:
                port.close()
            speed += 1  # nothing at this speed

    def _listen(self, port: Port) -> Iterator[Frame | None]:
        """Yield what comes at one speed; return when nothing does and there is another speed."""
        parser = Parser()
        heard = self._now()
        while len(self._modes) == 1 or self._now() - heard < TRY_SECONDS:
            good = [frame for frame in parser.feed(port.read(CHUNK)) if self._counted(frame)]
            if good:
                heard, self.problem = self._now(), ""
            elif self._now() - heard >= TRY_SECONDS:
                self.problem = "the meter sends nothing that can be read"
            self.lost += parser.lost
            parser.lost = 0
            if not good:
                yield None
            yield from good
        self.problem = self.problem or "the meter sends nothing that can be read"

    def _counted(self, frame: Frame) -> bool:
        self.damaged += frame.damaged
        return bool(frame.texts)
