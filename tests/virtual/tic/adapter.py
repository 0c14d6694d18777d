"""The adapter: a pseudo-terminal behind a symbolic link, as udev makes one."""

from __future__ import annotations

import contextlib
import os
import shutil
import termios
import tty
from pathlib import Path

from tests.virtual.d2l.linky import HISTORIQUE, STANDARD
from tests.virtual.tic.frame import at_another_speed

MODE = 0o660  # what udev gives a serial adapter
SPEED = {HISTORIQUE: termios.B1200, STANDARD: termios.B9600}
OUTPUT_SPEED = 5  # in what tcgetattr returns


class Adapter:
    """Plugged in from ``open`` to ``close``."""

    def __init__(self, link: Path, group: str | None = None) -> None:
        self.link, self._group = link, group
        self._ends: tuple[int, int] | None = None

    def open(self) -> None:
        """Plug in. Raises OSError and LookupError."""
        master, slave = os.openpty()
        # Both ends stay open here: a reader that closes its own does not unplug the adapter.
        self._ends = (master, slave)
        tty.setraw(slave)
        os.set_blocking(master, False)
        device = os.ttyname(slave)
        if self._group:
            shutil.chown(device, group=self._group)
        os.chmod(device, MODE)
        self.link.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.link.with_name(f".{self.link.name}")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(device)
        temporary.replace(self.link)

    def close(self) -> None:
        """Unplug: whoever has it open sees it hang up."""
        if self._ends:
            self.link.unlink(missing_ok=True)
            for end in self._ends:
                os.close(end)
            self._ends = None

    def send(self, data: bytes, mode: str) -> None:
        """Send what a meter in this mode says; what nobody reads in time is lost."""
        if not self._ends:
            return
        master, slave = self._ends
        if termios.tcgetattr(slave)[OUTPUT_SPEED] != SPEED[mode]:
            data = at_another_speed(data)
        with contextlib.suppress(BlockingIOError):
            os.write(master, data)
