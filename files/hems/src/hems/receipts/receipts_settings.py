"""``/etc/hems/receipts.toml``: where this box sends its receipts."""

from __future__ import annotations

import ssl
import sys
from pathlib import Path
from typing import Annotated

import msgspec

from hems import HemsError, settings
from hems.mqtt import Broker
from hems.receipts.core import SITE
from hems.settings import Port, Table, Text, check

FILE = "receipts.toml"


class Receipts(Table, frozen=True):
    """The whole file."""

    site: Annotated[str, msgspec.Meta(pattern=rf"^{SITE}\Z")]  # its account at the server, too
    server: Text
    port: Port
    ca: str  # path of the CA that vouches for the server; empty: the system's
    problem: Path  # the updater's sentence for the watchdog
    packages: tuple[Text, ...]  # of Debian, whose versions are told

    def broker(self) -> Broker:
        """Return where the server listens. Raises HemsError."""
        try:
            tls = ssl.create_default_context(cafile=self.ca or None)
        except OSError as error:
            raise HemsError(
                f"The fleet server's CA {self.ca} can't be used ({error}): set hems_fleet_ca, and "
                "run the whole playbook."
            ) from error
        return Broker(self.port, self.server, tls)


def read(directory: Path = settings.DIRECTORY) -> Receipts:
    """Return the settings. Raises SettingsError."""
    return settings.read(directory / FILE, Receipts)


if __name__ == "__main__":
    sys.exit(check(Receipts))
