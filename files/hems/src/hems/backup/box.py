"""This box's settings and secrets for its backups: from systemd in a unit, else root's files."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from hems import settings
from hems.backup import BackupError, words
from hems.backup.backup_settings import FILE, Backup
from hems.backup.influx import Influx
from hems.backup.restic import Restic, Secrets
from hems.settings import Appliance, SettingsError

ACCOUNT, OPERATOR = "backup_account", "influxdb_operator_token"
SSH_KEY, KNOWN_HOSTS = "ssh_key", "known_hosts"  # in a unit; elsewhere where the settings say


@dataclass(frozen=True)
class Box:
    """Everything that the work needs."""

    appliance: Appliance
    backup: Backup
    restic: Restic
    influx: Influx


def box() -> Box:
    """Return this box's. Raises BackupError and SettingsError."""
    if os.geteuid() != 0:
        raise BackupError("Only root may do that: put 'sudo' before the command.")
    appliance = settings.appliance()
    if not (settings.DIRECTORY / FILE).exists():
        raise BackupError(
            "This box makes no backups: give it a destination in hems_backup_repository and run "
            "the playbook (docs/backup.md)."
        )
    wanted = settings.read(settings.DIRECTORY / FILE, Backup)
    directory = Path(os.environ.get("CREDENTIALS_DIRECTORY") or appliance.paths.secrets)
    account = _secret(directory, ACCOUNT) if wanted.account else ""
    key, known = (
        str(given) if (given := directory / name).exists() else path
        for name, path in ((SSH_KEY, wanted.ssh_key), (KNOWN_HOSTS, wanted.known_hosts))
    )
    restic = Restic(wanted, Secrets(directory / words.SECRET, account, key, known))
    one = wanted.influxdb
    token = _secret(directory, OPERATOR)
    return Box(appliance, wanted, restic, Influx(one.port, one.organization, one.bucket, token))


def restored(this: Box) -> Influx:
    """Return InfluxDB with the token that a backup has just brought. Raises SettingsError."""
    return replace(this.influx, token=_secret(this.appliance.paths.secrets, OPERATOR))


def secret(this: Box, name: str) -> str:
    """Return one of the box's secrets. Raises SettingsError."""
    return _secret(this.appliance.paths.secrets, name)


def passphrase(appliance: Appliance) -> str:
    """Return the passphrase. Raises SettingsError."""
    return _secret(appliance.paths.secrets, words.SECRET)


def _secret(directory: Path, name: str) -> str:
    try:
        return (directory / name).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(
            f"The secret {name} can't be read ({error.strerror}): run the whole playbook with "
            "sudo's rights, it makes it."
        ) from error
