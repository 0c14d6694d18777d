"""What a box does with what its ring says: with real git, up to the point where it would change."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from hems.update import core, look, play, resume
from hems.update.core import Ring
from hems.update.run import Updater
from hems.update.snapshot import Snapshot
from hems.update.state import CUTS, PLAY, UNDO, Hold, Phase, State, load
from hems.update.update_settings import Keep, Server, Update, Window

from tests.virtual.fleet.world import ENVIRONMENT, World, git


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A fleet whose canary ring has v1.0.0."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(play, "variables", lambda *_: {})
    monkeypatch.setattr(resume, "disarm", lambda: None)
    monkeypatch.setattr(resume, "stands_by", lambda: False)
    monkeypatch.setattr(look.vitals, "synchronised", lambda: True)
    (tmp_path / "box").mkdir()
    made = World(tmp_path).make()
    made.release("v1.0.0")
    made.promote("canary", release="v1.0.0")
    return made


class Box(Updater):
    """One look of a box; what it would take is only noted."""

    def __init__(self, world: World) -> None:
        top = world.path / "box"
        options = Update(
            "site_1",
            "canary",
            "inventory/pilot",
            top,
            world.signers,
            top,
            top / "problem",
            300,
            Server(str(world.server)),
            Window(1, 1),
            Keep((), (), top),
        )
        paths = SimpleNamespace(root_run=top)
        super().__init__(options, SimpleNamespace(paths=paths))  # type: ignore[arg-type]
        self.state = load(top)
        self.taken = ""
        self.undone: list[tuple[str, bool]] = []

    def take(self, ring: Ring, checkout: Path, now: float) -> int:  # noqa: ARG002
        assert (checkout / "CHANGELOG.md").is_file()
        self.taken = ring.release
        self.remember(release=ring.release, commit=ring.commit)
        self.say(f"This box is on {ring.release} now.")
        return 0

    def snapshot(self) -> Snapshot:
        return Snapshot(self.directory / "snapshot", (), (), ())

    def _undo(self, phase: Phase, reason: str, *, blame: bool) -> None:
        bad = {**self.state.bad, phase.commit: reason} if blame else self.state.bad
        self.remember(phase=None, bad=bad)
        self.undone.append((reason, blame))

    def visit(self, *, scheduled: bool = False) -> int:
        return self.update(self.options.server.source, scheduled=scheduled)

    @property
    def problem(self) -> str:
        return self.options.problem.read_text() if self.options.problem.exists() else ""


def test_a_release_is_taken_once(world: World) -> None:
    first, second = Box(world), Box(world)
    assert (first.visit(), first.taken) == (0, "v1.0.0")
    second = Box(world)
    assert (second.visit(), second.taken) == (0, "")
    assert second.state.result == "This box is on v1.0.0, the release of ring canary."
    assert not (world.path / "box/incoming.git").exists()


def test_what_is_refused_leaves_the_box_as_it_is_and_the_next_release_is_taken(
    world: World,
) -> None:
    assert Box(world).visit() == 0
    world.release("v1.1.0")
    world.promote("canary", release="v1.1.0")
    git(world.server, "tag", "--force", "v1.1.0", "v1.1.0^{commit}")
    box = Box(world)
    assert (box.visit(), box.taken) == (1, "")
    assert box.problem.startswith("Release v1.1.0 is not signed:")
    assert not (box.releases / "v1.1.0").exists() and box.state.release == "v1.0.0"
    world.release("v1.2.0")
    world.promote("canary", release="v1.2.0")
    box = Box(world)
    assert (box.visit(), box.taken, box.problem) == (0, "v1.2.0", "")


def test_of_ten_releases_that_a_box_has_missed_it_takes_the_newest(world: World) -> None:
    assert Box(world).visit() == 0
    for number in range(1, 11):
        world.release(f"v1.{number}.0")
        world.promote("canary", release=f"v1.{number}.0")
    box = Box(world)
    assert (box.visit(), box.taken, box.problem) == (0, "v1.10.0", "")


def test_an_old_ring_file_that_is_shown_again_is_refused(world: World) -> None:
    old = git(world.server, "rev-parse", "rings")
    world.release("v1.1.0")
    world.promote("canary", release="v1.1.0")
    assert Box(world).visit() == 0
    git(world.server, "update-ref", "refs/heads/rings", old)
    box = Box(world)
    assert (box.visit(), box.taken) == (1, "")
    assert "shows an old file of ring canary (serial 1, this box has seen 2)" in box.problem


def test_a_frozen_server_is_noticed_when_its_file_ends(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Box(world).visit() == 0
    later = load(world.path / "box").newest + 365 * 86400
    monkeypatch.setattr(look.time, "time", lambda: later)
    box = Box(world)
    assert box.visit() == 1 and "has expired" in box.problem
    monkeypatch.undo()
    box = Box(world)
    assert box.visit() == 0 and not box.problem


def test_a_clock_that_is_years_behind_judges_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Box(world).visit() == 0
    monkeypatch.setattr(look.time, "time", lambda: 1_000_000_000.0)
    box = Box(world)
    assert box.visit() == 1 and "The clock is behind" in box.problem


def test_a_clock_that_ran_ahead_for_a_while_stops_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = look.time.time()
    monkeypatch.setattr(look.vitals, "synchronised", lambda: False)
    monkeypatch.setattr(look.time, "time", lambda: now + 5 * 86400)
    assert Box(world).visit() == 0
    monkeypatch.setattr(look.vitals, "synchronised", lambda: True)
    monkeypatch.setattr(look.time, "time", lambda: now)
    box = Box(world)
    assert box.visit() == 0 and box.problem == ""


def test_a_release_without_this_box_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise core.Refused(play.NO_HOST, "The release's inventory does not have site_1.")

    monkeypatch.setattr(play, "variables", refuse)
    box = Box(world)
    assert (box.visit(), box.taken) == (1, "") and not (box.releases / "v1.0.0").exists()


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        (
            {"hems_update_hold": "the roof is being mended"},
            "v1.0.0 is not for this site, as its inventory holds it: the roof is being mended.",
        ),
        (
            {"hems_update_pin": "v0.9.0"},
            "v1.0.0 is not for this site, as its inventory pins it to v0.9.0.",
        ),
    ],
)
def test_a_site_that_its_inventory_keeps_back_stays_until_a_release_says_otherwise(
    world: World, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], sentence: str
) -> None:
    looked: list[str] = []

    def read(*_: object) -> dict[str, str]:
        looked.append("inventory")
        return variables

    monkeypatch.setattr(play, "variables", read)
    for _ in range(2):
        box = Box(world)
        assert (box.visit(), box.taken, box.problem) == (0, "", "")
        assert box.state.result == sentence
    assert looked == ["inventory"]  # once for a commit: a look stays cheap
    variables["hems_update_pin"] = "v1.1.0"  # what the next release has to say
    variables.pop("hems_update_hold", None)
    world.release("v1.1.0")
    world.promote("canary", release="v1.1.0")
    box = Box(world)
    assert (box.visit(), box.taken) == (0, "v1.1.0")


def test_a_bad_release_is_not_tried_again(world: World) -> None:
    box = Box(world)
    box.remember(bad={git(world.server, "rev-parse", "v1.0.0^{commit}"): "Home Assistant is down"})
    assert (box.visit(), box.taken) == (0, "")
    assert "v1.0.0 was undone, as Home Assistant is down" in box.problem


def test_a_percentage_that_does_not_reach_the_site_leaves_it(world: World) -> None:
    world.promote("canary", action="halt")
    box = Box(world)
    assert (box.visit(), box.taken, box.problem) == (0, "", "")


def test_a_held_box_does_not_look(world: World) -> None:
    box = Box(world)
    box.remember(hold=Hold("alice", "the owner is away", "2026-11-01"))
    assert (box.visit(), box.taken) == (0, "")
    assert box.state.result.startswith("Held: the owner is away (alice, 2026-11-01)")


def test_an_interrupted_update_is_undone_and_blamed_at_last(world: World) -> None:
    commit = git(world.server, "rev-parse", "v1.0.0^{commit}")
    for number in range(1, CUTS + 1):
        box = Box(world)
        box.remember(phase=Phase(PLAY, "v1.0.0", commit, 0.0))
        box.finish()
        times = "once" if number == 1 else f"{number} times"
        assert box.undone == [(f"it was interrupted {times}", number == CUTS)]
    assert commit in Box(world).state.bad


def test_an_interrupted_update_is_ended_by_the_release_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The timer catches up at boot, and by then `hems` may be the very release that is in question.
    started: list[str] = []
    monkeypatch.setattr(resume, "stands_by", lambda: True)
    monkeypatch.setattr(resume, "start", lambda: started.append(resume.UNIT))
    box = Box(world)
    phase = Phase(PLAY, "v1.0.0", "a" * 40, 0.0)
    box.remember(phase=phase)
    assert (box.visit(), box.taken, box.undone) == (1, "", [])
    assert started == [resume.UNIT] and Box(world).state.phase == phase


def test_what_a_power_cut_after_the_end_left_is_tidied_up(world: World) -> None:
    box = Box(world)
    left = box.directory / "snapshot/files.tar"
    left.parent.mkdir()
    left.write_text("x")
    box.finish()
    assert not left.parent.exists()


def test_an_interrupted_undoing_goes_on_with_its_reason(world: World) -> None:
    box = Box(world)
    box.remember(phase=Phase(UNDO, "v1.0.0", "a" * 40, 0.0, reason="it fails"))
    box.finish()
    assert box.undone == [("it fails", False)]


def test_what_is_remembered_is_whole_or_told(tmp_path: Path) -> None:
    assert load(tmp_path) == State()
    (tmp_path / "state.json").write_text('{"release": ')
    with pytest.raises(Exception, match=r"state\.json can't be read .*: remove it, and update"):
        load(tmp_path)


def test_the_unit_that_resumes_is_the_old_releases(tmp_path: Path) -> None:
    # its settings too: a release may write some that the old code does not read
    old = Path("/snapshot/settings")
    resume.arm(old, tmp_path, "/opt/hems/0.1.0-abc/bin/python")
    text = (tmp_path / resume.UNIT).read_text()
    assert (
        f"ExecStart=/opt/hems/0.1.0-abc/bin/python -I -m hems update resume --settings {old}\n"
        in text
    )
    assert "\nType=exec\n" in text  # a oneshot's boot would be over only when the box is well again
    link = tmp_path / "multi-user.target.wants" / resume.UNIT
    assert link.resolve() == tmp_path / resume.UNIT
    resume.disarm(tmp_path)
    assert not link.is_symlink() and not (tmp_path / resume.UNIT).exists()
