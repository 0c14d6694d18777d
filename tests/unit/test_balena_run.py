"""What would be done is said before it is done, once, and for one old system."""

from __future__ import annotations

from pathlib import Path

import pytest
from hems.balena import BalenaError, readings, run
from hems.balena.exported import Bucket
from hems.balena.run import Done
from hems.balena.volumes import Volumes

from tests.unit import balena_volumes

NOTHING = Done()
ALL = dict.fromkeys(run.PARTS, "2026-03-01T00:00:00Z")


@pytest.fixture
def volumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Volumes:
    """All three."""
    monkeypatch.setattr(readings, "bucket", lambda _volume, name: Bucket("1", name or "energy"))
    monkeypatch.setattr(run, "DIRECTORY", tmp_path / "state")
    return Volumes(balena_volumes.make(tmp_path), tmp_path / "influxdb-data", tmp_path / "mqtt")


def plan(volumes: Volumes, done: Done = NOTHING, without: tuple[str, ...] = ()) -> run.Plan:
    """Return what is to be done."""
    return run.plan(volumes, "", without, done)


def test_it_says_what_it_would_do(volumes: Volumes) -> None:
    said = "\n".join(run.told(plan(volumes)))
    for words in (
        "Home Assistant 2025.3.4",
        "accounts: guest, oldowner",
        "the old dongle has to be plugged in",
        "sensor.frient_power measures W: perhaps hems_meter_power",
        "sensor.frient_energy measures kWh in total: perhaps hems_meter_energy",
        "configuration.yaml becomes configuration.yaml.balena",
        "stays behind: custom_components",
        "bucket 'energy' of",
        "MQTT: a list",
    ):
        assert words in said
    assert "Nothing is left" not in said


def test_what_is_done_or_left_out_is_not_done_again(volumes: Volumes) -> None:
    one = plan(volumes).home_assistant.id
    done = Done(one, {run.HOME_ASSISTANT: "2026-03-01T00:00:00Z"})
    assert plan(volumes, done).todo == (run.READINGS, run.MQTT)
    rest = plan(volumes, done, (run.READINGS, run.MQTT))
    assert rest.todo == () and rest.bucket is None
    assert list(run.told(plan(volumes, Done(one, ALL)))) == [
        "Nothing is left to do: all of it is on this box already."
    ]


def test_a_second_old_system_is_refused(volumes: Volumes) -> None:
    with pytest.raises(BalenaError, match=r"another old system already: remove .+done.json"):
        plan(volumes, Done("another", ALL))


def test_what_is_done_is_noted_part_by_part(volumes: Volumes) -> None:
    this = plan(volumes)
    for part in run.PARTS:
        run._note(this, part)
    found = run.done(run.DIRECTORY)
    assert found.source == this.home_assistant.id and set(found.parts) == set(run.PARTS)
    (run.DIRECTORY / run.DONE).write_text("{")
    with pytest.raises(BalenaError, match="remove it, and all is brought over anew"):
        run.done(run.DIRECTORY)
