"""Which of the serial adapter's troubles are issues, and what an installer is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hems import HemsError, settings
from hems.cli import linky as command
from hems.linky import status
from hems.linky.labels import Mode
from hems.reports.tic import judge, look
from hems.tic.line import Trouble
from hems.tic.report import CHECKS, DROPPED, HELD_BACK, NO_LINKY, Record, lines, problems, report

from tests.unit.service_entries import kind

NOW = 10_000.0
SILENCE = 600.0
LONG_AGO = NOW - 5_000


def adapter(
    record: Record | None = None, trouble: Trouble | None = None, **more: Any
) -> dict[str, Any]:
    how = {
        "name": "linky",
        "device": "/dev/serial/by-id/usb-x",
        "set_mode": "auto",
        "silence": SILENCE,
        "damage": 0.0,
        "broker": True,
        **more,
    }
    record = record or Record(LONG_AGO, taken=5, last=NOW - 10)
    return report(record, trouble, Mode.STANDARD, NOW, **how)


def silent(trouble: Trouble | None, **more: Any) -> dict[str, Any]:
    return adapter(Record(LONG_AGO, last=NOW - SILENCE - 1), trouble, **more)


def refused(reason: str) -> Record:
    return Record(LONG_AGO, problem=reason, problem_at=NOW - 1)


@pytest.mark.parametrize(
    ("found", "codes"),
    [
        (adapter(), []),
        (adapter(Record(NOW - 100)), []),
        (adapter(Record(NOW - 100), Trouble.ABSENT), []),  # it may take its time
        (adapter(Record(LONG_AGO), Trouble.ABSENT), ["tic_unplugged"]),
        (silent(Trouble.ABSENT), ["tic_unplugged"]),
        (silent(Trouble.BUSY), ["tic_unplugged"]),
        (silent(Trouble.UNUSABLE), ["tic_unplugged"]),
        (silent(Trouble.SILENT), ["tic_silent"]),
        (silent(Trouble.GARBLED), ["tic_unreadable"]),
        (adapter(refused(NO_LINKY)), ["tic_unreadable"]),
        (adapter(damage=0.2), ["tic_damaged"]),
        (adapter(damage=0.05), []),
    ],
)
def test_issues(found: dict[str, Any], codes: list[str]) -> None:
    assert [one.kind.code for one in judge(found, NOW, kind)] == codes


def test_a_daemon_that_says_nothing_is_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "TIC", tmp_path / "tic.json")
    assert [one.kind.code for one in look(NOW, kind)] == ["tic_down"]
    status.write(status.TIC, silent(Trouble.ABSENT))
    assert [one.kind.code for one in look(NOW, kind)] == ["tic_unplugged"]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (adapter(trouble=Trouble.ABSENT), "is not plugged in: plug it in"),
        (adapter(trouble=Trouble.BUSY), "another program uses the adapter: stop the other"),
        (adapter(trouble=Trouble.UNUSABLE), "set hems_tic_device"),
        (adapter(trouble=Trouble.SILENT), "terminals I1 and I2"),
        (adapter(trouble=Trouble.GARBLED), "no second reader"),
        (
            adapter(trouble=Trouble.GARBLED, set_mode="historique"),
            "may not speak 'historique': set linky_tic_mode to auto",
        ),
        (adapter(Record(NOW - 5)), "nothing has been read yet"),
        (silent(None), "silent since 10 min ago"),
        (adapter(refused(HELD_BACK)), "an exchanged meter is accepted then"),
        (adapter(refused(NO_LINKY)), "holds no Linky values"),
        (adapter(damage=0.25), "the checksum of 25% of its values is wrong"),
    ],
)
def test_what_to_check_is_said_in_a_sentence(found: dict[str, Any], words: str) -> None:
    (sentence,) = problems(found, NOW)
    assert words in sentence


def test_every_trouble_has_its_check() -> None:
    assert set(CHECKS) == set(Trouble)
    assert set(DROPPED) == {HELD_BACK, NO_LINKY}


def test_frames_are_counted_by_what_became_of_them() -> None:
    record = Record(0.0)
    for at, outcome in enumerate((True, False, None, True)):
        record.note(outcome, float(at))
    assert (record.taken, record.last, record.problem_at) == (2, 3.0, 2.0)
    assert record.refused == {HELD_BACK: 1, NO_LINKY: 1}
    assert problems(adapter(record), 4.0) == []


class Site:
    """What the readers' daemons of a site have written."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def has(self, name: str, content: dict[str, Any] | None) -> None:
        """Configure a reader that writes this, or nothing."""
        (self.directory / f"{name}.toml").touch()
        if content is not None:
            status.write(self.directory / f"{name}.json", content)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(settings, "DIRECTORY", tmp_path)
    monkeypatch.setattr(command.time, "monotonic", lambda: NOW)
    for name, reader in command.READERS.items():
        own = replace(reader, path=tmp_path / f"{name}.json")
        monkeypatch.setitem(command.READERS, name, own)
    return Site(tmp_path)


DONGLES = {
    "dongles": [],
    "strangers": {"…1234": 3},
    "broker": True,
    "silence": SILENCE,
    "monotonic": NOW,
}


def show(*, as_json: bool = False) -> int:
    return command.run(command.argparse.Namespace(json=as_json))


@pytest.mark.usefixtures("site")
def test_a_site_without_a_reader_is_told_how_to_get_one() -> None:
    with pytest.raises(HemsError, match="hems_tic_device"):
        show()


def test_both_readers_are_shown(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.has("tic", adapter())
    assert show() == 0
    assert capsys.readouterr().out == "\n".join(lines(adapter(), NOW)) + "\n"
    site.has("d2l", DONGLES)
    assert show() == 1
    out = capsys.readouterr().out
    assert "Dongle" in out and "/dev/serial/by-id/usb-x" in out and "…1234" in out
    assert show(as_json=True) == 1
    assert set(json.loads(capsys.readouterr().out)) == {"d2l", "tic"}


def test_a_reader_that_does_not_run_and_a_broker_that_is_away_are_said(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.has("d2l", None)
    site.has("tic", adapter(broker=False))
    assert show() == 1
    out = capsys.readouterr().out
    assert "hems-d2l is not running" in out
    assert "broker is down" in out
