"""Joining a network: what is stored when it works, and that nothing is when it does not."""

from __future__ import annotations

import asyncio
import selectors
from typing import Any

import pytest
from hems.onboarding import network
from hems.onboarding.bus import WifiError
from hems.onboarding.core import Lock
from hems.onboarding.network import Wifi

from tests.unit.fake_network_manager import TOP, WLAN, FakeNetworkManager, Point

HOME = Point(b'H"me \xf0\x9f\x8f\xa0', "right horse", 70)


class Hurry(selectors.DefaultSelector):
    """Lets time pass at once where nothing else happens."""

    passed = 0.0  # s

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found and timeout:
            self.passed += timeout
        return found


class Hurried(asyncio.SelectorEventLoop):
    """An event loop in which nobody waits."""

    def __init__(self) -> None:
        self._hurry = Hurry()
        super().__init__(self._hurry)

    def time(self) -> float:
        return super().time() + self._hurry.passed


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> FakeNetworkManager:
    """A NetworkManager with one network in range."""
    monkeypatch.setattr(network, "SCAN_SECONDS", 0.05)
    monkeypatch.setattr(network, "JOIN_SECONDS", 0.2)
    return FakeNetworkManager([HOME])


def join(manager: FakeNetworkManager, ssid: bytes, key: str, lock: Lock | None, **how: Any) -> None:
    """Join once."""
    asyncio.run(Wifi(manager).join(ssid, key, lock, **how))


def ssids(profiles: dict[str, dict[str, Any]]) -> list[bytes]:
    """Return the networks of profiles."""
    return [one["802-11-wireless"]["ssid"] for one in profiles.values()]


def test_what_has_worked_is_stored(manager: FakeNetworkManager) -> None:
    join(manager, HOME.ssid, "right horse", Lock.WPA2)
    assert (ssids(manager.disk), manager.memory) == ([HOME.ssid], {})
    [profile] = manager.disk.values()
    assert profile["802-11-wireless-security"] == {"key-mgmt": "wpa-psk", "psk": "right horse"}
    assert profile["connection"]["id"] == 'H"me 🏠'


@pytest.mark.parametrize(
    ("reason", "lock", "words"),
    [
        (7, Lock.WPA2, "passphrase is wrong"),
        (53, Lock.WPA3, "probably the passphrase is wrong"),
        (53, Lock.TRANSITION, "Set the router to WPA2 alone"),
        (8, Lock.TRANSITION, "Set the router to WPA2 alone"),
        (53, Lock.WPA2, "not in range"),
        (5, Lock.WPA2, "gave the box no address"),
        (36, Lock.WPA2, "adapter went away"),
        (4711, Lock.WPA2, "reason 4711"),
    ],
)
def test_what_failed_is_said_and_nothing_is_left(
    manager: FakeNetworkManager, reason: int, lock: Lock, words: str
) -> None:
    manager.points = [Point(b"Home", "right horse", refuses=reason)]
    with pytest.raises(WifiError, match=words) as raised:
        join(manager, b"Home", "wrong horse", lock)
    assert "wrong horse" not in str(raised.value)
    assert (manager.disk, manager.memory) == ({}, {})


@pytest.mark.parametrize(
    ("stays", "lock", "words", "share"),
    [
        (50, Lock.WPA2, "did not answer in time", network.ENTRY),
        (50, Lock.WPA3, "probably the passphrase is wrong", network.ENTRY),
        (50, Lock.TRANSITION, "Set the router to WPA2 alone", network.ENTRY),
        (50, None, "not in range", network.ENTRY),
        (70, Lock.WPA3, "gave the box no address", 1.0),
    ],
)
def test_a_network_that_says_nothing_is_not_waited_for_to_the_end(
    manager: FakeNetworkManager, stays: int, lock: Lock | None, words: str, share: float
) -> None:
    manager.points = [Point(b"Home", "right horse", stays=stays)]

    async def scene() -> float:
        clock = asyncio.get_running_loop().time
        begun = clock()
        with pytest.raises(WifiError, match=words):
            await Wifi(manager).join(b"Home", "right horse", lock, seconds=10_000)
        return clock() - begun

    with asyncio.Runner(loop_factory=Hurried) as runner:
        assert runner.run(scene()) == pytest.approx(share * 10_000, abs=500)
    assert (manager.disk, manager.memory) == ({}, {})


def test_a_wrong_passphrase_takes_nothing_that_was_stored(manager: FakeNetworkManager) -> None:
    join(manager, HOME.ssid, "right horse", Lock.WPA2)
    before = dict(manager.disk)
    with pytest.raises(WifiError, match="passphrase is wrong"):
        join(manager, HOME.ssid, "wrong horse", Lock.WPA2)
    assert (manager.disk, manager.memory) == (before, {})


def test_a_new_passphrase_replaces_the_old_profile(manager: FakeNetworkManager) -> None:
    join(manager, HOME.ssid, "right horse", Lock.WPA2)
    manager.points = [Point(HOME.ssid, "a new horse")]
    join(manager, HOME.ssid, "a new horse", Lock.WPA2)
    [profile] = manager.disk.values()
    assert profile["802-11-wireless-security"]["psk"] == "a new horse"


def test_what_can_not_be_stored_is_not_left_in_memory(manager: FakeNetworkManager) -> None:
    manager.fails_to_store = True
    with pytest.raises(WifiError, match="the disk is full"):
        join(manager, HOME.ssid, "right horse", Lock.WPA2)
    assert (manager.disk, manager.memory) == ({}, {})


def test_the_states_of_another_connection_are_not_taken_for_this_one(
    manager: FakeNetworkManager,
) -> None:
    manager.before = [(f"{TOP}/Devices/1", 120, 5), (WLAN, 110, 60), (WLAN, 30, 60)]
    join(manager, HOME.ssid, "right horse", Lock.WPA2)
    assert ssids(manager.disk) == [HOME.ssid]
    manager.before = [(WLAN, 100, 0)]
    with pytest.raises(WifiError, match="passphrase is wrong"):
        join(manager, HOME.ssid, "wrong horse", Lock.WPA2)


@pytest.mark.parametrize(
    ("key", "lock", "words"),
    [
        ("short", Lock.WPA2, "8 to 63"),
        ("x" * 64, Lock.WPA2, "8 to 63"),
        ("pässphrase", None, "8 to 63"),
        ("with\nline", Lock.WPA3, "8 to 63"),
        ("right horse", Lock.OPEN, "leave the passphrase empty"),
        ("right horse", Lock.ENTERPRISE, "WPA Enterprise"),
        ("right horse", Lock.WEP, "WEP"),
    ],
)
def test_what_can_not_work_is_refused_before_it_is_tried(
    manager: FakeNetworkManager, key: str, lock: Lock | None, words: str
) -> None:
    with pytest.raises(WifiError, match=words):
        join(manager, HOME.ssid, key, lock)
    assert manager.joined == []


def test_a_key_of_64_digits_and_an_open_network_are_joined(manager: FakeNetworkManager) -> None:
    manager.points = [Point(b"Key", "0aF" * 21 + "1"), Point(b"Open", flags=(0, 0, 0))]
    join(manager, b"Key", "0aF" * 21 + "1", Lock.WPA2)
    join(manager, b"Open", "", Lock.OPEN, hidden=True)
    open_profile = list(manager.disk.values())[1]
    assert "802-11-wireless-security" not in open_profile
    assert open_profile["802-11-wireless"]["hidden"] is True


def test_the_networks_in_range_stand_once_with_the_strongest_first(
    manager: FakeNetworkManager,
) -> None:
    manager.points = [
        Point(b"Far", strength=20, flags=(1, 0, 0x400)),
        Point(b"Near", strength=60, flags=(1, 0x100, 0x500)),
        Point(b"Near", strength=90, flags=(1, 0x100, 0x500)),
        Point(b"", strength=99),
        Point(b"\0\0\0", strength=99),
        Point(b"Work", strength=30, flags=(1, 0, 0x200)),
        Point(b"Old", strength=10, flags=(1, 0, 0)),
        Point(b"Free", strength=5, flags=(0, 0, 0)),
        Point(b"\xff\x1b[2J", strength=4),
    ]
    found = asyncio.run(Wifi(manager).scan())
    assert [(one.name, one.strength, str(one.lock)) for one in found] == [
        ("Near", 90, "WPA2/WPA3"),
        ("Work", 30, "enterprise"),
        ("Far", 20, "WPA3"),
        ("Old", 10, "WEP"),
        ("Free", 5, "open"),
        ("\\xff\\x1b[2J", 4, "WPA2"),
    ]


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"stopped": True}, "does not run"),
        ({"adapters": 0}, "has no WiFi adapter"),
        ({"state": 10}, "has no WiFi adapter"),
        ({"state": 20}, "is not ready yet"),
        ({"state": 20, "enabled": False}, "nmcli radio wifi on"),
    ],
)
def test_what_the_box_lacks_is_said(how: dict[str, Any], words: str) -> None:
    manager = FakeNetworkManager([HOME], **how)
    with pytest.raises(WifiError, match=words):
        asyncio.run(Wifi(manager).scan())


def test_a_network_is_forgotten(manager: FakeNetworkManager) -> None:
    join(manager, HOME.ssid, "right horse", Lock.WPA2)
    wifi = Wifi(manager)
    assert asyncio.run(wifi.forget(b"another")) == 0
    assert asyncio.run(wifi.forget(HOME.ssid)) == 1
    assert manager.disk == {}
