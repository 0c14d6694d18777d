"""A git server that lies over HTTPS: a box keeps what it has, and says why in a sentence."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest
from hems.update import core
from hems.update.core import Refused
from hems.update.git import PACK_BYTES, RINGS, Repository, Source

from tests.virtual.fleet import packs
from tests.virtual.fleet.server import Server, serve
from tests.virtual.fleet.world import ENVIRONMENT, World

BRANCH = f"refs/heads/{RINGS}"
MEBIBYTE = 1024 * 1024  # bytes


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose canary ring has v1.0.0."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        world = World(tmp_path_factory.mktemp("fleet")).make()
        world.release("v1.0.0")
        world.promote("canary", release="v1.0.0")
        with serve(world.path) as running:
            yield running


@pytest.fixture
def honest(server: Server) -> Iterator[Server]:
    yield server
    server.be_honest()


def fetch(
    server: Server, path: Path, settings: Mapping[str, str] = {}, limit: int = PACK_BYTES
) -> Repository:
    source = Source(server.url, authority=server.directory / "server.pem", settings=settings)
    incoming = Repository.make(path / "incoming.git")
    incoming.fetch(source, BRANCH, limit)
    return incoming


def test_an_honest_server_is_believed(honest: Server, tmp_path: Path) -> None:
    incoming = fetch(honest, tmp_path)
    ring = incoming.ring("canary", honest.directory / "allowed_signers")
    incoming.fetch(
        Source(honest.url, authority=honest.directory / "server.pem"), f"refs/tags/{ring.release}"
    )
    assert incoming.release_of(ring, honest.directory / "allowed_signers") == ring.commit


def refused(
    server: Server, path: Path, settings: Mapping[str, str] = {}, limit: int = PACK_BYTES
) -> str:
    with pytest.raises(Refused) as refusal:
        fetch(server, path, settings, limit)
    assert refusal.value.reason == core.UNREACHABLE
    return str(refusal.value)


def test_a_certificate_of_nobody_is_refused(honest: Server, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="certificate"):
        Repository.make(tmp_path / "incoming.git").fetch(Source(honest.url), BRANCH)


def test_a_truncated_pack_is_refused(honest: Server, tmp_path: Path) -> None:
    honest.lie = lambda body: body[: len(body) // 2]
    refused(honest, tmp_path)


def test_a_changed_pack_is_refused(honest: Server, tmp_path: Path) -> None:
    def lie(body: bytes) -> bytes:
        middle = body.index(b"PACK") + 60
        return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]

    honest.lie = lie
    refused(honest, tmp_path)


def test_nobody_is_sent_elsewhere(honest: Server, tmp_path: Path) -> None:
    honest.elsewhere = honest.url.replace("127.0.0.1", "127.0.0.2").removesuffix("/server.git")
    assert "302" in refused(honest, tmp_path)


def test_a_slow_server_is_given_up(honest: Server, tmp_path: Path) -> None:
    honest.slow = True
    begun = time.monotonic()
    # ours is 60 s; the mechanism is the same
    assert "too slow" in refused(honest, tmp_path, {"http.lowSpeedTime": "2"})
    assert time.monotonic() - begun < 60


def test_a_pack_without_an_end_is_cut_off(honest: Server, tmp_path: Path) -> None:
    honest.pack = packs.endless
    assert "File too large" in refused(honest, tmp_path, limit=MEBIBYTE)


def test_a_small_pack_that_swells_in_the_memory_is_refused(honest: Server, tmp_path: Path) -> None:
    # 300 kB on the way, and git asked for all of it at once: more than a small Pi has
    honest.pack = partial(packs.swelling, 300 * MEBIBYTE)
    assert "Out of memory" in refused(honest, tmp_path)
