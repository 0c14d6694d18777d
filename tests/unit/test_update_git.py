"""What the fleet's server shows is verified before it is used: with real git and ssh-keygen."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hems.update import core
from hems.update.core import Refused
from hems.update.git import RINGS, Repository, Source

from tests.virtual.fleet.world import ENVIRONMENT, World, git

BRANCH = f"refs/heads/{RINGS}"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A fleet whose canary ring has v1.0.0."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    made = World(tmp_path).make()
    made.release("v1.0.0")
    made.promote("canary", release="v1.0.0")
    return made


def take(world: World, source: Source | None = None) -> str:
    """Do what a box does with its ring; return the commit."""
    incoming = world.incoming()
    incoming.fetch(source or world.source, BRANCH)
    ring = incoming.ring("canary", world.signers)
    incoming.fetch(source or world.source, f"refs/tags/{ring.release}")
    return incoming.release_of(ring, world.signers)


def refused(world: World, source: Source | None = None) -> str:
    with pytest.raises(Refused) as refusal:
        take(world, source)
    sentence = str(refusal.value)
    assert sentence.endswith(".") and "\n" not in sentence
    return refusal.value.reason


def test_a_signed_release_is_taken(world: World) -> None:
    assert take(world) == git(world.work, "rev-parse", "HEAD")


def test_a_bundle_has_the_same_signatures(world: World, tmp_path: Path) -> None:
    bundle = tmp_path / "stick.bundle"
    git(world.server, "bundle", "create", "--quiet", str(bundle), BRANCH, "v1.0.0")
    assert take(world, Source(str(bundle))) == git(world.work, "rev-parse", "HEAD")
    bundle.write_bytes(bundle.read_bytes()[:-100])
    assert refused(world, Source(str(bundle))) == core.UNREACHABLE


def test_an_unsigned_tag_is_refused(world: World) -> None:
    git(world.server, "tag", "--force", "v1.0.0", "main")
    assert refused(world) == core.UNSIGNED
    git(world.server, "tag", "--force", "--annotate", "--message", "x", "v1.0.0", "main")
    assert refused(world) == core.UNSIGNED


def test_a_strangers_signature_is_none(world: World) -> None:
    world.key("mallory")
    world.tag("v1.0.0", "main", "mallory")
    assert refused(world) == core.WRONGLY_SIGNED


def test_a_tag_whose_content_was_changed_is_refused(world: World) -> None:
    tag = git(world.server, "cat-file", "tag", "v1.0.0") + "\n"
    object_id = git(world.server, "mktag", "--no-strict", given=tag.replace("X.", "Y."))
    git(world.server, "update-ref", "refs/tags/v1.0.0", object_id)
    assert refused(world) == core.WRONGLY_SIGNED


def test_a_tag_under_another_name_is_refused(world: World) -> None:
    world.release("v1.0.1")
    git(world.server, "update-ref", "refs/tags/v1.0.0", git(world.server, "rev-parse", "v1.0.1"))
    assert refused(world) == core.MOVED


def test_a_release_that_moved_is_refused(world: World) -> None:
    world.tag("v1.0.0", world.commit("Something else"))
    assert refused(world) == core.OTHER_COMMIT


def test_a_tag_of_no_commit_is_refused(world: World) -> None:
    world.tag("v1.0.0", "main^{tree}")
    assert refused(world) == core.MALFORMED


def put(world: World, content: bytes, signature: bytes | None) -> None:
    """Put a ring file on the server, past every check."""
    (world.path / "forged").mkdir(exist_ok=True)
    work = world.path / "forged"
    git(work, "init", "--quiet")
    (work / "rings").mkdir(exist_ok=True)
    (work / "rings/canary.json").write_bytes(content)
    (work / "rings/canary.json.sig").unlink(missing_ok=True)
    if signature is not None:
        (work / "rings/canary.json.sig").write_bytes(signature)
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "--message", "x")
    git(work, "push", "--quiet", "--force", str(world.server), f"HEAD:{BRANCH}")


def signed(world: World, content: bytes, who: str, namespace: str) -> bytes:
    words = ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", str(world.path / who)]
    return subprocess.run(words, input=content, check=True, capture_output=True).stdout


def test_a_ring_file_must_be_signed_for_rings(world: World) -> None:
    content = Repository(world.server).file(BRANCH, "rings/canary.json")
    good = signed(world, content, "alice", core.NAMESPACE)
    put(world, content, good)
    assert take(world)
    world.key("mallory")
    for forged, signature, reason in [
        (content, None, core.UNSIGNED),
        (content, b"", core.WRONGLY_SIGNED),
        (content, good[:60], core.WRONGLY_SIGNED),
        (content.replace(b"100", b"99"), good, core.WRONGLY_SIGNED),
        (content, signed(world, content, "mallory", core.NAMESPACE), core.WRONGLY_SIGNED),
        (content, signed(world, content, "alice", "file"), core.WRONGLY_SIGNED),
        (b" " * 70_000, good, core.MALFORMED),
        (b"{}", signed(world, b"{}", "alice", core.NAMESPACE), core.MALFORMED),
    ]:
        put(world, forged, signature)
        assert refused(world) == reason


def test_signers_change_with_an_overlap(world: World) -> None:
    """Both sign for a while; then the old one's releases are no longer taken."""
    old, new = (world.path / "alice.pub").read_text(), world.key("bob")
    world.trust(alice=old, bob=new)
    world.release("v1.1.0")
    world.promote("canary", release="v1.1.0")
    assert take(world)
    world.release("v1.2.0", "bob")
    world.promote("canary", "bob", release="v1.2.0")
    assert take(world)
    world.trust(bob=new)
    assert take(world)
    world.trust(alice=old)
    assert refused(world) == core.WRONGLY_SIGNED


def test_a_server_without_rings_is_told_in_a_sentence(world: World) -> None:
    git(world.server, "update-ref", "-d", BRANCH)
    with pytest.raises(Refused, match=r"^rings can't be fetched from .*: check the network"):
        take(world)


@pytest.mark.parametrize("url", ["http://fleet.example/x", "ext::sh -c id", "git://x/y", "ftp://x"])
def test_other_ways_are_not_gone(url: str, tmp_path: Path) -> None:
    with pytest.raises(Refused):
        Repository.make(tmp_path / "other.git").fetch(Source(url), BRANCH)


def test_a_pack_larger_than_its_limit_is_cut_off(world: World) -> None:
    (world.work / "large").write_bytes(os.urandom(2_000_000))
    world.commit("Add something large")
    incoming = world.incoming()
    with pytest.raises(Refused, match="can't be fetched"):
        incoming.fetch(world.source, "refs/heads/main", limit=1_000_000)
    used = sum(file.stat().st_size for file in incoming.path.rglob("*") if file.is_file())
    assert used < 1_200_000
    incoming.fetch(world.source, "refs/heads/main")
