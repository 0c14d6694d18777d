"""``/etc/hems/backup.toml``: where backups go, how long they are kept, and what is in them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec

from hems.settings import Port, Table, Text, check

FILE = "backup.toml"
Number = Annotated[int, msgspec.Meta(ge=0)]


class Keep(Table, frozen=True):
    """``[keep]``: of how many days, weeks and months the newest backup is kept."""

    daily: Number
    weekly: Number
    monthly: Number
    days: Number  # of which every day's is kept, whatever the numbers say


class Part(Table, frozen=True):
    """``[[parts]]``: a directory, and whose it is."""

    name: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,31}$")]
    user: Text  # with whose rights it is read and brought back
    directory: Path
    databases: tuple[Text, ...] = ()  # SQLite files in it: copied while they are in use
    excluded: tuple[Text, ...] = ()  # patterns of paths below it, as fnmatch(3) has them
    unit: str = ""  # is stopped while the part is brought back
    optional: bool = False  # a box may lack it


class Influxdb(Table, frozen=True):
    """``[influxdb]``: the readings."""

    port: Port
    user: Text
    directory: Path
    organization: Text
    bucket: Text  # whose readings are counted


class Backup(Table, frozen=True):
    """``backup.toml``."""

    repository: Text  # as restic names it, without log-in
    account: str  # log-in at a rest-server, or key id of S3; empty: none
    append_only: bool  # the destination refuses to forget: it keeps house by itself
    ssh_key: str  # path; sftp only
    known_hosts: str  # path; sftp only
    parts: tuple[Part, ...]
    influxdb: Influxdb
    keep: Keep


if __name__ == "__main__":
    sys.exit(check(Backup))
