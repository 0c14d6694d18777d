"""Which of the D2L dongles' troubles are issues, and what an installer is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hems import HemsError
from hems.cli import d2l as command
from hems.d2l import intake
from hems.d2l.frame import Fault
from hems.linky import status
from hems.reports.d2l import judge, look

from tests.unit.service_entries import kind

NOW = 10_000.0
SILENCE = 600.0


def dongle(**fields: Any) -> dict[str, Any]:
    return {
        "name": "linky",
        "number": "…8901",
        "mode": "standard",
        "address": "192.168.1.20",
        "taken": 5,
        "refused": {},
        "last": NOW - 30,
        "problem": "",
        "problem_at": None,
        **fields,
    }


def report(*dongles: dict[str, Any], **fields: Any) -> dict[str, Any]:
    how = {"broker": True, "strangers": {}, "silence": SILENCE, "started": NOW - 5000}
    return {**how, "dongles": list(dongles), "monotonic": NOW, **fields}


@pytest.mark.parametrize(
    ("found", "codes"),
    [
        (report(dongle()), []),
        (report(dongle(last=NOW - 601)), ["d2l_silent"]),
        (report(dongle(last=None)), ["d2l_silent"]),
        (report(dongle(last=None), started=NOW - 100), []),
        (report(dongle(problem="x", problem_at=NOW - 10)), ["d2l_refused"]),
        (report(dongle(last=None, problem="x", problem_at=NOW - 10)), ["d2l_refused"]),
        (report(dongle(last=NOW - 5, problem="x", problem_at=NOW - 10)), []),
        (report(dongle(last=NOW - 9000, problem="x", problem_at=NOW - 700)), ["d2l_silent"]),
    ],
)
def test_issues(found: dict[str, Any], codes: list[str]) -> None:
    assert [one.kind.code for one in judge(found, NOW, kind)] == codes


def test_a_daemon_that_says_nothing_is_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "D2L", tmp_path / "d2l.json")
    assert [one.kind.code for one in look(NOW, kind)] == ["d2l_down"]
    status.write(status.D2L, report(dongle(last=NOW - 601)))
    assert [one.kind.code for one in look(NOW, kind)] == ["d2l_silent"]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (report(dongle(problem=Fault.KEY.value, problem_at=NOW)), "compare its key"),
        (report(dongle(problem=Fault.IV.value, problem_at=NOW)), "initialisation vector (IV) with"),
        (report(dongle(last=None)), "nothing received yet"),
        (report(dongle(last=NOW - 4000)), "silent since 66 min ago"),
        (report(dongle(), strangers={"…1234": 3}), "An unknown dongle, …1234, has sent 3 frames"),
        (report(dongle(), broker=False), "broker is down"),
    ],
)
def test_what_to_check_is_said_in_a_sentence(found: dict[str, Any], words: str) -> None:
    (sentence,) = command.sentences(found, NOW)
    assert words in sentence
    assert sentence in "\n".join(command.lines(found, NOW))


def test_every_reason_has_its_check() -> None:
    reasons = [intake.NO_KEY, intake.REPLAY, intake.TOO_MANY, intake.HELD_BACK, intake.NO_LINKY]
    assert set(command.CHECKS) == {*reasons, Fault.KEY.value, Fault.IV.value}


def test_a_daemon_that_does_not_write_is_not_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / status.D2L.name
    status.write(path, report(dongle()))
    assert status.read(path, NOW + 30) is not None
    assert status.read(path, NOW + status.STALE_SECONDS + 1) is None
    assert status.read(path, NOW - 5) is not None
    assert status.read(path, NOW - status.STALE_SECONDS - 1) is None
    for content in ("", "{", "[]", '{"format": 9}', '{"format": 1}'):
        path.write_text(content)
        assert status.read(path, NOW) is None
    monkeypatch.setattr(status, "D2L", path)
    with pytest.raises(HemsError, match="is not running"):
        command.run(command.argparse.Namespace(json=False))
