"""Before an update there is a copy of the network, and a broken dongle does not forbid updates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hems import HemsError
from hems.home_assistant import HomeAssistantError
from hems.lock import appliance_lock
from hems.settings import Appliance, parse
from hems.zigbee import care
from hems.zigbee.entry import Entry

from tests.unit.appliance_settings import settled_in

NEW = Path("/new.json")
LOADED = Entry("e", "loaded", "")
BROKEN = Entry("e", "setup_retry", "no such file")


class Box:
    """What Home Assistant and the dongle do."""

    def __init__(self, directory: Path) -> None:
        text = settled_in(directory).replace(
            f'zigbee_backups = "{directory}"', f'zigbee_backups = "{directory}/zigbee"'
        )
        self.appliance = parse(text, Appliance, "hems.toml")
        self.runs: Iterator[bool] | None = None
        self.running = True
        self.answers: list[Entry | HomeAssistantError | None] = [LOADED]
        self.now = 0.0
        self.said: list[str] = []
        self.dongle = directory / "dongle"
        self.dongle.touch()
        (directory / ".storage").mkdir()
        self.store = directory / ".storage/core.config_entries"
        self.copies = directory / "zigbee"

    def take(self, *entries: dict[str, Any]) -> None:
        self.store.write_text(json.dumps({"data": {"entries": list(entries)}}))

    def is_running(self, _appliance: Appliance) -> bool:
        return self.running if self.runs is None else next(self.runs)

    def find(self, _access: object) -> Entry | None:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, HomeAssistantError):
            raise answer
        return answer

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def update(self) -> Path | None:
        return care.backup_before_update(self.appliance, "converge", self.said.append)


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    made = Box(tmp_path)
    made.take({"domain": "zha", "data": {"device": {"path": str(made.dongle)}}})
    monkeypatch.setattr(care, "runs", made.is_running)
    monkeypatch.setattr(care, "access_of", lambda _appliance: None)
    monkeypatch.setattr(care.entries, "find", made.find)
    monkeypatch.setattr(care, "backup", lambda _appliance, inside: NEW if inside else None)
    monkeypatch.setattr(care.entries.time, "sleep", made.sleep)
    monkeypatch.setattr(care.entries.time, "monotonic", lambda: made.now)
    return made


def copy(box: Box) -> Path:
    box.copies.mkdir()
    path = box.copies / "20260101T000000Z.json"
    path.touch()
    return path


def test_a_box_without_a_network_has_nothing_to_keep(box: Box) -> None:
    box.take({"domain": "mqtt", "data": {}})
    assert box.update() is None
    assert "has no Zigbee network" in box.said[0]


@pytest.mark.parametrize(
    "before", [[], [Entry("e", "setup_in_progress", "")], [None], [HomeAssistantError("silent")]]
)
def test_one_that_is_just_starting_is_waited_for(box: Box, before: list[Any]) -> None:
    box.answers = [*before, LOADED]
    assert box.update() == NEW


def test_a_stopped_home_assistant_leaves_the_dongle_itself_to_ask(box: Box) -> None:
    box.running = False
    assert box.update() == NEW


@pytest.mark.parametrize("running", [True, False])
def test_a_broken_dongle_does_not_forbid_updates_while_there_is_a_copy(
    box: Box, running: bool
) -> None:
    box.running, box.answers = running, [BROKEN]
    box.dongle.unlink()
    with pytest.raises(HemsError, match="no backup of its network"):
        box.update()
    older = copy(box)
    assert box.update() is None
    assert box.said[-1].endswith(f"the newest backup of its network is {older}.")
    assert box.now < 2 * care.entries.LOAD_SECONDS + 10


def test_a_refused_token_is_not_sent_again(box: Box) -> None:
    box.answers = [HomeAssistantError("refused", "401"), LOADED]
    with pytest.raises(HomeAssistantError):
        box.update()


def test_a_look_takes_the_lock_only_while_home_assistant_stays_stopped(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(care, "ask", lambda *_: [{"from": "Home Assistant"}])
    # A restore starts it between the two looks.
    box.runs = iter([False, True])
    assert care.devices(box.appliance) == [{"from": "Home Assistant"}]
    with appliance_lock(box.appliance.paths.lock, "converge"):
        box.runs = iter([True])
        assert care.devices(box.appliance) == [{"from": "Home Assistant"}]
