"""The appliance's services: one file a service in ``/etc/hems/services.d``, written by its role.

Everything that looks after services (watchdog, ``hems status``, the door, the firewall) walks these
entries and knows none by name. A file that can't be used is named in one sentence and left out:
somebody else's mistake takes nothing down. docs/add_a_service.md explains each key.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from hems import settings
from hems.health.catalogue import KINDS, Kind
from hems.settings import Port, SettingsError, Table, parse

DIRECTORY = settings.DIRECTORY / "services.d"
SUFFIX = ".toml"
REPORTS = "hems.reports"
DOES = "It restarts the service after three failed checks in a row, at most three times an hour."

Seconds = Annotated[float, msgspec.Meta(gt=0)]
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=300, pattern=r"^[^\n]*$")]
Sentence = Annotated[str, msgspec.Meta(max_length=300, pattern=r"^([^\n]*\.)?$")]
Path_ = Annotated[str, msgspec.Meta(pattern=r"^/[^\s\"']*$")]
_WORD = r"[A-Za-z0-9:_.\\-]+"
UNIT = rf"^[A-Za-z0-9_]{_WORD}(@{_WORD})?\.(service|socket|timer|path|target|mount)$"
UnitName = Annotated[str, msgspec.Meta(max_length=200, pattern=UNIT)]
Code = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,63}$")]
Status = Annotated[int, msgspec.Meta(ge=100, le=599)]


class Http(Table, frozen=True, tag_field="kind", tag="http"):
    """A GET on loopback."""

    port: Port
    path: Path_ = "/"
    status: tuple[Status, ...] = ()  # that are an answer; none: every one below 500
    body: str = ""  # what the answer must hold


class Https(Table, frozen=True, tag_field="kind", tag="https"):
    """A GET by TLS and by the box's name, as a browser does it."""

    port: Port
    path: Path_ = "/"
    status: tuple[Status, ...] = ()
    body: str = ""


class Tcp(Table, frozen=True, tag_field="kind", tag="tcp"):
    """A connection on loopback that is taken."""

    port: Port


class Mqtt(Table, frozen=True, tag_field="kind", tag="mqtt"):
    """The broker on loopback: a message published and heard, with the box's own account."""

    port: Port


class Mqtts(Table, frozen=True, tag_field="kind", tag="mqtts"):
    """The broker by TLS, greeted as a device in the house does it."""

    port: Port


class Influxdb(Table, frozen=True, tag_field="kind", tag="influxdb"):
    """InfluxDB: a point written and read back, with the box's own token."""

    port: Port
    data: Path  # while this directory's disk is full, a restart would cure nothing


class Mdns(Table, frozen=True, tag_field="kind", tag="mdns"):
    """The box's name, asked for by multicast DNS."""


class NetworkManager(Table, frozen=True, tag_field="kind", tag="network_manager"):
    """NetworkManager's list of connections."""


class UnitState(Table, frozen=True, tag_field="kind", tag="unit"):
    """Nothing but its unit: for one that tells systemd by itself that it is well (WatchdogSec=)."""


Probe = Http | Https | Tcp | Mqtt | Mqtts | Influxdb | Mdns | NetworkManager | UnitState


class Health(Table, frozen=True):
    """The health issue that its silence is; see docs/health.md."""

    code: Code  # never changes; no other service's
    severity: Literal["critical", "warning"]
    blink: Annotated[int, msgspec.Meta(ge=1, le=9)]
    title: Line  # no full stop at its end
    meaning: Sentence  # for the owner
    does: Sentence = DOES  # the box, by itself
    cure: Sentence = ""  # a person; empty: the two commands that say what happened
    hold: Annotated[float, msgspec.Meta(ge=0)] = 0.0  # seconds that it must last


class Outside(Table, frozen=True):
    """How others in the house get at it; asked once a minute while it answers inside the box."""

    title: Line  # in `hems status`
    probe: Https | Mqtts
    health: Health
    through: str = ""  # the entry that stands between; empty: itself


class Certificate(Table, frozen=True):
    """A port on which it serves the site's certificate."""

    name: Line  # in sentences: "the door"
    port: Port
    protocol: Literal["", "mqtt"] = ""  # it notes an error of who does not greet it so


class Door(Table, frozen=True, rename={"sources": "from"}):
    """A port that others may reach; the firewall opens what is listed here, and nothing else."""

    port: Port
    protocol: Literal["tcp", "udp"] = "tcp"
    sources: tuple[Literal["lan", "hotspot"], ...] = ("lan",)
    rate: Annotated[int, msgspec.Meta(ge=1)] | None = None  # new connections a minute, an address


class Page(Table, frozen=True):
    """A page of it behind the door's log-in."""

    path: Annotated[str, msgspec.Meta(pattern=r"^/[A-Za-z0-9_-]+/$")]
    title: Line


class Entry(Table, frozen=True):
    """``services.d/<name>.toml``: one service."""

    title: Line  # what people call it
    unit: UnitName
    probe: Probe = UnitState()
    order: int = 500  # its place in `hems status`
    listed: bool = True  # in `hems status`
    watched: bool = True  # the watchdog restarts its unit; needs [health]
    optional: bool = False  # a box may lack the unit
    start: Seconds | None = None  # that it may take to answer after its unit came up
    readings: bool = False  # they are lost while it is away: how long stands in `hems why`
    reports: Code | Literal[""] = ""  # the module of hems.reports that knows its status file
    helpers: tuple[UnitName, ...] = ()  # units that are not asked, but named when they have failed
    health: Health | None = None
    issues: tuple[Health, ...] = ()  # further ones, which its status file tells
    outside: Outside | None = None
    certificate: Certificate | None = None
    doors: tuple[Door, ...] = ()
    pages: tuple[Page, ...] = ()

    @property
    def healths(self) -> tuple[Health, ...]:
        """Every issue that it brings."""
        outside = self.outside.health if self.outside else None
        return tuple(one for one in (self.health, *self.issues, outside) if one)

    def named(self, code: str) -> Kind:
        """Return its issue of a code; one that somebody has cut from the entry is its first."""
        health = next((one for one in self.healths if one.code == code), self.healths[0])
        return kind_of(health, self.unit)

    @property
    def kind(self) -> Kind | None:
        """The issue that its silence is."""
        return kind_of(self.health, self.unit) if self.health else None


@dataclass(frozen=True)
class Found:
    """The entries by name, in the order of ``hems status``; and what is wrong, a sentence each."""

    entries: dict[str, Entry]
    problems: tuple[str, ...] = ()


def kind_of(health: Health, unit: str) -> Kind:
    """Return an entry's issue as the catalogue has its own; ``unit`` is what its cure names."""
    asked = f"'hems why' and 'journalctl -u {unit.removesuffix('.service')}' say what happened."
    return Kind(
        health.code,
        health.severity,
        health.blink,
        health.title,
        health.meaning,
        health.does,
        health.cure or asked,
        health.hold,
    )


def parse_entry(text: str, name: str) -> Entry:
    """Return one file's content as an entry; ``name`` is what errors call it.

    Raises SettingsError.
    """
    entry = parse(text, Entry, name)
    if (entry.watched or entry.reports) and entry.health is None:
        raise SettingsError(
            f"{name}: add [health], or watched = false, since a watched service needs an issue."
        )
    known = Path(__file__).with_name("reports") / f"{entry.reports}.py"
    if entry.reports and not known.is_file():
        raise SettingsError(
            f"{name}: there is no module hems.reports.{entry.reports}: remove the key 'reports'."
        )
    # polkit looks for this very line to decide whether the watchdog may restart the unit.
    if entry.watched and f'unit = "{entry.unit}"' not in text.splitlines():
        raise SettingsError(f'{name}: write the unit on a line of its own: unit = "{entry.unit}"')
    for health in entry.healths:
        if health.code in KINDS:
            raise SettingsError(
                f"{name}: the code '{health.code}' is the box's own: choose another."
            )
    return entry


def read_entry(path: Path) -> Entry:
    """Return one file as an entry. Raises SettingsError."""
    try:
        return parse_entry(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} can't be read: {error}.") from error


def names(directory: Path) -> list[str]:
    """Return the names of the entries in ``directory``; what is hidden is somebody's draft."""
    try:
        return sorted(
            path.stem
            for path in directory.iterdir()
            if path.suffix == SUFFIX and not path.name.startswith(".")
        )
    except OSError:
        return []


def read_all(directory: Path) -> Found:
    """Return every entry in ``directory`` that can be used; never raises."""
    entries, problems = {}, []
    for name in names(directory):
        try:
            entries[name] = read_entry(directory / f"{name}{SUFFIX}")
        except SettingsError as error:
            problems.append(str(error))
    found = settle(entries, directory)
    return Found(found.entries, (*problems, *found.problems))


def settle(entries: dict[str, Entry], directory: Path) -> Found:
    """Sort the entries; of two that claim the same unit or code, the first by name counts."""
    kept: dict[str, Entry] = {}
    problems = []
    for name, entry in sorted(entries.items()):
        clash = next(
            (what for what in (_clash(entry, name, *one) for one in kept.items()) if what), ""
        )
        if clash:
            problems.append(f"{directory / name}{SUFFIX}: {clash}")
        else:
            kept[name] = entry
    ranked = sorted(kept.items(), key=lambda one: (one[1].order, one[0]))
    return Found(dict(ranked), tuple(problems))


def _clash(entry: Entry, name: str, other: str, before: Entry) -> str:
    if entry.unit == before.unit:
        return f"{other}{SUFFIX} has the unit {entry.unit} already: remove one of the two."
    codes = {one.code for one in before.healths}
    if double := next((one.code for one in entry.healths if one.code in codes), ""):
        return f"{other}{SUFFIX} has the code '{double}' already: choose another in {name}{SUFFIX}."
    return ""


def main() -> int:
    """Check the file that the first argument names, or show every page; return an exit code."""
    if len(sys.argv) == 1:
        entries = read_all(DIRECTORY).entries
        print("\n".join(page.path for entry in entries.values() for page in entry.pages))
        return 0
    try:
        read_entry(Path(sys.argv[1]))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
