"""What the watchdog says of the backups."""

from __future__ import annotations

from datetime import datetime

import pytest
from hems.backup.status import Status
from hems.reports import backup

from tests.unit.service_entries import kind

LONG, SUNDAY = "2026-01-01T00:00:00Z", "2026-11-22T03:30:00Z"
NOW = datetime.fromisoformat("2026-11-27T12:00:00Z").timestamp()


@pytest.mark.parametrize(
    ("report", "codes"),
    [
        (Status(), []),
        (Status(begun="2026-11-26T12:00:00Z"), []),
        (Status(begun="2026-11-20T12:00:00Z"), ["backup_old"]),
        (Status(begun=LONG, drilled=SUNDAY, proven="2026-11-27T02:30:00Z"), []),
        (Status(begun=LONG, drilled=SUNDAY, proven="2026-11-24T02:30:00Z"), ["backup_old"]),
        (Status(begun=LONG, proven="2026-11-27T02:30:00Z"), ["backup_unproven"]),
        (Status(begun=LONG, drilled=LONG, proven="2026-11-27T02:30:00Z"), ["backup_unproven"]),
        (Status(proven="2026-11-27T02:30:00Z", unproven="It lacks x."), ["backup_unproven"]),
        (Status(proven="2026-11-26T02:30:00Z", problem="It is full."), ["backup_failed"]),
        (Status(proven="2026-11-01T02:30:00Z", problem="Full."), ["backup_failed", "backup_old"]),
    ],
)
def test_it_names_what_is_wrong(report: Status, codes: list[str]) -> None:
    assert [issue.kind.code for issue in backup.judge(report, NOW, kind)] == codes


def test_it_says_which_is_the_newest_and_what_was_in_the_way() -> None:
    old = Status(begun=LONG, drilled=SUNDAY, problem="The destination is full.")
    failed, late = backup.judge(old, NOW, kind)
    assert failed.detail == "The destination is full"
    assert late.detail == "there is none"
