"""What the D2L daemon takes, drops, answers and says, over real connections on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hems.d2l import intake as rules
from hems.d2l.connection import CUT, PROXY_BYTES, SLOW, TOO_MANY, Connections, NotProxied, client
from hems.d2l.d2l_settings import Limits
from hems.d2l.frame import Fault, Frame, Type, decode, encode
from hems.d2l.intake import Intake, Source
from hems.linky.announce import Message
from hems.linky.publisher import Publisher
from hems.linky.tracker import Meter, Tracker
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from tests.unit.test_d2l_frame import KEY

NUMBER = "012345678901"
LIMITS = Limits(idle=5, frame=5, connections=8, address_connections=4, errors=3, burst=20, rate=1)
PROXY = b"PROXY TCP4 192.168.1.20 192.168.1.2 40000 7845\r\n"
VALUES = {"BASE": "000001234", "PAPP": "00420"}


def push(random: int, values: Mapping[str, Any] = VALUES, number: str = NUMBER) -> bytes:
    payload = json.dumps(values).encode()
    return encode(Frame(number, random.to_bytes(16, "big"), Type.READING, payload), KEY)


class Broker(Publisher):
    """One that is away."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def send(self, messages: Sequence[Message]) -> bool:
        self.sent += messages
        return False


class Box:
    """An intake with one dongle, and what became of its frames."""

    def __init__(self, limits: Limits = LIMITS, outcome: bool | None = True) -> None:
        self.readings: list[Mapping[str, str]] = []
        self.said: list[str] = []
        self.now = 1000.0
        self.outcome = outcome
        self.source = Source("linky", NUMBER, KEY, self._take)
        self.intake = Intake({NUMBER: self.source}, limits, self.said.append, lambda: 2e9)
        self.connections = Connections(self.intake, limits, lambda: self.now)

    def _take(self, texts: Mapping[str, str], _now: float) -> bool | None:
        self.readings.append(texts)
        return self.outcome

    def talk(self, *segments: bytes, pause: float = 0.0, end: bool = True) -> bytes:
        """Send segments over one connection; return all that was answered."""

        async def dongle(port: int) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                for segment in segments:
                    writer.write(segment)
                    await writer.drain()
                    await asyncio.sleep(pause)
                if end:
                    writer.write_eof()
                return await reader.read()
            except OSError:
                return b""
            finally:
                writer.close()

        answered: bytes = self.run(dongle)
        return answered

    def run(self, work: Callable[[int], Awaitable[Any]]) -> Any:
        """Serve while ``work`` runs with the port."""

        async def serve() -> Any:
            serving = await asyncio.start_server(
                self.connections.serve, "127.0.0.1", 0, limit=PROXY_BYTES
            )
            async with serving, asyncio.timeout(20):
                return await work(serving.sockets[0].getsockname()[1])

        return asyncio.run(serve())


def test_a_push_is_taken_and_answered_with_the_time() -> None:
    box = Box()
    answer = decode(box.talk(PROXY, push(1)), KEY)
    assert box.readings == [VALUES]
    assert (answer.answer, answer.type) == (True, Type.READING)
    assert int.from_bytes(answer.payload, "little") == 2_000_000_000 - 1_451_606_400
    assert (box.source.taken, box.source.last, box.source.address) == (1, 1000.0, "192.168.1.20")
    assert box.connections.count == 0


@pytest.mark.parametrize("size", [1, 7, 96, 10_000])
def test_frames_may_come_in_any_pieces(size: int) -> None:
    box = Box()
    stream = PROXY + b"".join(push(number) for number in range(3))
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert len(box.talk(*pieces)) == 3 * 48
    assert len(box.readings) == 3


def test_a_replay_is_dropped_and_counted() -> None:
    box = Box()
    box.talk(PROXY, push(1), push(1), push(2))
    assert len(box.readings) == 2
    assert box.source.refused == {rules.REPLAY: 1}


@pytest.mark.parametrize(
    ("key", "fault"),
    [(replace(KEY, key=bytes(16)), Fault.KEY), (replace(KEY, iv=bytes(16)), Fault.IV)],
)
def test_a_wrong_key_ends_the_connection_and_says_what_to_check(key: Any, fault: Fault) -> None:
    box = Box()
    payload = json.dumps(VALUES).encode()
    frames = [encode(Frame(NUMBER, bytes([n] * 16), 3, payload), key) for n in range(5)]
    assert box.talk(PROXY, *frames) == b""
    assert box.source.refused == {fault.value: LIMITS.errors}
    assert box.source.problem == fault.value
    assert len(box.said) == 1 and fault.value in box.said[0]
    assert box.readings == []


def test_a_stranger_is_counted_and_its_number_not_told() -> None:
    box = Box()
    box.talk(PROXY, push(1, number="999999991234"))
    assert box.intake.strangers == {"…1234": 1}
    assert "999999991234" not in "".join(box.said)
    assert json.dumps(box.intake.report({}, 0)).count("99999999") == 0


def test_strangers_do_not_fill_the_memory() -> None:
    box = Box(replace_limits(errors=500, burst=1000))
    box.talk(PROXY, *(push(1, number=f"{n:012d}") for n in range(300)))
    assert len(box.intake.strangers) == rules.STRANGERS + 1
    assert sum(box.intake.strangers.values()) == 300


def replace_limits(**changes: Any) -> Limits:
    names = ("idle", "frame", "connections", "address_connections", "errors", "burst", "rate")
    return Limits(**{**{name: getattr(LIMITS, name) for name in names}, **changes})


def test_a_dongle_that_sends_too_fast_is_slowed_down() -> None:
    box = Box(replace_limits(burst=5, errors=100))
    box.talk(PROXY, *(push(n) for n in range(20)))
    assert len(box.readings) == 5
    assert box.source.refused == {rules.TOO_MANY: 15}
    box.now += 3
    box.talk(PROXY, *(push(n) for n in range(20, 30)))
    assert len(box.readings) == 8


def test_the_journal_hears_of_a_dongle_once_a_minute() -> None:
    box = Box(outcome=False)
    box.talk(PROXY, push(1), push(2))
    assert len(box.said) == 1
    box.now += 61
    box.talk(PROXY, push(3))
    assert len(box.said) == 2
    assert box.source.refused == {rules.HELD_BACK: 3}


@pytest.mark.parametrize(
    "begin", [b"", b"GET / HTTP/1.1\r\n", b"x" * 5000, push(1), b"PROXY TCP4\r\n"]
)
def test_who_does_not_come_through_the_door_is_not_heard(begin: bytes) -> None:
    box = Box()
    assert box.talk(begin, push(1)) == b""
    assert box.readings == []


def test_a_slow_frame_and_an_idle_connection_are_ended() -> None:
    box = Box(replace_limits(idle=0.1, frame=0.1))
    assert box.talk(PROXY, end=False) == b""
    assert box.intake.refused == {}
    assert box.talk(PROXY, push(1)[:20], end=False) == b""
    assert box.readings == []
    assert box.intake.refused == {SLOW: 1}


@pytest.mark.parametrize("size", [1, 15, 16, 47])
def test_a_frame_that_is_cut_short_is_counted(size: int) -> None:
    box = Box()
    assert box.talk(PROXY, push(1)[:size]) == b""
    assert box.intake.refused == {CUT: 1}
    assert len(box.said) == 1


def test_what_is_not_ascii_is_no_value_and_no_exception(tmp_path: Path) -> None:
    box = Box()
    box.source.take = partial(
        Tracker(Meter("linky", "Linky", 300, "hems_ha"), tmp_path, print).take, Broker()
    )
    odd = {**VALUES, "ADCO": "\ud800", "PTEC": "\udfff", "\ud800": "1"}
    assert len(box.talk(PROXY, push(1, odd), push(2))) == 2 * 48
    assert box.source.taken == 2


def test_one_address_can_not_take_all_connections() -> None:
    box = Box()

    async def crowd(port: int) -> int:
        everybody = [await asyncio.open_connection("127.0.0.1", port) for _ in range(6)]
        for _, writer in everybody:
            writer.write(PROXY)
        await asyncio.sleep(0.2)
        open_now = box.connections.count
        other, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(PROXY.replace(b".20", b".21") + push(1))
        assert len(await other.readexactly(48)) == 48
        for _, one in [*everybody, (other, writer)]:
            one.close()
        return open_now

    assert box.run(crowd) == LIMITS.address_connections
    assert box.intake.refused[TOO_MANY] == 2


def test_the_proxy_line_names_the_client() -> None:
    assert client(PROXY) == "192.168.1.20"
    assert client(b"PROXY TCP6 fe80::1 fe80::2 1 2\r\n") == "fe80::1"
    assert client(b"PROXY UNKNOWN\r\n") == ""
    for wrong in (b"PROXY TCP4 x y 1 2\r\n", b"PROXY UDP4 1.1.1.1 1.1.1.1 1 2\r\n", b"\xff\r\n"):
        with pytest.raises(NotProxied):
            client(wrong)


@how(max_examples=60, deadline=None)
@given(
    st.lists(
        st.binary(max_size=120)
        | st.integers(0, 300).map(lambda cut: push(1)[:cut])
        | st.binary(max_size=80).map(lambda rest: push(1)[:16] + rest),
        max_size=4,
    )
)
def test_any_bytes_whatsoever_end_quietly(segments: list[bytes]) -> None:
    box = Box()
    box.talk(PROXY, *segments)
    assert box.connections.count == 0
    assert len(box.said) <= 3
