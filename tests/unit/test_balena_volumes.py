"""Where the old volumes are looked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hems.balena import BalenaError, volumes


@pytest.mark.parametrize(
    "layout",
    [
        "{}",
        "{}/_data",
        "1234567_{}/_data",
        "docker/volumes/1234567_{}/_data",
        "volumes/old_{}",
    ],
)
def test_a_copy_the_cards_partition_and_dockers_directory_are_known(
    tmp_path: Path, layout: str
) -> None:
    for name in (volumes.HOME_ASSISTANT, volumes.READINGS):
        place = tmp_path / layout.format(name)
        place.mkdir(parents=True)
        (place / "something").touch()
    # An empty one, and one with another name at its end, are none.
    (tmp_path / "7_mosquitto/_data").mkdir(parents=True)
    (tmp_path / "other-hass-config").mkdir()
    found = volumes.find(tmp_path)
    assert found.home_assistant == tmp_path / layout.format("hass-config")
    assert found.readings == tmp_path / layout.format("influxdb-data")
    assert found.mqtt is None


def test_a_directory_without_them_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BalenaError, match=r"There is no volume hass-config in .+: name the direct"):
        volumes.find(tmp_path)
    with (
        pytest.raises(BalenaError, match="can't be read"),
        volumes.opened(tmp_path / "not there"),
    ):
        pass


def test_of_two_applications_one_has_to_be_named(tmp_path: Path) -> None:
    for number in (1, 2):
        place = tmp_path / f"{number}_hass-config"
        place.mkdir()
        (place / "configuration.yaml").touch()
    with pytest.raises(BalenaError, match="several volumes hass-config"):
        volumes.find(tmp_path)


def test_a_card_is_known_by_its_partitions_label(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = {
        "blockdevices": [
            {
                "path": "/dev/sda",
                "label": None,
                "children": [
                    {"path": "/dev/sda1", "label": "resin-boot"},
                    {"path": "/dev/sda6", "label": "resin-data"},
                ],
            }
        ]
    }
    monkeypatch.setattr(volumes, "_run", lambda _words: json.dumps(listed))
    assert volumes.partition(Path("/dev/sda")) == "/dev/sda6"
    del listed["blockdevices"][0]["children"]
    with pytest.raises(BalenaError, match="/dev/sda is no card of the old system"):
        volumes.partition(Path("/dev/sda"))
