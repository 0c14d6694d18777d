"""Which points a wrong clock dated, and what they are with the right date (pure).

All times are ns since 1970; ranges have both ends in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NS = 1_000_000_000
SLICE_NS = 600 * NS  # what is read at once
SOON_NS = 60 * NS  # Home Assistant may be writing for these, when the clock was ahead
WHOLE = {"integer": "i", "unsigned": "u"}  # InfluxQL's types, and line protocol's suffixes

Range = tuple[int, int]


@dataclass(frozen=True)
class Step:
    """What ``hems-clock`` found out about a time with a wrong clock."""

    begin: int  # the first wrong date …
    end: int  # … and the last
    by: int  # what has to be added to them
    newest: int | None  # the newest point before any of them, 0: none; None: nobody knows


def step(noted: Mapping[str, Any]) -> Step:
    """Return what a file of ``hems-clock`` says. Raises ValueError, KeyError, TypeError."""
    seconds = (float(noted[key]) for key in ("begin", "end", "by"))
    begin, end, by = (round(one * NS) for one in seconds)
    newest = noted["newest"]
    if not begin <= end or not by:
        raise ValueError("it ends before it begins")
    return Step(begin, end, by, None if newest is None else int(newest))


def movable(found: Step, now: int) -> list[Range]:
    """Return where every point is dated wrong, and none is of another time.

    What was there before the start with the wrong clock is as old as it says. Where the clock was
    ahead, right points come up to ``now``, and a little later, among the wrong ones.
    """
    if found.newest is None:
        return []
    begin = max(found.begin, found.newest + 1)
    if found.by > 0:
        ranges = [(begin, found.end)]
    else:
        right = found.end + found.by  # when the clock was set
        rest = max(begin, right, now + SOON_NS)
        ranges = [(begin, min(found.end, right - 1)), (rest, found.end)]
    return [one for one in ranges if one[0] <= one[1]]


def left(found: Step, ranges: Sequence[Range]) -> list[Range]:
    """Return what is not moved of the time with the wrong clock."""
    rest, begin = [], found.begin
    for first, last in ranges:
        if begin < first:
            rest.append((begin, first - 1))
        begin = last + 1
    return [*rest, (begin, found.end)] if begin <= found.end else rest


def deletable(found: Step, ranges: Sequence[Range], now: int) -> list[Range]:
    """Return which of the ranges may be emptied: not where right points have come since."""
    if found.by > 0:
        return list(ranges)
    right = found.end + found.by
    late = [(max(first, now + SOON_NS) if last >= right else first, last) for first, last in ranges]
    return [one for one in late if one[0] <= one[1]]


def slices(ranges: Sequence[Range]) -> Iterator[Range]:
    """Cut ranges into what is read at once."""
    for first, last in ranges:
        for begin in range(first, last + 1, SLICE_NS):
            yield begin, min(begin + SLICE_NS - 1, last)


def lines(
    series: Mapping[str, Any], types: Mapping[str, Mapping[str, str]], by: int
) -> Iterator[str]:
    """Return one series of an InfluxQL answer as line protocol, ``by`` later.

    ``types``: measurement → field → InfluxQL's type. Source of the escapes:
    https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/. Raises KeyError on a
    field that ``types`` doesn't know.
    """
    name = str(series["name"])
    tags = {key: text for key, text in (series.get("tags") or {}).items() if text}
    head = ",".join(
        [_escape(name, ", "), *(f"{_key(key)}={_key(text)}" for key, text in sorted(tags.items()))]
    )
    columns = series["columns"]
    known = types[name]
    for values in series["values"]:
        row = dict(zip(columns, values, strict=True))
        at = int(row.pop("time"))
        fields = [
            f"{_key(key)}={_field(value, known[key])}"
            for key, value in row.items()
            if value is not None
        ]
        if fields:
            yield f"{head} {','.join(fields)} {at + by}"


def _field(value: Any, kind: str) -> str:
    if isinstance(value, str):
        text = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{text}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if kind in WHOLE:
        return f"{int(value)}{WHOLE[kind]}"
    return repr(float(value))


def _key(text: str) -> str:
    return _escape(text, ",= ")


def _escape(text: str, special: str) -> str:
    for character in special:
        text = text.replace(character, f"\\{character}")
    return text
