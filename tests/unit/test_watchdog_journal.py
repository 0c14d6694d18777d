"""What was done and why: the log that outlives a reboot, and the command that reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hems import cli
from hems.cli import why
from hems.watchdog import journal
from hems.watchdog.act import Actor, Orders
from hems.watchdog.core import Action, Verb

from tests.unit.appliance_settings import GOOD

RESTART = Action(Verb.RESTART, "nginx.service", "3 misses in a row", "does not answer: timed out")


def entry(number: int) -> journal.Entry:
    return journal.Entry(f"2026-11-22T07:15:{number:02}Z", "restart", "a | b", "c\nd", "e")


def test_the_log_keeps_one_line_an_entry(tmp_path: Path) -> None:
    path = tmp_path / journal.FILE
    journal.append(path, str(entry(1)))
    assert path.read_text() == "2026-11-22T07:15:01Z | restart | a / b | c d | e\n"
    (read,) = journal.read(path, 5)
    assert (read.verb, read.subject) == ("restart", "a / b")


def test_the_log_is_rotated_and_read_over_the_rotation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "MAX_BYTES", 200)
    path = tmp_path / journal.FILE
    for number in range(12):
        journal.append(path, str(entry(number)))
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "restart-log.txt",
        "restart-log.txt.1",
    ]
    assert [one.time[-3:-1] for one in journal.read(path, 5)] == ["07", "08", "09", "10", "11"]


def test_half_a_line_from_a_power_cut_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / journal.FILE
    path.write_text(f"{entry(1)}\n2026-11-22T07:1")
    assert len(journal.read(path, 5)) == 1


def test_half_a_line_does_not_swallow_the_next(tmp_path: Path) -> None:
    path = tmp_path / journal.FILE
    path.write_text(f"{entry(1)}\n2026-11-22T07:1")
    journal.append(path, str(entry(2)))
    assert [one.time for one in journal.read(path, 5)] == [entry(1).time, entry(2).time]


def test_no_log_is_nothing_done(tmp_path: Path) -> None:
    assert journal.read(tmp_path / journal.FILE, 5) == []


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A box's directory, where ``hems`` looks for everything."""
    (tmp_path / "hems.toml").write_text(GOOD.replace("/var/lib/hems", str(tmp_path)))
    monkeypatch.setattr("hems.settings.appliance.__defaults__", (tmp_path,))
    return tmp_path


def test_hems_why_answers(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["why"]) == 0
    assert capsys.readouterr().out.strip() == why.NOTHING
    Actor(box, dry_run=False, orders=Orders(restart=lambda _: None)).carry_out(RESTART)
    assert cli.main(["why"]) == 0
    said = capsys.readouterr().out
    assert "restarted nginx.service" in said
    assert "because: 3 misses in a row" in said
    assert "observed: does not answer: timed out" in said


def test_hems_why_answers_with_as_many_entries_as_asked(
    box: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(30):
        journal.append(box / journal.FILE, str(entry(number)))
    for arguments, count in (([], why.COUNT), (["--count", "1"], 1), (["--count", "99"], 30)):
        assert cli.main(["why", *arguments]) == 0
        assert capsys.readouterr().out.count("because:") == count


@pytest.mark.parametrize("count", ["0", "-1", "many", ""])
def test_hems_why_wants_a_count(count: str) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["why", f"--count={count}"])
    assert ended.value.code == cli.USAGE
