"""Settings of a backup at one destination, for tests of what talks to it."""

from __future__ import annotations

from pathlib import Path

from hems.backup.backup_settings import Backup, Influxdb, Keep

KEY, KNOWN = "/etc/hems/backup/key", "/etc/hems/backup/known_hosts"


def backup_at(repository: str, account: str = "") -> Backup:
    """Return them, with nothing in the backup."""
    return Backup(
        repository=repository,
        account=account,
        append_only=False,
        ssh_key=KEY,
        known_hosts=KNOWN,
        parts=(),
        influxdb=Influxdb(1, "influxdb", Path("/var/lib/influxdb"), "hems", "home_assistant"),
        keep=Keep(7, 5, 12, 90),
    )
