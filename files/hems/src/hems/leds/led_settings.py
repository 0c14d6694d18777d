"""``/etc/hems/leds.toml``: the LEDs' pins, and the log that the third one watches."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from hems.settings import DIRECTORY, Table, check, read

FILE = "leds.toml"

# Broadcom's numbers of the pins on a Raspberry Pi's 40-pin header.
Pin = Annotated[int, msgspec.Meta(ge=0, le=27)]


class PinTable(Table, frozen=True):
    """``[pins]``: where each LED hangs."""

    home_assistant: Pin
    internet: Pin
    error: Pin

    def __post_init__(self) -> None:
        """Refuse two LEDs on one pin; msgspec makes a ValidationError of it."""
        if len({self.home_assistant, self.internet, self.error}) < 3:
            raise ValueError("Two LEDs have the same pin")


class LedSettings(Table, frozen=True):
    """``leds.toml``."""

    pins: PinTable
    active_high: bool  # lit by a high level; false for LEDs between 3.3 V and their pin
    gpio: Literal["auto", "lgpio", "mock"]  # auto: lgpio on a Raspberry Pi, mock elsewhere
    log: Path  # Home Assistant's


def leds(directory: Path = DIRECTORY) -> LedSettings:
    """Return the LEDs' settings.

    Raises SettingsError.
    """
    return read(directory / FILE, LedSettings)


if __name__ == "__main__":
    sys.exit(check(LedSettings))
