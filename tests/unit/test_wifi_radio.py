"""The WiFi's country and its switches, with an iw and an nmcli of the test's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from tests.unit.modules import load_module

module = load_module("roles/base/library/wifi_radio.py")

IW = """#!/bin/sh
case $2 in
  set) [ "$3" = "$(cat {0}/deaf)" ] || echo "$3" >{0}/country ;;
  get) echo global; echo "country $(cat {0}/country): DFS-ETSI"; echo '  (2400 - 2483 @ 40)'
    echo phy#0; echo country 99: DFS-UNSET ;;
esac
"""
NMCLI = """#!/bin/sh
case "$*" in
  'radio wifi') [ -e {0}/nm ] && cat {0}/nm ;;
  'radio wifi on') echo enabled >{0}/nm; echo 0 >{0}/class/rfkill/rfkill0/soft ;;
esac
"""


class Box:
    """A box whose devices are files."""

    def __init__(self, place: Path) -> None:
        self.place, self.switches = place, place / "class/rfkill"
        for name, text in {"iw": IW, "nmcli": NMCLI}.items():
            (place / name).write_text(text.format(place))
            (place / name).chmod(0o755)
        (place / "class/ieee80211/phy0").mkdir(parents=True)
        for number, kind in enumerate(("wlan", "bluetooth")):
            directory = self.switches / f"rfkill{number}"
            directory.mkdir(parents=True)
            for name, value in {"type": kind, "soft": "1", "hard": "0"}.items():
                (directory / name).write_text(f"{value}\n")
        self.write(country="00", nm="disabled", deaf="")

    def write(self, **files: str) -> None:
        """Set the box's state."""
        for name, text in files.items():
            (self.place / name).write_text(f"{text}\n")

    def read(self, name: str) -> str:
        """Return a part of it."""
        return (self.place / name).read_text().strip()

    def soft(self) -> list[str]:
        """Return whether rfkill blocks the WiFi and the Bluetooth."""
        return [(self.switches / f"rfkill{n}/soft").read_text().strip() for n in (0, 1)]


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    """A box with Raspberry Pi OS as it is flashed."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(module, "KERNEL_SECONDS", 0.3)
    return Box(tmp_path)


@pytest.fixture
def play(box: Box, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Run the module; what it returns."""

    def run(**given: Any) -> dict[str, Any]:
        told = {"country": "IE", "system": str(box.place / "class"), **given}
        with patch_module_args(told), pytest.raises(SystemExit):
            module.main()
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        return answer

    return run


def test_a_flashed_box_gets_its_country_and_its_wifi_and_then_nothing_more(
    box: Box, play: Callable[..., dict[str, Any]]
) -> None:
    first = play()
    assert (first["changed"], first["done"]) == (True, ["country IE", "switched on"])
    assert (box.read("country"), box.read("nm"), box.soft()) == ("IE", "enabled", ["0", "1"])
    assert play()["changed"] is False


def test_without_network_manager_it_is_unblocked_all_the_same(
    box: Box, play: Callable[..., dict[str, Any]]
) -> None:
    (box.place / "nm").unlink()
    assert play()["done"] == ["country IE", "unblocked"]
    assert box.soft() == ["0", "1"]
    assert play()["changed"] is False


def test_a_check_changes_nothing(box: Box, play: Callable[..., dict[str, Any]]) -> None:
    assert play(_ansible_check_mode=True)["changed"] is True
    assert (box.read("country"), box.read("nm"), box.soft()) == ("00", "disabled", ["1", "1"])


def test_a_site_that_wants_no_wifi_gets_none(box: Box, play: Callable[..., dict[str, Any]]) -> None:
    assert play(switched_on=False)["done"] == ["country IE"]
    assert (box.read("nm"), box.soft()) == ("disabled", ["1", "1"])


def test_a_router_of_another_country_is_no_change(
    box: Box, play: Callable[..., dict[str, Any]]
) -> None:
    play()
    box.write(country=module.BOTH)
    assert play()["changed"] is False


@pytest.mark.parametrize("lack", ["radio", "iw"])
def test_a_box_that_lacks_it_is_left_alone(
    box: Box, play: Callable[..., dict[str, Any]], lack: str
) -> None:
    if lack == "radio":
        (box.place / "class/ieee80211/phy0").rmdir()
        assert play()["changed"] is False
    else:
        (box.place / "iw").unlink()
        assert play()["done"] == ["switched on"]
    assert box.read("country") == "00"


def test_what_can_not_be_done_is_said_and_stops_no_play(
    box: Box, play: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Ansible gives a sentence once a process, whichever of its tests was first.
    warned: list[str] = []
    monkeypatch.setattr(module.AnsibleModule, "warn", lambda _, words: warned.append(words))
    box.write(deaf="IE", nm="enabled")
    (box.switches / "rfkill0/soft").write_text("0")
    (box.switches / "rfkill0/hard").write_text("1")
    said = play()
    assert said["changed"] is False
    assert "does not take the WiFi country IE" in str(warned)
    assert "A switch on this box" in str(warned)
