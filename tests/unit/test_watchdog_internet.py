"""When the watchdog believes that there is no Internet: neither an echo nor TCP."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from threading import Barrier

import pytest
from hems import internet
from hems.watchdog import observe

TARGETS = ("192.0.2.1", "192.0.2.2", "192.0.2.3")


class World:
    """What answers: echoes, one round after the other, and TCP."""

    def __init__(self) -> None:
        self.echoes: list[str | None] = []
        self.takes: tuple[str, int] | None = None
        self.allowed = True
        self.waited = 0.0  # seconds, for echoes at most
        self.called: list[tuple[str, int]] = []

    def reachable(self, targets: Sequence[str], timeout: float) -> str | None:
        assert targets == TARGETS
        self.waited += timeout
        return self.echoes.pop(0) if self.echoes else None

    def connects(self, target: str, port: int, timeout: float) -> bool:
        assert 0 < timeout <= 2
        self.called.append((target, port))
        return (target, port) == self.takes

    def may_ask(self) -> bool:
        return self.allowed


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A world in which nothing answers."""
    made = World()
    for name in ("reachable", "connects", "may_ask"):
        monkeypatch.setattr(internet, name, getattr(made, name))
    return made


def test_an_echo_is_enough(world: World) -> None:
    world.echoes = [TARGETS[1]]
    assert observe.reachable(TARGETS) is True
    assert world.called == []


def test_no_internet_is_believed_when_tcp_fails_too(world: World) -> None:
    assert observe.reachable(TARGETS) is False
    assert sorted(world.called) == [(host, port) for host in TARGETS for port in (53, 443)]
    assert world.waited <= 3


@pytest.mark.parametrize("allowed", [True, False])
@pytest.mark.parametrize("port", internet.PORTS)
def test_a_network_that_drops_echoes_has_internet(world: World, port: int, allowed: bool) -> None:
    world.takes, world.allowed = (TARGETS[2], port), allowed
    assert observe.reachable(TARGETS) is True


def test_a_slow_echo_counts(world: World) -> None:
    world.echoes = [None, TARGETS[0]]
    assert observe.reachable(TARGETS) is True


def test_a_box_that_may_not_ask_can_not_tell(world: World) -> None:
    world.allowed = False
    assert observe.reachable(TARGETS) is None


@pytest.mark.usefixtures("world")
def test_the_connections_are_tried_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    all_of_them = Barrier(len(TARGETS) * len(internet.PORTS), timeout=10)
    monkeypatch.setattr(internet, "connects", lambda *_: all_of_them.wait() < 0)
    assert observe.reachable(TARGETS) is False
    assert not all_of_them.broken


def test_who_listens_takes_a_connection_and_who_does_not_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        assert internet.connects("127.0.0.1", port, 5)
    assert not internet.connects("127.0.0.1", port, 5)


def test_nobody_to_ask_is_no_answer() -> None:
    assert internet.reachable([], timeout=0.1) is None
    assert observe.reachable([]) is None
    assert internet.echo_request(3)[:1] == b"\x08"
