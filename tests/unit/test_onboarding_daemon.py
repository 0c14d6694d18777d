"""The daemon with a NetworkManager of its own: from a new box to one that is joined."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from hems import hotspot_status as status
from hems.hotspot_status import Status
from hems.onboarding import daemon, network
from hems.onboarding.core import Lock, Trouble, profile
from hems.onboarding.daemon import REJOIN_SECONDS
from hems.onboarding.grid import Phase
from hems.onboarding.portal import Choice

from tests.unit.fake_network_manager import TOP, FakeNetworkManager, Point
from tests.unit.onboarding_house import NAME, OWN, TIMES, House

HOME = Point(b"Home", "right horse", 70)

Play = Callable[[Callable[[House], Coroutine[Any, Any, None]]], None]


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> FakeNetworkManager:
    """A NetworkManager with one network in range."""
    monkeypatch.setattr(network, "SCAN_SECONDS", 0.01)
    monkeypatch.setattr(daemon, "INTERNET_SECONDS", 0.0)
    return FakeNetworkManager([HOME, Point(NAME.encode(), "x", 99)])


@pytest.fixture
def play(
    manager: FakeNetworkManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Play]:
    """Plays a scene in a house whose portal opens no real port."""

    def run(scene: Callable[[House], Coroutine[Any, Any, None]]) -> None:
        async def go() -> None:
            house = House(manager, tmp_path)

            async def start(port: int) -> None:
                assert port == OWN.port
                assert manager.hotspot is None, "a phone may be in it already"
                house.listens = True

            async def stop() -> None:
                house.listens = False

            monkeypatch.setattr(house.portal, "start", start)
            monkeypatch.setattr(house.portal, "stop", stop)
            await scene(house)
            await house.daemon.close()

        asyncio.run(go())

    yield run


def told(directory: Path) -> Status:
    return status.read(directory)


def test_a_new_box_opens_its_hotspot_and_says_so(
    play: Play, manager: FakeNetworkManager, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def scene(house: House) -> None:
        await house.pass_time(30)
        assert manager.hotspot is not None and house.listens
        assert [one.name for one in house.portal.networks] == ["Home"], "not itself"
        assert told(tmp_path) == Status(Phase.OPEN, True, NAME, 622.0)

    play(scene)
    assert manager.hotspot is None, "it ends with the daemon"
    assert capsys.readouterr().err == f"The hotspot '{NAME}' is open.\n"


def test_the_hotspot_is_what_phones_and_the_firewall_expect(
    play: Play, manager: FakeNetworkManager
) -> None:
    async def scene(house: House) -> None:
        await house.pass_time(30)
        profile = manager.hotspot
        assert profile is not None
        assert profile["ipv4"]["address-data"] == [{"address": "10.42.0.1", "prefix": 24}]
        assert (profile["ipv4"]["method"], profile["ipv6"]["method"]) == ("shared", "disabled")
        assert profile["connection"]["autoconnect"] is False
        wireless = profile["802-11-wireless"]
        assert (wireless["mode"], wireless["ssid"]) == ("ap", NAME.encode())
        security = profile["802-11-wireless-security"]
        assert (security["psk"], security["proto"], security["pmf"]) == ("a passphrase", ["rsn"], 1)
        assert (manager.disk, manager.memory) == ({}, {})

    play(scene)


def test_a_guest_is_wrong_at_first(
    play: Play,
    manager: FakeNetworkManager,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def scene(house: House) -> None:
        await house.pass_time(30)
        house.daemon._take(Choice(b"Home", "wrong horse", Lock.WPA2, hidden=False))
        house.daemon.woken.clear()
        await house.pass_time(2)
        assert manager.hotspot is None
        assert house.daemon.woken.is_set(), "it looks again at once"
        await house.pass_time(2)
        assert manager.hotspot is not None, "it is back at once"
        assert house.portal.last is not None
        assert house.portal.last.trouble is Trouble.PASSPHRASE
        assert (manager.disk, manager.memory) == ({}, {})
        house.daemon._take(Choice(b"Home", "right horse", Lock.WPA2, hidden=False))
        await house.pass_time(6)
        assert told(tmp_path).phase == Phase.ONLINE
        assert house.portal.last is None and not house.listens
        assert len(manager.disk) == 1

    play(scene)
    said = capsys.readouterr()
    assert "'Home' was not joined: The passphrase is wrong" in said.err
    assert "horse" not in said.err + said.out + (tmp_path / status.FILE).read_text()


def test_what_is_stored_is_tried_again_where_network_manager_has_given_it_up(
    play: Play, manager: FakeNetworkManager
) -> None:
    for ssid in (b"Far away", b"Home"):
        settings = profile(ssid, Lock.WPA2, "right horse", hidden=False)
        manager.disk[f"{TOP}/Settings/{ssid!r}"] = settings

    async def scene(house: House) -> None:
        await house.pass_time(TIMES.known + TIMES.window - 4)
        assert manager.joined == [], "a guest may be in the hotspot"
        home, manager.points = manager.points, []
        await house.pass_time(REJOIN_SECONDS)
        assert manager.joined == []
        manager.points = home
        await house.pass_time(REJOIN_SECONDS + 10)
        assert manager.joined == ["right horse"]
        assert house.daemon._state.phase is Phase.ONLINE

    play(scene)


def test_no_internet_behind_a_network_is_remembered_for_the_next_guest(
    play: Play, manager: FakeNetworkManager
) -> None:
    async def scene(house: House) -> None:
        await house.pass_time(30)
        house.internet = None
        house.daemon._take(Choice(b"Home", "right horse", Lock.WPA2, hidden=False))
        await house.pass_time(4)
        task = house.daemon._checking
        assert task is not None
        await task
        assert house.portal.last is not None
        assert house.portal.last.trouble is Trouble.NO_INTERNET

    play(scene)
    assert len(manager.disk) == 1


def test_a_choice_that_comes_after_the_window_is_dropped(
    play: Play, manager: FakeNetworkManager
) -> None:
    async def scene(house: House) -> None:
        await house.pass_time(640)
        assert manager.hotspot is None
        house.daemon._take(Choice(b"Home", "right horse", Lock.WPA2, hidden=False))
        await house.pass_time(400)
        assert manager.hotspot is not None and manager.joined == []

    play(scene)


def test_an_uplink_keeps_it_closed_and_network_manager_unasked(
    play: Play, manager: FakeNetworkManager, tmp_path: Path
) -> None:
    async def scene(house: House) -> None:
        house.routed = True
        await house.pass_time(4)
        manager.stopped = True  # would be an error to ask
        await house.pass_time(600)
        assert told(tmp_path).phase == Phase.ONLINE

    play(scene)
    assert manager.scans == 0


def test_a_cable_without_a_way_out_counts(play: Play, manager: FakeNetworkManager) -> None:
    async def scene(house: House) -> None:
        await house.pass_time(30)
        manager.cable = True
        await house.pass_time(2)
        assert manager.hotspot is None
        await house.pass_time(1200)
        assert manager.hotspot is None

    play(scene)


def test_it_opens_on_purpose_over_an_uplink(play: Play, manager: FakeNetworkManager) -> None:
    async def scene(house: House) -> None:
        house.routed = manager.cable = True
        await house.pass_time(4)
        house.daemon._asked = house.now + 20
        await house.pass_time(2)
        assert manager.hotspot is not None
        await house.pass_time(610)
        assert manager.hotspot is None

    play(scene)


@pytest.mark.parametrize("lack", ["bus", "manager", "adapter"])
def test_it_waits_in_silence_for_what_is_late(
    play: Play,
    manager: FakeNetworkManager,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    lack: str,
) -> None:
    async def scene(house: House) -> None:
        house.no_bus = lack == "bus"
        manager.stopped = lack == "manager"
        manager.adapters = 0 if lack == "adapter" else 1
        await house.pass_time(60)
        assert told(tmp_path).phase == Phase.ABSENT
        assert capsys.readouterr().err == ""
        house.no_bus, manager.stopped, manager.adapters = False, False, 1
        await house.pass_time(30)
        assert manager.hotspot is not None

    play(scene)


def test_a_radio_that_is_switched_off_is_switched_on_only_where_it_is_needed(
    play: Play, manager: FakeNetworkManager
) -> None:
    async def scene(house: House) -> None:
        manager.enabled, manager.state, house.routed = False, 20, True
        await house.pass_time(60)
        assert not manager.enabled
        house.routed = False
        await house.pass_time(30)
        assert manager.enabled and manager.hotspot is not None

    play(scene)


def test_network_manager_restarts_or_the_adapter_is_pulled(
    play: Play, manager: FakeNetworkManager
) -> None:
    async def scene(house: House) -> None:
        await house.pass_time(30)
        manager.hotspot, manager.state = None, 30
        await house.pass_time(30)
        assert manager.hotspot is not None
        manager.hotspot, manager.adapters = None, 0
        await house.pass_time(10)
        assert not house.listens
        manager.adapters, manager.state = 1, 30
        await house.pass_time(30)
        assert manager.hotspot is not None and house.listens

    play(scene)


def test_a_hotspot_that_is_refused_is_said_once_and_tried_again(
    play: Play, manager: FakeNetworkManager, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async def scene(house: House) -> None:
        manager.refuses_hotspot = True
        await house.pass_time(1000)
        assert not told(tmp_path).open
        manager.refuses_hotspot = False
        await house.pass_time(600)
        assert manager.hotspot is not None

    play(scene)
    assert capsys.readouterr().err.count("The hotspot can't be opened: NetworkManager refuses") == 1
