"""What runs on a SmartCORE HEMS appliance beside Home Assistant."""

from __future__ import annotations

import sys
from pathlib import PurePath

__version__ = "0.1.0"


class HemsError(Exception):
    """Something that a person can put right; its text is one sentence with cause and cure."""


def release(prefix: str = sys.prefix) -> str:
    """Return the installed release, ``<version>-<hash of the sources>``, or the bare version.

    Role hems installs each release into a directory of that name; elsewhere (a developer's
    machine) there is none.
    """
    name = PurePath(prefix).name
    return name if name.startswith(f"{__version__}-") else __version__
