"""``/etc/hems/tic.toml``: the serial adapter and the meter behind it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from hems.settings import DIRECTORY, Table, Text, check, read

FILE = "tic.toml"

Seconds = Annotated[float, msgspec.Meta(gt=0)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class TicSettings(Table, frozen=True):
    """``tic.toml``."""

    device: Path  # of the adapter, in /dev/serial/by-id
    mode: Literal["auto", "historique", "standard"]
    name: Name  # start of the entities' ids
    title: Text  # for people
    expire: Seconds  # after which a value is out of date
    confirm: Seconds  # over which an exchanged meter must be heard until it is taken
    interval: Seconds  # at least between two readings that are published
    silence: Seconds  # of the meter, until that is an issue


def tic(directory: Path = DIRECTORY) -> TicSettings:
    """Return the settings.

    Raises SettingsError.
    """
    return read(directory / FILE, TicSettings)


if __name__ == "__main__":
    sys.exit(check(TicSettings))
