"""Whether the internet answers, with a socket of which the test is the other end."""

from __future__ import annotations

import socket
import struct
from typing import Any

import pytest
from hems.internet import answered_sequence
from hems.leds.core import GRACE_SECONDS, ROUND_SECONDS
from hems.leds.uplink import Uplink

TARGETS = ("192.0.2.1", "192.0.2.2", "192.0.2.3")


def reply(sequence: int, kind: int = 0) -> bytes:
    return struct.pack("!BBHHH", kind, 0, 0, 7, sequence) + b"hems"


class Network:
    """Stands for the kernel's socket: remembers what is sent, gives what is laid ready."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, str]] = []
        self.waiting: list[bytes | OSError] = []
        self.no_route: set[str] = set()

    def sendto(self, packet: bytes, address: tuple[str, int]) -> int:
        if address[0] in self.no_route:
            raise OSError(101, "Network is unreachable")
        assert packet[0] == 8
        self.sent.append((struct.unpack_from("!H", packet, 6)[0], address[0]))
        return len(packet)

    def recv(self, _size: int) -> bytes:
        if not self.waiting:
            raise BlockingIOError
        first = self.waiting.pop(0)
        if isinstance(first, OSError):
            raise first
        return first

    def close(self) -> None:
        self.waiting.clear()


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def uplink(network: Network) -> Uplink:
    made: Any = network
    return Uplink(TARGETS, lambda: made)


def test_one_answer_of_several_is_enough(uplink: Uplink, network: Network) -> None:
    assert not uplink.is_reachable(0)
    uplink.ask(0)
    assert network.sent == [(1, target) for target in TARGETS]
    network.waiting = [reply(1)]
    uplink.receive(0.02)
    assert uplink.is_reachable(2)
    uplink.ask(2)
    assert network.sent[3:] == [(2, "192.0.2.3")], "one is asked while answers come"


def test_loss_shows_after_the_grace_and_return_at_once(uplink: Uplink, network: Network) -> None:
    uplink.ask(0)
    network.waiting = [reply(1)]
    uplink.receive(0.02)
    times = [turn * ROUND_SECONDS for turn in range(1, 8)]
    shown = []
    for now in times:
        shown.append(uplink.is_reachable(now))
        uplink.ask(now)
    assert shown == [now <= GRACE_SECONDS for now in times]
    assert len(network.sent) <= len(TARGETS) * 8
    network.waiting = [reply(network.sent[-1][0])]
    uplink.receive(15)
    assert uplink.is_reachable(16)


@pytest.mark.parametrize(
    "packet", [b"", b"\x00\x00", reply(1, kind=3), reply(1, kind=8), reply(60000), reply(2)]
)
def test_what_is_no_answer_to_us_does_not_count(
    uplink: Uplink, network: Network, packet: bytes
) -> None:
    uplink.ask(0)
    network.waiting = [packet]
    uplink.receive(0.02)
    assert not uplink.is_reachable(0.02)


def test_sequence_numbers_go_round(uplink: Uplink, network: Network) -> None:
    uplink._turn = 0xFFFF
    uplink.ask(0)
    assert network.sent[0][0] == 0
    network.waiting = [reply(0xFFFF)]
    uplink.receive(0.02)
    assert uplink.is_reachable(0.02), "a late answer to the round before"


def test_a_missing_route_or_an_error_is_no_answer(uplink: Uplink, network: Network) -> None:
    network.no_route = set(TARGETS)
    uplink.ask(0)
    network.waiting = [OSError(113, "No route to host")]
    uplink.receive(0.02)
    assert not uplink.is_reachable(0.02)
    network.no_route = {"192.0.2.1"}
    uplink.ask(2)
    assert [target for _, target in network.sent] == ["192.0.2.2", "192.0.2.3"]
    uplink.close()
    uplink.receive(2.1)


def test_a_box_that_forbids_echoes_says_so_until_it_allows_them(network: Network) -> None:
    refusals = [PermissionError(13, "Permission denied")]
    made: Any = network

    def connect() -> socket.socket:
        if refusals:
            raise refusals.pop()
        allowed: socket.socket = made
        return allowed

    uplink = Uplink(TARGETS, connect)
    uplink.ask(0)
    uplink.receive(0.1)
    assert (uplink.problem, uplink.handle) == ("Permission denied", None)
    uplink.ask(2)
    assert uplink.problem == "" and len(network.sent) == 3


def test_only_an_echo_reply_has_a_sequence() -> None:
    assert answered_sequence(reply(513)) == 513
    assert answered_sequence(reply(513, kind=11)) is None
