"""The watchdog's shell: its memory, its orders, and NetworkManager's answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hems.settings import SettingsError, parse
from hems.systemd import SystemdError
from hems.watchdog import journal, memory, network_manager
from hems.watchdog.act import Actor, Orders
from hems.watchdog.core import Action, Memory, Verb
from hems.watchdog.ladder import Rungs
from hems.watchdog.network_manager import Connection, NetworkError
from hems.watchdog.release import Guard, Versions, decide
from hems.watchdog.watchdog_settings import Watchdog

from tests.unit.watchdog_settings import TEXT

RESTART = Action(Verb.RESTART, "nginx.service", "3 misses in a row", "does not answer: timed out")
VERSIONS = Versions("home-assistant.service", "2026.9.1", "2026.10.4")


# What is done


def test_what_is_done_is_written_down_before_it_is_done(tmp_path: Path) -> None:
    seen: list[str] = []
    orders = Orders(
        restart=lambda _: seen.extend((tmp_path / journal.FILE).read_text().splitlines())
    )
    Actor(tmp_path, dry_run=False, orders=orders).carry_out(
        RESTART, before=lambda: seen.append("b")
    )
    assert seen[0] == "b"
    assert "| restart | nginx.service | 3 misses in a row |" in seen[1]


def test_an_order_that_is_refused_is_written_down(tmp_path: Path) -> None:
    def refuse(_: str) -> None:
        raise SystemdError("access denied")

    assert not Actor(tmp_path, dry_run=False, orders=Orders(restart=refuse)).carry_out(RESTART)
    assert [one.verb for one in journal.read(tmp_path / journal.FILE, 5)] == ["restart", "failed"]


def test_a_dry_run_does_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done: list[str] = []
    actor = Actor(tmp_path, dry_run=True, orders=Orders(restart=done.append))
    actor.carry_out(RESTART, before=lambda: done.append("before"))
    assert done == [] and list(tmp_path.iterdir()) == []
    assert "dry run, would restart nginx.service: 3 misses in a row" in capsys.readouterr().err


def test_no_reboot_without_its_step_on_the_disk(tmp_path: Path) -> None:
    done: list[str] = []

    def full() -> None:
        raise OSError(28, "No space left on device")

    actor = Actor(tmp_path, dry_run=False, orders=Orders(reboot=lambda: done.append("reboot")))
    actor.carry_out(Action(Verb.REBOOT, "box", "no Internet", "silence"), before=full)
    assert done == []


def test_a_reboot_is_known_by_the_last_line(tmp_path: Path) -> None:
    def refuse() -> None:
        raise SystemdError("access denied")

    reboot = Action(Verb.REBOOT, "box", "no Internet", "silence")
    actor = Actor(tmp_path, dry_run=False, orders=Orders(reboot=lambda: None))
    assert not actor.has_rebooted()
    actor.carry_out(reboot)
    assert actor.has_rebooted()
    actor.note("start", "box", "the watchdog rebooted it", "ladder at step 1")
    assert not actor.has_rebooted()
    Actor(tmp_path, dry_run=False, orders=Orders(reboot=refuse)).carry_out(reboot)
    assert not actor.has_rebooted()


@pytest.mark.parametrize("verb", list(Verb))
def test_every_verb_has_a_hand(verb: Verb, tmp_path: Path) -> None:
    done: list[str] = []
    orders = Orders(
        restart=lambda unit: done.append(f"restart {unit}"),
        kill=lambda unit: done.append(f"kill {unit}"),
        reboot=lambda: done.append("reboot it"),
        activate=lambda: done.append("activate it"),
        stop_hotspot=lambda: done.append("stop hotspot it"),
    )
    Actor(tmp_path, dry_run=False, orders=orders).carry_out(Action(verb, "it", "", ""))
    assert done in ([f"{verb.value} it"], ["reboot it"])


def test_a_version_is_written_down_once(tmp_path: Path) -> None:
    actor = Actor(tmp_path, dry_run=False)
    for words in ("1 runs", "1 runs", "2 runs", "1 runs"):
        actor.note_version(words)
    lines = (tmp_path / journal.VERSIONS).read_text().splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == ["1 runs", "2 runs", "1 runs"]


# What is remembered


def test_memory_outlives_a_restart_and_the_step_a_reboot(tmp_path: Path) -> None:
    boot = memory.Boot(
        {"a.service": Memory(misses=2, restarts=(1.0, 2.0), pending=3.0)},
        Rungs(step=2, gone_since=7.5),
        Guard(None, ("1", "2")),
    )
    memory.save_boot(tmp_path, boot)
    assert memory.load_boot(tmp_path) == boot
    (tmp_path / memory.BOOT_FILE).unlink()
    assert memory.load_boot(tmp_path) is None
    memory.save_lasting(tmp_path, memory.Lasting(3))
    assert memory.load_lasting(tmp_path) == memory.Lasting(3)


@pytest.mark.parametrize("left", ["", "{", "[]", '{"step": "x"}', "\x00\x00"])
def test_what_a_power_cut_left_is_forgotten(left: str, tmp_path: Path) -> None:
    (tmp_path / memory.LASTING_FILE).write_text(left)
    assert memory.load_lasting(tmp_path) == memory.Lasting()


# The release guard


def test_another_version_is_restarted_once_after_its_grace() -> None:
    guard, acted = Guard(), []
    for now in range(0, 1200, 30):
        guard, action = decide(guard, VERSIONS, float(now), False, 120.0)
        acted += [(now, action)] if action else []
    ((at, action),) = acted
    assert at == 120
    assert action.subject == "home-assistant.service"
    assert action.observed == "2026.9.1 runs, 2026.10.4 is installed"


@pytest.mark.parametrize(
    ("versions", "locked"),
    [
        (Versions("u", "2026.10.4", "2026.10.4"), False),
        (Versions("u", "", "2026.10.4"), False),
        (Versions("u", "2026.10.4", ""), False),
        (VERSIONS, True),
    ],
)
def test_the_release_guard_rests(versions: Versions, locked: bool) -> None:
    guard = Guard()
    for now in range(0, 1200, 30):
        guard, action = decide(guard, versions, float(now), locked, 120.0)
        assert action is None


# NetworkManager

SHOWN = r"""u-1:802-3-ethernet:no:yes:1700000000:Wired\: the desk
u-2:802-11-wireless:yes:no:1800000000:hems-hotspot
u-3:802-11-wireless:no:yes:1750000000:Home
u-4:bridge:yes:yes:1900000000:br0
"""


class FakeNmcli:
    def __init__(self, shown: str = SHOWN, mode: str = "ap") -> None:
        self.shown, self.mode = shown, mode
        self.orders: list[str] = []

    def __call__(self, arguments: list[str]) -> str:
        if "--fields" in arguments:
            return self.shown
        if "--get-values" in arguments:
            return f"{self.mode}\n"
        self.orders.append(" ".join(arguments))
        return ""


def test_profiles_are_read_from_what_nmcli_prints() -> None:
    first = network_manager.parse(SHOWN)[0]
    assert first == Connection(
        "u-1", "802-3-ethernet", "Wired: the desk", False, True, 1_700_000_000
    )
    assert network_manager.parse("half:a:line\n") == []


def test_the_last_used_uplink_is_brought_up_again_and_never_the_hotspot() -> None:
    nmcli = FakeNmcli()
    assert network_manager.activate(nmcli) == "Home"
    assert nmcli.orders == ["--wait 30 connection up uuid u-3"]


def test_without_an_uplink_the_order_is_refused() -> None:
    with pytest.raises(NetworkError, match="no connection"):
        network_manager.activate(FakeNmcli(""))


def test_an_open_hotspot_is_found_and_stopped() -> None:
    nmcli = FakeNmcli()
    assert network_manager.stop_hotspot(nmcli) == "hems-hotspot"
    assert nmcli.orders == ["connection down uuid u-2"]
    assert network_manager.hotspot(FakeNmcli(mode="infrastructure")) is None


# What it starts from


def test_settings_name_their_mistakes() -> None:
    with pytest.raises(SettingsError, match=r"unknown key 'services\.lok'"):
        parse(TEXT.replace("look =", "lok =", 1), Watchdog, "watchdog.toml")
    with pytest.raises(SettingsError, match=r"internet\.reboot"):
        parse(TEXT.replace("[1800,", "[0,"), Watchdog, "watchdog.toml")
