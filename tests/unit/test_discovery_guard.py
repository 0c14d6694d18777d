"""Files of hems-discovery: what is set aside is kept, known after a restart, and named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hems.discovery import report, shelf
from hems.discovery.book import Retained
from hems.discovery.guard import Guard
from hems.discovery.quota import NAMED_SECONDS
from hems.discovery.trial import Seen, Trial

TOPIC = "vetted/sensor/bench/p/config"
UP, SILENT, DOWN = Seen(up=True, answers=True), Seen(up=True, answers=False), Seen(False, False)


def guard(tmp_path: Path, looks: list[Seen]) -> Guard:
    """A guard that sees these, one after the other."""
    for name in ("kept", "run"):
        (tmp_path / name).mkdir(exist_ok=True)
    made = Guard(tmp_path / "kept", tmp_path / "run", lambda _: looks.pop(0), Trial())
    made.trial.refused |= {one.message for one in shelf.read(made.kept)}
    return made


def hang(tmp_path: Path) -> Guard:
    """Have a Home Assistant hang on the one message that there is."""
    hung = [SILENT, DOWN]
    looks = [*hung, *hung, UP, *hung, UP, UP]
    made = guard(tmp_path, looks)
    made.trial.tell([Retained(TOPIC, b"{}"), Retained(f"{TOPIC}2", b"{}")])
    times = [0, 20, 40, 60, 80, 90, 110, 120, 250]
    for now in map(float, times):
        made.trial.connected(True)
        made.look(now)
    assert not looks
    return made


def test_what_hangs_home_assistant_is_kept_named_and_refused_after_a_restart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = hang(tmp_path)
    (kept,) = shelf.read(made.kept)
    assert kept.message.topic == TOPIC
    (told,) = report.read(made.run / report.FILE)
    assert (told.kind.code, told.subject) == ("mqtt_message_set_aside", TOPIC)
    assert f"hung after {TOPIC}" in capsys.readouterr().err
    again = guard(tmp_path, [])
    assert again.trial.tell([Retained(TOPIC, b"{}")]) == []
    (made.kept / kept.name).unlink()
    assert guard(tmp_path, []).trial.tell([Retained(TOPIC, b"{}")])


def test_a_full_disk_stops_neither_the_trial_nor_the_vetting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **_how: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hems.whole_file.write", full)
    made = hang(tmp_path)
    assert made.trial.tell([Retained(TOPIC, b"{}")]) == []
    assert "can't be kept" in capsys.readouterr().err


def test_who_keeps_too_much_is_named_once_and_for_as_long_as_it_lasts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = guard(tmp_path, [])
    for now in (0.0, 10.0):
        made.quota.begin()
        for at in range(300):
            made.quota.heard(f"hems/bench/{at}", b"x", now)
        made.counted(now, complete=False)
        (told,) = report.read(made.run / report.FILE)
        assert (told.kind.code, told.subject) == ("mqtt_account_full", "bench")
    assert capsys.readouterr().err.count("Account bench keeps more") == 1
    made.quota.begin()
    made.counted(11.0 + NAMED_SECONDS, complete=True)
    assert report.read(made.run / report.FILE) == ()


@pytest.mark.parametrize(("word", "hears"), [(b"online", True), (b"offline", False), (b"", None)])
def test_home_assistants_word_tells_whether_it_hears(
    tmp_path: Path, word: bytes, hears: bool | None
) -> None:
    made = guard(tmp_path, [])
    made.trial.connected(not hears)
    made.connected(word)
    assert made.trial.hearing is (True if hears is None else hears)
