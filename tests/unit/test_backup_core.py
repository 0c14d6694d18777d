"""Backups: what is kept, what is refused, and what restic's errors mean to a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hems.backup import core
from hems.backup.backup_settings import Keep
from hems.backup.core import Copy

NOW = datetime(2026, 11, 27, 2, 30, tzinfo=UTC)
PLACE = "/media/backup/hems"


def test_the_old_systems_ninety_days_are_kept_beside_days_weeks_and_months() -> None:
    found = core.keep_options(Keep(daily=7, weekly=5, monthly=12, days=90))
    assert found == [
        "--keep-daily=7",
        "--keep-weekly=5",
        "--keep-monthly=12",
        "--keep-within-daily=90d",
        "--keep-last=1",
    ]


def test_the_newest_is_kept_whatever_somebody_wrote() -> None:
    assert "--keep-last=1" in core.keep_options(Keep(daily=0, weekly=0, monthly=0, days=0))


@pytest.mark.parametrize(
    ("free", "wanted", "enough"),
    [(10**9, 10**8, True), (10**9, 10**9, False), (core.FEWEST_FREE, 0, True), (0, 0, False)],
)
def test_some_room_stays_free(free: int, wanted: int, enough: bool) -> None:
    said = core.room_problem(free, wanted, PLACE)
    assert (said == "") == enough
    assert enough or said.endswith("free: make room there.")


def test_a_clock_that_is_behind_the_newest_backup_is_not_believed() -> None:
    assert core.clock_problem(NOW, None) == ""
    assert core.clock_problem(NOW, NOW - timedelta(days=1)) == ""
    assert core.clock_problem(NOW, NOW + timedelta(minutes=30)) == ""
    said = core.clock_problem(NOW, NOW + timedelta(days=400))
    assert "2026-11-27 02:30 UTC" in said and "2028-01-01 02:30" in said


@pytest.mark.parametrize(
    ("code", "said", "words"),
    [
        (10, "", "mount the disk that has them, or make the first one"),
        (12, "Fatal: wrong password or no key found", "The passphrase does not open"),
        (11, "unable to create lock", "are in use, by this box or another one: try again"),
        (1, "Fatal: write: no space left on device", "is full: make room"),
        (1, "server response unexpected: 401 Unauthorized (401)", "refuses the box"),
        (1, "Fatal: Load(<pack/1>): ciphertext verification failed", "is damaged"),
        (1, "Fatal: open /media/x: input/output error", "fails (input/output error): plug"),
        (1, "Save(<lock/1>): open /x: read-only file system", "fails (read-only file system)"),
        (1, "open /x: no such device", "went away while"),
        (1, "Stat: The specified bucket does not exist", "There is no bucket"),
        (1, "Stat: The AWS Access Key Id you provided does not exist", "refuses the box"),
        (1, "Stat: No user exists with the provided access key ID.", "refuses the box"),
        (1, "Stat: The request signature we calculated does not match", "refuses the box"),
        (1, "The difference between the request time and the current time is too large", "clock"),
        (1, "Fatal: load pack: unexpected EOF", "is damaged"),
        (1, "dial tcp 192.168.1.5:8000: connect: connection refused", "see whether it is on"),
        (1, '{"message_type":"exit_error","message":"Fatal: file is too short"}', "is damaged"),
        (1, '{"error":{"message":"ciphertext verification failed"}}\nFatal: 1', "is damaged"),
        (1, "something new\nFatal: beyond words", "restic failed at"),
    ],
)
def test_each_error_is_one_sentence_with_a_cure(code: int, said: str, words: str) -> None:
    sentence = core.explain(code, said, PLACE)
    assert words in sentence and PLACE in sentence
    assert sentence.endswith(".") and "\n" not in sentence


@pytest.mark.parametrize(
    "said",
    [
        "Save(<data/1>) failed: Post http://nas:8000/data/1: EOF",
        "Load(<pack/1>) failed: unexpected EOF",
        "ssh command exited: exit status 255",
        "write |1: broken pipe",
        "sftp: connection lost",
        "open /x: no such file or directory\nread tcp: connection reset by peer",
    ],
)
def test_a_connection_that_ends_is_no_damaged_backup(said: str) -> None:
    sentence = core.explain(1, said, "sftp:box@nas.local:/hems")
    assert "went away while it was used: see whether it is on" in sentence
    assert "the backups that are there stay" in sentence


def test_a_damaged_backup_is_one_at_another_machine_too() -> None:
    said = "Load(<pack/1>): ciphertext verification failed"
    assert "is damaged" in core.explain(1, said, "rest:http://nas/")


def test_what_is_missing_and_what_is_too_much_differs() -> None:
    one, other = Copy(1, "a"), Copy(1, "b")
    assert core.differences({"x": one}, {"x": one}) == []
    assert core.differences({"x": one, "y": one}, {"x": other, "z": one}) == ["x", "y", "z"]


def test_a_log_in_goes_into_a_rest_servers_url() -> None:
    url = "rest:https://nas.local:8000/hems/"
    assert core.with_account(url, "", "") == url
    assert core.with_account(url, "box", "a%2Fb") == "rest:https://box:a%2Fb@nas.local:8000/hems/"
