"""The parsers: what each is fed with, and how it may refuse it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from hems import lock
from hems.d2l import frame
from hems.d2l.connection import NotProxied, client
from hems.d2l.d2l_settings import Limits
from hems.d2l.intake import Intake, Refused, Source
from hems.health import store as health
from hems.linky import store as linky
from hems.linky.labels import Mode
from hems.linky.meter import State, take
from hems.linky.values import read
from hems.tic.parser import Parser as Tic

Feed = Callable[[bytes], object]

KEY = frame.Key(bytes(range(16)), bytes(range(16, 32)))
NUMBER = "012345678901"
TEXTS = {"ADCO": "041776199277", "BASE": "002565285", "PAPP": "00420", "PTEC": "TH.."}
PUSH = frame.Frame(NUMBER, bytes(16), frame.Type.READING, json.dumps(TEXTS).encode())
CLOCK = frame.Frame(NUMBER, bytes(16), frame.Type.CLOCK)
FRAMES = (frame.encode(PUSH, KEY), frame.encode(CLOCK, KEY))
LIMITS = Limits(
    idle=60, frame=10, connections=8, address_connections=8, errors=3, burst=10**9, rate=1
)
TIC = (
    b"\x02\nADCO 031428097115 @\r\nPAPP 00420 *\r\x03",
    b"\x02\nNTARF\t01\tN\r\nSMAXSN\tH250101093012\t03381\t,\r\x03",
)
KEPT = linky.to_json(linky.Kept(State("ab", Mode.STANDARD, {"EAST": 5}, 1.7e9, {"EAST": 7}, 7)))
HOLDER = b'{"work": "converge", "by": "laptop", "pid": 12, "since": "2026-01-01T00:00:00Z"}'


@dataclass(frozen=True)
class Parser:
    """One parser: whole samples that are then damaged, and the errors that it may raise."""

    name: str
    make: Callable[[], Feed]
    samples: tuple[bytes, ...]
    refusals: tuple[type[Exception], ...] = ()


def _intake() -> Feed:
    """Damage what is inside a frame, rightly encrypted: the key's owner may have a fault, too."""
    source = Source("linky", NUMBER, KEY, _taker())
    intake = Intake({NUMBER: source}, LIMITS, lambda _line: None)
    count = 0

    def feed(payload: bytes) -> object:
        nonlocal count
        count += 1
        content = frame.Frame(NUMBER, count.to_bytes(16, "big"), frame.Type.READING, payload[:4000])
        return intake.accept(frame.encode(content, KEY), "192.168.1.2", float(count))

    return feed


def _taker() -> Callable[..., bool | None]:
    state = State()

    def take_texts(texts: object, _now: float) -> bool | None:
        nonlocal state
        found = read(texts, b"salt", 60.0)  # type: ignore[arg-type]
        if found is None:
            return None
        state, published = take(state, found.reading)
        return published is not None

    return take_texts


def _raw_intake() -> Feed:
    intake = Intake({NUMBER: Source("linky", NUMBER, KEY, _taker())}, LIMITS, lambda _line: None)

    def feed(data: bytes) -> object:
        intake.size(data, "192.168.1.2", 0.0)
        return intake.accept(data, "192.168.1.2", 0.0)

    return feed


def _tic() -> Feed:
    return Tic().feed


PARSERS = (
    Parser("D2L frame", lambda: lambda data: frame.decode(data, KEY), FRAMES, (frame.FrameError,)),
    Parser("D2L intake", _raw_intake, FRAMES, (Refused,)),
    Parser(
        "D2L reading",
        _intake,
        (PUSH.payload, b'{"EAST": "1", "ADSC": "\\ud800", "NGTF": "\\u00e9"}'),
        (Refused,),
    ),
    Parser(
        "PROXY line",
        lambda: client,
        (b"PROXY TCP4 192.168.1.2 192.168.1.3 1 2\r\n",),
        (NotProxied,),
    ),
    Parser("TIC line", _tic, TIC),
    Parser(
        "Linky's memory",
        lambda: lambda data: linky.from_json(data.decode("utf-8", "replace")),
        (KEPT.encode(),),
        (linky.StoreError,),
    ),
    Parser("lock's holder", lambda: lock.parse_holder, (HOLDER,)),
    Parser(
        "health report",
        lambda: lambda data: health.parse(data.decode("utf-8", "replace"), 10.0),
        (b'{"format": 1, "monotonic": 1.0, "time": "", "issues": []}',),
    ),
)
