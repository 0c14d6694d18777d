"""The box as others in the house find it: through the door, by TLS, and past neither."""

from __future__ import annotations

from collections.abc import Sequence

from hems import probes, systemd
from hems.health import listeners
from hems.settings import Appliance
from hems.systemd import SystemdError, Unit
from hems.watchdog.act import say
from hems.watchdog.core import Sight
from hems.watchdog.settings import Watchdog

LOOK_SECONDS = 60.0  # between two looks


class Outside:
    """Looked at now and then; what an inner look has found already is not said again."""

    def __init__(self, appliance: Appliance, options: Watchdog) -> None:
        units, ports = appliance.units, appliance.ports
        self._appliance, self._options = appliance, options
        self._inner = {
            ports.mqtt: units.mosquitto,
            ports.influxdb: units.influxdb,
            ports.home_assistant: units.home_assistant,
            ports.configurator: units.configurator,
        }
        self._meant = {ports.http, ports.https, ports.mqtts, *options.health.open_ports}
        self._looked: float | None = None
        self.blocked: tuple[tuple[str, str], ...] = ()  # issue and detail
        self.exposed: tuple[tuple[str, str], ...] = ()  # service and addresses
        self.failed: tuple[tuple[str, str], ...] = ()  # helper and how it is

    def look(self, sights: Sequence[Sight], now: float) -> None:
        """Look if it is time; ``sights`` are the services as they answer inside the box."""
        if self._looked is not None and now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        well = {sight.unit.name for sight in sights if sight.unit.is_up and sight.look.ok}
        self.blocked = tuple(self._blocked(well))
        owners: dict[int, str] = {}
        for sight in sights:  # where two run as one user, the first is named: Home Assistant
            if sight.unit.uid:
                owners.setdefault(sight.unit.uid, sight.unit.name)
        found = listeners.exposed(listeners.look(), owners, self._inner, self._meant)
        self.exposed = tuple((name, _words(where)) for name, where in found.items())
        try:
            units = systemd.units(self._options.services.helpers)
        except SystemdError as error:  # the rest is looked at all the same
            say(str(error))
            return
        self.failed = tuple((name, str(unit)) for name, unit in units.items() if _has_failed(unit))

    def _blocked(self, well: set[str]) -> list[tuple[str, str]]:
        units, ports = self._appliance.units, self._appliance.ports
        name = f"{self._appliance.site.hostname}.local"
        found = []
        if {units.nginx, units.home_assistant} <= well:
            answer = probes.through_door(ports.https, name)
            if not answer.ok:
                found.append(("door_blocked", answer.detail))
        if self._appliance.features.mqtt_lan and units.mosquitto in well:
            answer = probes.mqtts(ports.mqtts, name)
            if not answer.ok:
                found.append(("broker_unreachable", answer.detail))
        return found


def _words(where: Sequence[listeners.Listener]) -> str:
    return f"it listens on {', '.join(str(one) for one in where)}"


def _has_failed(unit: Unit) -> bool:
    """Whether a helper has failed, or fails again and again."""
    return unit.active == "failed" or unit.sub == "auto-restart"
