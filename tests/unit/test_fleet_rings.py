"""What operators may hand to a ring, and what becomes of it on the server: with real git."""

from __future__ import annotations

from pathlib import Path

import pytest
from hems.update.core import Refused

from playbooks.fleet.checkout import FleetError
from playbooks.fleet.promote import Wish, promote
from playbooks.fleet.release import changes, release
from playbooks.fleet.signers import allowed_signers
from playbooks.preflight.values import signers
from tests.virtual.fleet.world import ENVIRONMENT, NOW, World, git


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A fleet that has v1.0.0 and v1.1.0 in no ring."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    made = World(tmp_path).make()
    made.release("v1.0.0")
    made.release("v1.1.0")
    return made


def test_a_release_walks_from_ring_to_ring(world: World) -> None:
    with pytest.raises(FleetError, match=r"Which release should ring early get\? Name it \(ring"):
        world.promote("early")
    with pytest.raises(FleetError, match="comes after canary, which has nothing"):
        world.promote("early", release="v1.0.0")
    world.promote("canary", release="v1.0.0", percentage=50)
    with pytest.raises(FleetError, match=r"canary, which has v1\.0\.0 at 50 %: promote v1"):
        world.promote("early")
    assert world.promote("canary").percentage == 100
    first = world.promote("early", percentage=25)
    assert (first.release, first.percentage, first.serial) == ("v1.0.0", 25, 1)
    second = world.promote("early", percentage=50)
    assert (second.percentage, second.serial) == (50, 2)
    # one ring's file is no other's
    assert world.promote("canary", release="v1.1.0").serial == 3
    assert world.promote("early", release="v1.0.0").serial == 3, "its own release, to the rest"


def test_sites_that_are_not_well_keep_a_release_from_the_next_ring(world: World) -> None:
    world.promote("canary", release="v1.0.0")
    asked: list[tuple[str, str]] = []
    ill = [f"site_{n} is silent" for n in range(5)]

    def unready(ring: str, release: str) -> list[str]:
        asked.append((ring, release))
        return ill

    def hand_out(**wish: object) -> None:
        made = Wish("early", **wish)  # type: ignore[arg-type]
        promote(world.checkout(), made, world.signers, NOW, unready)

    with pytest.raises(
        FleetError, match=r"canary is not ready to pass v1\.0\.0 on: site_0 .* 2 more"
    ):
        hand_out(percentage=25)
    assert asked == [("canary", "v1.0.0")]
    ill.clear()
    hand_out(percentage=25)
    ill.append("site_0 is bad")
    hand_out(percentage=50)  # the ring has it already
    hand_out(action="halt")
    world.promote("canary", release="v1.1.0")
    with pytest.raises(FleetError, match="site_0 is bad"):
        hand_out()
    hand_out(despite="site_0 is on holiday")
    assert len(asked) == 3


def test_a_reason_passes_over_the_order_and_is_kept(world: World) -> None:
    world.promote("stable", release="v1.1.0", despite="the canaries are offline")
    said = git(world.server, "log", "-1", "--format=%B", "rings")
    assert "Despite a check: the canaries are offline" in said


def test_a_ring_is_halted_and_resumed(world: World) -> None:
    with pytest.raises(FleetError, match="no release to halt or resume"):
        world.promote("canary", action="halt")
    world.promote("canary", release="v1.0.0", percentage=30)
    assert world.promote("canary", action="halt").percentage == 0
    assert world.promote("canary", action="halt").serial == 3
    resumed = world.promote("canary", action="resume")
    assert (resumed.release, resumed.percentage, resumed.serial) == ("v1.0.0", 30, 4)


def test_what_is_no_release_is_not_handed_out(world: World) -> None:
    with pytest.raises(Refused, match=r"There is no release v9\.9\.9"):
        world.promote("canary", release="v9.9.9")
    git(world.work, "tag", "v3.0.0")
    with pytest.raises(Refused, match="is not signed"):
        world.promote("canary", release="v3.0.0")
    with pytest.raises(FleetError, match="There is no ring 'canry': the rings are canary, early"):
        world.promote("canry", release="v1.0.0")


def test_a_stranger_can_not_promote(world: World) -> None:
    world.key("mallory")
    with pytest.raises(Refused, match="is not signed by one of the fleet's signers"):
        world.promote("canary", "mallory", release="v1.0.0")
    assert git(world.server, "for-each-ref", "refs/heads/rings") == ""


def test_a_signer_who_left_takes_no_serial_along(world: World) -> None:
    world.promote("canary", release="v1.0.0")
    bob = world.key("bob")
    world.trust(bob=bob)
    world.release("v2.0.0", "bob")
    with pytest.raises(Refused):
        world.promote("canary", "bob", release="v2.0.0")
    ring = world.promote("canary", "bob", release="v2.0.0", despite="Alice has left")
    assert ring.serial == 2


def test_two_operators_at_once_do_not_undo_each_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.promote("canary", release="v1.0.0")
    tip = git(world.server, "rev-parse", "rings")
    world.promote("canary", release="v1.1.0")
    monkeypatch.setattr(type(world.checkout()), "on_server", lambda *_: tip)
    monkeypatch.setattr(type(world.checkout()), "fetch", lambda *_: None)
    git(world.work, "update-ref", "refs/heads/rings", tip)
    with pytest.raises(FleetError, match="somebody may have been faster: run the playbook again"):
        world.promote("canary", release="v1.0.0")


@pytest.mark.parametrize("name", ["1.2.3", "v1.2", "v1.2.3 ", "latest", ""])
def test_a_release_has_a_name(world: World, name: str) -> None:
    with pytest.raises(FleetError, match="is not a release's name: use one like v1"):
        world.release(name)


def test_a_release_is_made_once_of_what_is_committed_and_tested(world: World) -> None:
    with pytest.raises(FleetError, match=r"v1\.0\.0 exists already"):
        world.release("v1.0.0")
    with pytest.raises(FleetError, match=r"v2\.0\.0 is not released, because its tests fail"):
        world.release("v2.0.0", checks="echo broken >&2; exit 1")
    with pytest.raises(FleetError, match="the checkout changed during its tests"):
        world.release("v2.0.0", checks="touch new")
    with pytest.raises(FleetError, match="changes that are not committed"):
        release(world.checkout(), "v2.0.0", "true", world.signers)
    assert git(world.server, "tag").split() == ["v1.0.0", "v1.1.0"]
    assert git(world.work, "tag").split() == ["v1.0.0", "v1.1.0"]


def test_a_release_by_a_stranger_leaves_nothing(world: World) -> None:
    world.key("mallory")
    with pytest.raises(FleetError, match=r"v2\.0\.0 is not released\. .* is not signed by one of"):
        world.release("v2.0.0", "mallory")
    assert "v2.0.0" not in git(world.work, "tag") + git(world.server, "tag")
    world.release("v2.0.0")


def test_the_tag_says_what_the_changelog_says(world: World) -> None:
    changelog = world.work / "CHANGELOG.md"
    changelog.write_text("## v3.0.0\n### Loud\n- One\n\n## v1.1.0\nX.\n")
    world.commit("Write")
    release(world.checkout(), "v3.0.0", "true", world.signers)
    said = git(world.server, "tag", "-l", "--format=%(contents:body)", "v3.0.0")
    assert said == "### Loud\n- One"


@pytest.mark.parametrize("text", ["", "## Unreleased\n\n- X\n", "## v1.2.3\n\n## v1.2.2\n- X\n"])
def test_a_release_nobody_is_told_of_is_refused(text: str) -> None:
    with pytest.raises(FleetError, match=r"CHANGELOG\.md (has no section|says nothing below)"):
        changes(text, "v1.2.3")


def test_a_comment_of_a_key_is_left_out() -> None:
    key = "ssh-ed25519 AAAAC3Nz alice at home"
    assert allowed_signers([{"name": "alice@example.org", "key": key}]) == (
        'alice@example.org namespaces="git,hems-ring" ssh-ed25519 AAAAC3Nz\n'
    )


@pytest.mark.parametrize(
    "value",
    [
        "alice",
        [{"name": "alice"}],
        [{"name": "a b", "key": "ssh-ed25519 AAAA"}],
        [{"name": "alice", "key": "-----BEGIN OPENSSH PRIVATE KEY-----"}],
        [{"name": "alice", "key": "ssh-ed25519 AAAA\nmallory ssh-ed25519 BBBB"}],
        [{"name": "*", "key": "ssh-ed25519 AAAA"}],
        [{"name": "a,b", "key": "ssh-ed25519 AAAA"}],
    ],
    ids=str,
)
def test_what_is_no_signer_is_told_by_the_preflight(value: object) -> None:
    assert "must be a list of {name: alice@example.org" in str(signers(value))


def test_signers_pass_the_preflight() -> None:
    assert signers([]) is None
    key = "ssh-ed25519 AAAAC3Nz+/= alice at home"
    assert signers([{"name": "alice@example.org", "key": key}]) is None
