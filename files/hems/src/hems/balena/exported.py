"""The old InfluxDB's readings as InfluxData's own ``influxd inspect export-lp`` writes them. Pure.

It writes a line of line protocol for each field of each point, file by file, those of a series one
after the other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from hems.balena import BalenaError

# A bucket as influxd keeps it in its bolt file: JSON, within other bytes.
RECORD = re.compile(rb'\{"id":"([0-9a-f]{16})","orgID":"[0-9a-f]{16}","type":0,')
LONGEST = 65536  # bytes of such a record, at most
DAY = 86400 * 10**9
USUAL = "home_assistant"
LINE = re.compile(
    r"(?P<key>(?:\\.|[^\\ ])+) (?P<field>(?:\\.|[^\\=])+)="
    r'(?:"(?:\\.|[^"\\])*"|[^" ]+) (?P<at>-?\d+)',
    re.DOTALL,
)
MOST_LINES = 1000  # that a text with line breaks may have
PARTS = re.compile(r"(?:\\.|[^\\,])+", re.DOTALL)
TAGS = ("domain", "entity_id")  # what Home Assistant's writer has by itself
UNIT = "unit_of_measurement"

Name = tuple[str, str]  # measurement and field, as line protocol escapes them


@dataclass(frozen=True)
class Bucket:
    """A bucket of the old InfluxDB."""

    id: str
    name: str


def buckets(bolt: bytes, present: Callable[[str], bool]) -> list[Bucket]:
    """Return the buckets that people made, by name; ``present`` tells which ids have data.

    A bolt file has old pages too: of what was changed, the newest record holds.
    """
    newest: dict[str, tuple[str, str]] = {}
    for match in RECORD.finditer(bolt):
        text = bolt[match.start() : match.start() + LONGEST].decode("utf-8", "replace")
        try:
            found, _ = json.JSONDecoder().raw_decode(text)
            record = str(found.get("updatedAt", "")), str(found["name"])
        except (ValueError, LookupError):
            continue  # half of an old page
        if present(found["id"]):
            newest[found["id"]] = max(record, newest.get(found["id"], record))
    return sorted((Bucket(one, name) for one, (_, name) in newest.items()), key=lambda b: b.name)


def choose(there: Sequence[Bucket], wanted: str) -> Bucket:
    """Return the bucket with the readings; ``wanted`` is its name, or empty. Raises BalenaError."""
    name = wanted or (there[0].name if len(there) == 1 else USUAL)
    for one in there:
        if one.name == name:
            return one
    names = ", ".join(one.name for one in there) or "none"
    raise BalenaError(
        f"The old InfluxDB has no bucket '{name}' (it has: {names}): name the one with the "
        "readings by -e bucket=…"
    )


@dataclass(slots=True)
class Times:
    """A day's times (ns) of one field of a series, as the files have them: each file's ascend.

    A day is in one shard, whichever order those come in.
    """

    _begin: int
    _newest: int
    _earlier: tuple[tuple[int, int], ...] = ()  # of files before: from, to

    def is_new(self, at: int) -> bool:
        """Take the next one, and tell whether it is surely another than all before."""
        if at <= self._newest:  # another file
            self._earlier = (*self._earlier, (self._begin, self._newest))
            self._begin = at
        self._newest = at
        return not any(first <= at <= last for first, last in self._earlier)


@dataclass
class Reader:
    """Turns exported lines into lines for the box, and counts them."""

    lines: int = 0
    first: int | None = None  # ns since 1970
    last: int | None = None
    # Values that are surely different ones: of a file that is there twice, each counts once.
    values: dict[Name, int] = field(default_factory=dict)
    _keys: dict[str, str] = field(default_factory=dict)
    _times: dict[tuple[str, str, int], Times] = field(default_factory=dict)

    def read(self, stream: Iterable[str]) -> Iterator[str]:
        """Yield each line as the box's own Home Assistant would name it. Raises BalenaError."""
        rest = iter(stream)
        for text in rest:
            line, more = text, 0
            while (match := LINE.fullmatch(line.removesuffix("\n"))) is None:
                more += 1
                following = next(rest, None)
                if following is None or more > MOST_LINES:
                    raise BalenaError(
                        f"The old InfluxDB's data have a line that is none ({line[:80]!r}): copy "
                        "the volume anew."
                    )
                line += following
            old = match["key"]
            key = self._keys.get(old)
            if key is None:
                key = self._keys[old] = renamed(old)
            self._count(key, match["field"], int(match["at"]))
            yield key + line[len(old) :].removesuffix("\n")

    def _count(self, key: str, name: str, at: int) -> None:
        self.lines += 1
        self.first = at if self.first is None else min(at, self.first)
        self.last = at if self.last is None else max(at, self.last)
        place = key, name, at // DAY
        times = self._times.get(place)
        if times is None:
            self._times[place] = Times(at, at)
        elif not times.is_new(at):
            return
        measurement = PARTS.match(key)
        assert measurement is not None
        counted = measurement.group(), name
        self.values[counted] = self.values.get(counted, 0) + 1


def renamed(key: str) -> str:
    """Return a series key with the box's own tags alone.

    Tags that the old system added would make another series of the same entity. Where a tag has the
    unit, the unit is the measurement, as it is here.
    """
    measurement, *tags = PARTS.findall(key)
    known = dict(tag.split("=", 1) for tag in tags)
    kept = "".join(f",{name}={known[name]}" for name in TAGS if name in known)
    return f"{known.get(UNIT, measurement)}{kept}"
