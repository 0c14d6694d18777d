"""``/etc/hems/onboarding.toml``: the hotspot, and how long it is open."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from hems.settings import DIRECTORY, Address, Port, Table, check, read

FILE = "onboarding.toml"

# Broadcom's number of a pin on a Raspberry Pi's 40-pin header; 0 belongs to add-on boards.
Pin = Annotated[int, msgspec.Meta(ge=0, le=27)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


class Times(Table, frozen=True):
    """``[times]``, in seconds."""

    settle: Seconds  # without an uplink, until the hotspot opens
    known: Seconds  # the same where a network is stored, which may only be late
    window: Seconds  # that it is open
    pauses: Annotated[
        tuple[Seconds, ...], msgspec.Meta(min_length=1)
    ]  # after each; the last: all others
    join: Seconds  # that joining a network may take


class Onboarding(Table, frozen=True):
    """``onboarding.toml``."""

    address: Address  # the box's own, in its hotspot
    port: Port  # of the portal, on loopback
    open: bool  # everybody may join it, without a passphrase
    channel: Literal[1, 6, 11]  # of the 2.4 GHz band
    button: Pin  # 0: there is none
    times: Times


def onboarding(directory: Path = DIRECTORY) -> Onboarding:
    """Return the settings. Raises SettingsError."""
    return read(directory / FILE, Onboarding)


if __name__ == "__main__":
    sys.exit(check(Onboarding))
