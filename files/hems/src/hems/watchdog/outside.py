"""The box as others in the house find it: through the door, by TLS, and past neither."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from hems import probes, systemd
from hems.health import listeners
from hems.health.catalogue import Issue
from hems.process import say
from hems.services import Entry, Http, Influxdb, Mqtt, Tcp, kind_of
from hems.systemd import SystemdError, Unit
from hems.watchdog.core import Observation

LOOK_SECONDS = 60.0  # between two looks
LOCAL = (Http, Tcp, Mqtt, Influxdb)  # probes of what listens on loopback


class Outside:
    """Looked at now and then; what an inner look has found already is not said again."""

    def __init__(self, entries: Mapping[str, Entry], name: str, open_ports: Iterable[int]) -> None:
        """``name`` is the box's, <host>.local; ``open_ports``: an owner's, open on purpose."""
        self._entries, self._name = entries, name
        doors = {door.port for one in entries.values() for door in one.doors}
        self._meant = {*doors, *open_ports}
        self._inner = {
            one.probe.port: one.unit
            for one in entries.values()
            if isinstance(one.probe, LOCAL) and one.probe.port not in doors
        }
        self._helpers = [unit for one in entries.values() for unit in one.helpers]
        self._looked: float | None = None
        self.blocked: tuple[Issue, ...] = ()
        self.exposed: tuple[tuple[str, str], ...] = ()  # service and addresses
        self.failed: tuple[tuple[str, str], ...] = ()  # helper and how it is

    def look(self, observations: Sequence[Observation], now: float) -> None:
        """Look if it is time; ``observations`` are the services as they answer inside the box."""
        if self._looked is not None and now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        well = {
            observation.unit.name
            for observation in observations
            if observation.unit.is_up and observation.result.ok
        }
        self.blocked = tuple(self._blocked(well))
        owners: dict[int, str] = {}
        for (
            observation
        ) in observations:  # where two run as one user, the first is named: Home Assistant
            if observation.unit.uid:
                owners.setdefault(observation.unit.uid, observation.unit.name)
        found = listeners.exposed(listeners.look(), owners, self._inner, self._meant)
        self.exposed = tuple((name, _words(where)) for name, where in found.items())
        try:
            units = systemd.units(self._helpers)
        except SystemdError as error:  # the rest is looked at all the same
            say(str(error))
            return
        self.failed = tuple((name, str(unit)) for name, unit in units.items() if _has_failed(unit))

    def _blocked(self, well: set[str]) -> Iterator[Issue]:
        for entry in self._entries.values():
            way = entry.outside
            through = self._entries.get(way.through, entry) if way else entry
            if way is None or not {entry.unit, through.unit} <= well:
                continue
            ask = probes.question(way.probe, self._name)
            answer = ask() if ask else None
            if answer is not None and not answer.ok:
                yield Issue(kind_of(way.health, through.unit), detail=answer.detail)


def _words(where: Sequence[listeners.Listener]) -> str:
    return f"it listens on {', '.join(str(one) for one in where)}"


def _has_failed(unit: Unit) -> bool:
    """Whether a helper has failed, or fails again and again."""
    return unit.active == "failed" or unit.sub == "auto-restart"
