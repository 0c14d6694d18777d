# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""The variables that describe where a site's backups go, each with its check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from playbooks.preflight import values
from playbooks.preflight.values import Check

SHORTEST = 20  # characters: who has the files can try as often as they like
SFTP = ("backup_ssh_key", "backup_known_hosts")
FORMS = (
    r"|/[A-Za-z0-9._/-]*[A-Za-z0-9]|rest:https?://[^\s@\"']+|sftp:[^\s\"']+|s3:https?://[^\s@\"']+"
)


def passphrase(value: Any) -> str | None:
    """Take what nobody guesses, on one line."""
    if problem := values.not_text(value):
        return problem
    if len(value) < SHORTEST or not value.isprintable():
        return (
            f"must have at least {SHORTEST} characters, on one line "
            "(leave it out and the Pi makes one)"
        )
    return None


REQUIRED: Mapping[str, Check] = {
    "hems_backup_repository": values.matches(
        FORMS,
        "empty, a directory such as /media/backup/hems, rest:https://…, sftp:user@host:/… or "
        "s3:https://…, with no log-in inside",
    ),
    "hems_backup_account": values.matches(r"[^\s:]{0,128}", "a log-in without spaces or colons"),
}
OPTIONAL: Mapping[str, Check] = {
    **{name: values.matches(r"(/[A-Za-z0-9._-]+)+", "a path on the box") for name in SFTP},
    "hems_secret_backup_passphrase": passphrase,
    "hems_secret_backup_password": values.text(256),
    "backup_time": values.matches(r"([01][0-9]|2[0-3]):[0-5][0-9]", "a time such as '02:30'"),
}
RENAMED: Mapping[str, str] = {}


def problems(variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield what does not fit together; ``variables`` are those that are right by themselves."""
    account, secret = variables.get("hems_backup_account"), "hems_secret_backup_password"
    if account and secret not in variables:
        yield f"hems_backup_account is set, but {secret} is not: put it into the site's vault.yml."
    place = str(variables.get("hems_backup_repository", ""))
    if place.startswith("s3:") and not account:
        yield "hems_backup_repository is at S3, which needs hems_backup_account: the key's id."
    if place.startswith("sftp:"):
        for name in SFTP:
            if name not in variables:
                yield f"hems_backup_repository is by sftp, which needs {name}: a path on the box."
