"""A server that lies: the box gives up in bounded time, says why, and stays as it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.fleet.box import figure
from tests.fleet.conftest import Fleet
from tests.fleet.plays import HEAD, LINE, SITE
from tests.virtual.fleet import packs
from tests.virtual.fleet.server import Server

INCOMING = "/var/lib/hems-update/incoming.git"
MOST = 150.0  # seconds of the longest: 60 of hardly a byte, on a busy machine
SWOLLEN = 2 * 1024**3  # bytes; some megabytes on the way


def be_slow(server: Server) -> str:
    """A byte a second."""
    server.slow = True
    return "Operation too slow"


def send_elsewhere(server: Server) -> str:
    """Each answer is the address of another server."""
    server.elsewhere = "https://elsewhere.example.org"
    return "302"


def stop_half_way(server: Server) -> str:
    """The pack's second half never comes."""
    server.lie = lambda body: body[: len(body) // 2]
    return ""


def change_a_bit(server: Server) -> str:
    """One bit of the pack is another."""

    def lie(body: bytes) -> bytes:
        place = body.index(b"PACK") + 60
        return body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]

    server.lie = lie
    return ""


def never_end(server: Server) -> str:
    """The pack goes on and on."""
    server.pack = packs.endless
    return "File too large"


def swell(server: Server) -> str:
    """The pack is small, and what is in it would fill the memory."""
    server.pack = partial(packs.swelling, SWOLLEN)
    return "Out of memory"


LIES = [be_slow, send_elsewhere, stop_half_way, change_a_bit, never_end, swell]


@pytest.fixture(scope="module")
def handed_out(fleet: Fleet) -> str:
    """A release that the box would take."""
    fleet.operator.write(SITE, HEAD + LINE.format(line="true"))
    name = fleet.hand_out()
    fleet.restore()
    return name


@pytest.fixture
def server(fleet: Fleet, handed_out: str) -> Iterator[Server]:  # noqa: ARG001
    """The fleet's server, which is honest again afterwards."""
    yield fleet.server
    fleet.server.be_honest()


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_server_changes_nothing(
    fleet: Fleet, server: Server, lie: Callable[[Server], str]
) -> None:
    box = fleet.box
    before, state = box.everything(), box.state
    cause = lie(server)
    begun = time.monotonic()
    said = box.update()
    took = time.monotonic() - begun
    assert box.problem.startswith(f"rings can't be fetched from {server.url} ("), said
    assert cause in box.problem
    assert box.problem.endswith(": check the network, the address and the server.")
    assert took < MOST
    assert (box.state["release"], box.state["serials"]) == (state["release"], state["serials"])
    assert box.everything() == before
    assert box.run(f"test -e {INCOMING}").returncode == 1
    figure(f"{lie.__name__}: given up after {took:.1f} s")


def test_an_honest_server_is_believed_again(fleet: Fleet, handed_out: str) -> None:
    said = fleet.box.update()
    assert (fleet.box.state["release"], fleet.box.problem) == (handed_out, ""), said
