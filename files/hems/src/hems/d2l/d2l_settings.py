"""``/etc/hems/d2l.toml``: the D2L dongles, and how patient and how strict their daemon is."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import msgspec

from hems import HemsError
from hems.d2l.frame import Key
from hems.settings import DIRECTORY, Port, Table, Text, check, read

FILE = "d2l.toml"
HEX = re.compile(r"[0-9a-fA-F]{32}")

Seconds = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Number = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{12}$")]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class Dongle(Table, frozen=True):
    """``[[dongles]]``: one dongle; its key is the credential ``d2l_<number>``."""

    number: Number
    name: Name  # start of its entities' ids
    title: Text  # for people


class Limits(Table, frozen=True):
    """``[limits]``: what a connection may do. Times in seconds."""

    idle: Seconds  # without a frame, until a connection is closed
    frame: Seconds  # that one frame may take from its first byte to its last
    connections: Count  # in all
    address_connections: Count  # of one address
    errors: Count  # refused frames, until a connection is closed
    burst: Count  # frames of one dongle at once …
    rate: Annotated[float, msgspec.Meta(gt=0)]  # … and frames a second after them


class D2lSettings(Table, frozen=True):
    """``d2l.toml``."""

    port: Port  # on loopback, behind the door
    expire: Seconds  # after which a value is out of date
    confirm: Seconds  # over which an exchanged meter must be heard until it is taken
    silence: Seconds  # of a dongle, until that is an issue
    dongles: tuple[Dongle, ...]
    limits: Limits

    def __post_init__(self) -> None:
        """Refuse what stands twice; msgspec makes a ValidationError of it."""
        for what in ("number", "name"):
            found = [getattr(dongle, what) for dongle in self.dongles]
            if len(set(found)) < len(found):
                raise ValueError(f"Two dongles have the same {what}")


def d2l(directory: Path = DIRECTORY) -> D2lSettings:
    """Return the settings.

    Raises SettingsError.
    """
    return read(directory / FILE, D2lSettings)


def parse_key(text: str) -> Key:
    """Return the key in a credential: two words of 32 hexadecimal digits, key and IV.

    Raises HemsError, whose text repeats nothing of it.
    """
    words = text.split()
    if len(words) != 2 or not all(HEX.fullmatch(word) for word in words):
        raise HemsError("it is not two words of 32 hexadecimal digits: the key, then the IV")
    return Key(*(bytes.fromhex(word) for word in words))


if __name__ == "__main__":
    sys.exit(check(D2lSettings))
