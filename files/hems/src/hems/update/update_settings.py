"""``/etc/hems/update.toml``: where this box has its releases from, and when it takes them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec

from hems import settings
from hems.settings import Table, check
from hems.update.core import RING
from hems.update.git import Source

FILE = "update.toml"
Text = Annotated[str, msgspec.Meta(min_length=1)]
Hour = Annotated[int, msgspec.Meta(ge=0, le=23)]


class Server(Table, frozen=True):
    """``[server]``: the fleet's git server."""

    url: Text  # https://…, ssh://…, or the path of a repository
    key: str = ""  # ssh: path of the deploy key
    known_hosts: str = ""  # ssh: path of the server's own key

    @property
    def source(self) -> Source:
        """What is fetched from."""
        key = Path(self.key) if self.key else None
        return Source(self.url, key, Path(self.known_hosts) if self.known_hosts else None)


class Window(Table, frozen=True):
    """``[window]``: local hours in which the timer may update; from = to means always."""

    begin: Hour
    end: Hour

    def holds(self, hour: int) -> bool:
        """Whether an hour of the day is inside; the window may go past midnight."""
        if self.begin == self.end:
            return True
        if self.begin < self.end:
            return self.begin <= hour < self.end
        return hour >= self.begin or hour < self.end


class Keep(Table, frozen=True):
    """``[keep]``: what is put back when a release is undone."""

    files: tuple[Path, ...]  # of root's: files and directories that the roles write
    links: tuple[str, ...]  # patterns of the links that say which installed release runs
    mosquitto: Path  # the broker's directory

    def found_links(self) -> tuple[Path, ...]:
        """Return the links that there are."""
        found = (path for one in self.links for path in Path("/").glob(one.lstrip("/")))
        return tuple(sorted(path for path in found if path.is_symlink()))


class Update(Table, frozen=True):
    """The whole file."""

    site: Text  # the box's host in the inventory
    ring: Annotated[str, msgspec.Meta(pattern=rf"^{RING}\Z")]
    inventory: Text  # its directory in the repository
    directory: Path  # state, checkouts and snapshot
    signers: Path
    ansible: Path  # bin/ of the venv
    problem: Path  # one sentence for the watchdog
    patience: Annotated[int, msgspec.Meta(ge=30, le=900)]  # seconds until the box must be well
    server: Server
    window: Window
    keep: Keep
    archives: tuple[Text, ...] = ()  # labels of those whose packages are updated


def read(directory: Path = settings.DIRECTORY) -> Update:
    """Return the settings. Raises SettingsError."""
    return settings.read(directory / FILE, Update)


if __name__ == "__main__":
    sys.exit(check(Update))
