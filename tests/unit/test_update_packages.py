"""Debian's updates: which are chosen, when, and what becomes of one that is bad."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from hems import HemsError
from hems.update import packages, run, system_update
from hems.update.change import Change
from hems.update.packages import Package
from hems.update.run import Updater
from hems.update.state import CUTS, RESTART, RESTART_UNDONE, Phase, load
from hems.update.update_settings import Keep, Server, Update, Window

SIMULATED = """\
Reading package lists...
Calculating upgrade...
The following NEW packages will be installed:
  linux-image-6.12.58+deb13-arm64
Inst base-files [13.8] (13.8+deb13u2 Debian:13.2/stable [arm64])
Inst linux-image-6.12.58+deb13-arm64 (6.12.58-1 Debian-Security:13/stable-security [arm64])
Inst libssl3t64 [3.5.1] (3.5.4 Debian:13.2/stable, Debian-Security:13/stable-security [arm64]) []
Inst wpasupplicant [2:2.10-24] (2:2.10-24+rpt1 Raspberry Pi Foundation:stable [arm64])
Inst theirs [1.0] (2.0 Somebody's own shop:trixie [all])
Conf base-files (13.8+deb13u2 Debian:13.2/stable [arm64])
"""
LABELS = ("Debian", "Debian-Security", "Raspberry Pi Foundation")


def test_newer_versions_of_what_is_installed_come_from_the_named_archives_alone() -> None:
    planned = packages.planned(SIMULATED)
    assert [str(one) for one in packages.wanted(planned, LABELS)] == [
        "base-files=13.8+deb13u2",
        "libssl3t64=3.5.4",
        "wpasupplicant=2:2.10-24+rpt1",
    ]
    assert planned[2].labels == ("Debian", "Debian-Security")
    assert planned[1].old == "" and planned[3].old == "2:2.10-24"
    assert packages.wanted(planned, []) == ()


def test_a_set_of_packages_is_known_whatever_its_order() -> None:
    planned = packages.planned(SIMULATED)
    assert packages.identity(planned) == packages.identity(planned[::-1])
    assert packages.identity(planned) != packages.identity(planned[1:])


def test_settings_that_a_person_changed_stay_out_of_what_is_kept(tmp_path: Path) -> None:
    # packed, they would pass for the package's own, and its next version would overwrite them
    root = tmp_path / "root"
    for name in ("theirs", "mine", "unknown"):
        for top in (tmp_path / "etc", root / "etc"):
            top.mkdir(parents=True, exist_ok=True)
            (top / name).write_text(name)
    theirs = hashlib.md5(b"theirs", usedforsecurity=False).hexdigest()
    told = f" /etc/theirs {theirs}\n /etc/mine {theirs}\n /etc/gone {theirs} obsolete\n\n"
    changed = packages.changed_settings(told, tmp_path)
    assert changed == {"/etc/mine", "/etc/gone"}
    (root / "DEBIAN").mkdir()
    (root / "DEBIAN/conffiles").write_text("/etc/theirs\n/etc/mine\n/etc/gone\n")
    packages._leave_out(root, changed)
    assert (root / "DEBIAN/conffiles").read_text() == "/etc/theirs\n"
    assert sorted(one.name for one in (root / "etc").iterdir()) == ["theirs", "unknown"]


@pytest.mark.parametrize(
    ("line", "replaced"),
    [
        ("7f00-7f01 r-xp 00000000 fe:01 1 /usr/lib/aarch64-linux-gnu/libssl.so.3 (deleted)", True),
        ("7f00-7f01 r-xp 00000000 fe:01 1 /usr/lib/aarch64-linux-gnu/libssl.so.3", False),
        ("7f00-7f01 rw-s 00000000 00:01 1 /memfd:pulse (deleted)", False),
        ("7f00-7f01 r-xp 00000000 fe:01 1 /usr/local/bin/own (deleted)", False),
        ("7f00-7f01 rw-p 00000000 00:00 0", False),
    ],
)
def test_a_replaced_file_in_memory_wants_a_restart(
    tmp_path: Path, line: str, *, replaced: bool
) -> None:
    (tmp_path / "123").mkdir()
    (tmp_path / "123/maps").write_text(f"0-1 r-xp 0 00:00 0 [vdso]\n{line}\n")
    assert packages.wants_restart(["tzdata=2026b"], tmp_path) is replaced


def test_a_kernel_wants_a_restart(tmp_path: Path) -> None:
    assert packages.wants_restart(["linux-image-rpi-v8=1:6.12.50"], tmp_path)
    assert not packages.wants_restart(["linux-base=4.12"], tmp_path)


OFFERED = (Package("tzdata", "1", "2"), Package("wpasupplicant", "3", "4"))


class Debian(Updater):
    """A box that only notes what it would change."""

    def __init__(self, top: Path) -> None:
        options = Update(
            "site_1",
            "canary",
            "inventory/pilot",
            top,
            top / "signers",
            top,
            top / "problem",
            300,
            Server("https://example.org/fleet.git"),
            Window(1, 1),
            Keep((), (), top),
            LABELS,
        )
        paths = SimpleNamespace(root_run=top)
        super().__init__(options, SimpleNamespace(paths=paths))  # type: ignore[arg-type]
        self.state = load(top)
        self.changes: list[Change] = []

    def snapshot(self) -> SimpleNamespace:  # type: ignore[override]
        return SimpleNamespace(
            packages=self.directory / "snapshot/packages",
            drop=lambda: None,
            make_room=lambda: None,
            put_back=lambda _: None,
        )

    def change(self, change: Change, now: float) -> int:  # noqa: ARG002
        self.changes.append(change)
        return 0


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Debian:
    """A box for which Debian has two packages."""
    monkeypatch.setattr(packages, "refresh", lambda: None)
    monkeypatch.setattr(packages, "offered", lambda _: OFFERED)
    monkeypatch.setattr(packages, "complete", tuple)
    monkeypatch.setattr(packages, "download", lambda _: None)
    monkeypatch.setattr(packages, "size", lambda _: 1000)
    monkeypatch.setattr(run.resume, "disarm", lambda: None)
    return Debian(tmp_path)


def test_once_a_day_and_at_once_if_a_person_wants_it(box: Debian) -> None:
    assert system_update.look(box, 1e9) == 0
    assert box.changes[0].packages == OFFERED and box.changes[0].space == 3000
    assert system_update.look(box, 1e9 + 3600) == 0 and len(box.changes) == 1
    assert system_update.look(box, 1e9 + 86400) == 0 and len(box.changes) == 2
    assert system_update.look(box, 1e9, at_once=True) == 0 and len(box.changes) == 3
    # a clock that was put back by years does not stop updates for years
    assert system_update.look(box, 1e8) == 0 and len(box.changes) == 4


def test_without_archives_nothing_is_looked_for(box: Debian) -> None:
    box.options = type("Options", (), {"archives": ()})()
    assert system_update.look(box, 1e9, at_once=True) == 0 and not box.changes


def test_what_was_undone_waits_for_newer_versions_and_stays_a_problem(
    box: Debian, monkeypatch: pytest.MonkeyPatch
) -> None:
    phase = Phase("play", "Debian's update of 2026-11-27", "x", 0.0, packages=("tzdata=2",))
    monkeypatch.setattr(packages, "wants_restart", lambda _: False)
    monkeypatch.setattr(run.own_units, "wanted", dict)
    monkeypatch.setattr(box, "_wait", lambda *_: "")
    box._end_undo(box._give_up(phase, "the Internet does not answer any more", blame=True))
    said = box.options.problem.read_text()
    assert said == (
        "Debian's update of 2026-11-27 was undone, as the Internet does not answer any more; the "
        "box is as it was and well.\n"
    )
    assert box.state.bad == {}  # releases are another matter
    box.say("This box is on v1.0.0.")  # a look at the ring an hour later
    assert system_update.look(box, 1e9) == 0
    assert [str(one) for one in box.changes[0].packages] != [] and len(box.changes) == 1
    assert [change.work.args[0] for change in box.changes] == [[OFFERED[1]]]  # type: ignore[attr-defined]
    box.say("This box is on v1.0.0.")
    system_update.look(box, 1e9 + 1)
    assert box.options.problem.read_text() == said
    monkeypatch.setattr(packages, "offered", lambda _: (Package("tzdata", "1", "3"),))
    system_update.look(box, 1e9 + 86400)
    assert [change.work.args[0] for change in box.changes[1:]] == [[Package("tzdata", "1", "3")]]  # type: ignore[attr-defined]
    assert box.state.bad_packages == ()


def test_archives_that_can_not_be_reached_are_said_and_no_problem_of_the_box(
    box: Debian, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise HemsError("'apt-get update' failed: E: Failed to fetch http://deb.debian.org/")

    monkeypatch.setattr(packages, "refresh", fail)
    assert system_update.look(box, 1e9) == 1 and not box.changes
    assert "can't be looked for: 'apt-get update' failed" in box.state.packages
    assert not box.options.problem.exists()


def test_what_fails_in_a_change_is_not_taken_for_a_look_that_failed(
    box: Debian, monkeypatch: pytest.MonkeyPatch
) -> None:
    # whoever started it hands it to the unit that ends interrupted updates
    def fail(change: Change, now: float) -> int:  # noqa: ARG001
        raise HemsError("these packages could not be put back: tzdata_1_all.deb")

    monkeypatch.setattr(box, "change", fail)
    with pytest.raises(HemsError, match="could not be put back"):
        system_update.look(box, 1e9)
    assert box.state.packages == ""


@pytest.fixture
def boot(box: Debian, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Boots the box, which forgets what is in /run; restarts are noted in its result."""
    monkeypatch.setattr(run.systemd, "reboot", lambda: box.say("restarting"))
    return (box.directory / "update-restarting").unlink


def test_a_restart_is_judged_in_the_boot_that_it_brought(
    box: Debian, boot: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[str] = []

    def judge(phase: Phase, _: float) -> str:
        judged.append(phase.step)
        return ""

    monkeypatch.setattr(box, "_wait", judge)
    phase = Phase("play", "Debian's update of 2026-11-27", "x", 0.0, packages=("linux-image-a=2",))
    box._restart(phase, RESTART)
    assert box.state.result == "restarting"
    box.finish()  # before the box went down
    assert judged == [] and box.state.phase
    boot()
    box.finish()
    assert judged == [RESTART] and box.state.phase is None
    assert box.state.packages == "Debian's update of 2026-11-27 is installed (1 package)."


def test_a_box_that_never_gets_through_its_restart_goes_back(
    box: Debian, boot: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    phase = Phase("play", "Debian's update", "x", 0.0, packages=("linux-image-a=2",))

    def die(*_: object) -> str:
        raise OSError("the power went")

    undone: list[str] = []
    monkeypatch.setattr(box, "_wait", die)
    monkeypatch.setattr(box, "_undo", lambda _, reason, **__: undone.append(reason))
    box._restart(phase, RESTART)
    boot()
    for _ in range(CUTS):
        with pytest.raises(OSError, match="the power went"):
            box.finish()
    box.finish()
    assert undone == [f"it was interrupted {CUTS + 1} times"]


def test_what_was_put_back_is_restarted_into_before_it_is_judged(
    box: Debian, boot: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(box, "_wait", lambda *_: "")
    phase = Phase("undo", "Debian's update", "x", 0.0, reason="x", packages=("linux-image-a=2",))
    box._end_undo(phase)
    assert box.state.phase and box.state.phase.step == RESTART_UNDONE
    boot()
    box.finish()
    assert box.state.phase is None and "was undone, as x; the box is" in box.state.packages


@pytest.mark.parametrize(("comes_back", "blamed"), [(True, True), (False, False)])
@pytest.mark.parametrize("names", [(), ("tzdata=2",)])
def test_an_internet_that_is_still_away_when_all_is_put_back_was_not_the_updates_fault(
    box: Debian,
    monkeypatch: pytest.MonkeyPatch,
    names: tuple[str, ...],
    *,
    comes_back: bool,
    blamed: bool,
) -> None:
    phase = Phase("play", "v1.0.0", "a" * 40, 0.0, uplink=True, packages=names)
    away = "the Internet does not answer any more"
    monkeypatch.setattr(box, "_wait", lambda *_: "" if comes_back else away)
    monkeypatch.setattr(run.gate, "is_online", lambda _: comes_back)
    monkeypatch.setattr(packages, "wants_restart", lambda _: False)
    box._end_undo(box._give_up(phase, "its playbook failed (2)", blame=True))
    state = load(box.directory)
    assert bool(state.bad or state.bad_packages) is blamed
    said = box.options.problem.read_text()
    assert ("it is tried again later" in said) is not blamed
