"""The box's own measures: disk, memory, temperature, power, clock."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

THERMAL = Path("/sys/class/thermal/thermal_zone0/temp")
MEMORY = Path("/proc/meminfo")
CONTAINER = Path("/run/systemd/container")
TIMEX_BYTES = 512  # struct timex is 208 on 64-bit Linux
TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised

# https://www.raspberrypi.com/documentation/computers/os.html#get_throttled
UNDER_VOLTAGE_NOW = 1 << 0
UNDER_VOLTAGE_SEEN = 1 << 16
SLOWED_NOW = (1 << 1) | (1 << 2) | (1 << 3)  # capped, throttled, soft temperature limit


@dataclass(frozen=True)
class Vitals:
    """What was measured; None where this box can't tell."""

    disk: float  # per cent in use, as df(1) reckons it
    memory: float | None  # per cent available
    temperature: float | None  # degrees Celsius
    throttled: int | None  # the firmware's bits
    synchronised: bool | None  # the clock


def parse_memory(text: str) -> float | None:
    """Return the per cent of memory that is available, from proc_meminfo(5)."""
    values = dict(re.findall(r"^(MemTotal|MemAvailable):\s+(\d+) kB$", text, re.MULTILINE))
    if len(values) < 2 or values["MemTotal"] == "0":
        return None
    return 100 * int(values["MemAvailable"]) / int(values["MemTotal"])


def parse_throttled(text: str) -> int | None:
    """Return the bits in ``throttled=0x50005``."""
    found = re.search(r"throttled=(0x[0-9a-fA-F]+)", text)
    return int(found[1], 16) if found else None


def disk_percent(path: Path) -> float:
    """Return how full the file system at ``path`` is; root's reserve counts as used up.

    Raises OSError.
    """
    seen = os.statvfs(path)
    used = seen.f_blocks - seen.f_bfree
    return 100 * used / ((used + seen.f_bavail) or 1)


def measure(path: Path) -> Vitals:
    """Measure the box; ``path`` is on the file system that matters.

    Raises OSError when that file system can't be asked.
    """
    temperature = _text(THERMAL)
    return Vitals(
        disk=disk_percent(path),
        memory=parse_memory(_text(MEMORY)),
        temperature=int(temperature) / 1000 if temperature.strip().lstrip("-").isdigit() else None,
        throttled=_throttled(),
        synchronised=synchronised(),
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def _throttled() -> int | None:
    program = shutil.which("vcgencmd")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "get_throttled"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_throttled(done.stdout)


def clock_state() -> int:
    """Return what adjtimex(2) says of the clock, TIME_ERROR among it; -1 when it is refused.

    The kernel knows it whoever sets the clock.
    """
    # All zero: modes 0 only reads.
    return int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES)))


def synchronised() -> bool | None:
    """Whether something keeps the clock right; None: nobody knows."""
    if CONTAINER.exists():
        return None  # the clock is the host's
    state = clock_state()
    return None if state < 0 else state != TIME_ERROR
