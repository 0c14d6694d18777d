"""Backups: what belongs to one, where it goes, and the proof that it can be read again.

Each service's part is gathered with that service's rights into files that only root can read, and
restic takes them, encrypted and deduplicated, to a disk or another machine.
"""

from __future__ import annotations

from hems import HemsError


class BackupError(HemsError):
    """A backup can't be made or read; one sentence with cause and cure."""


class RefusedError(BackupError):
    """The destination does not let the box do what it may well refuse."""
