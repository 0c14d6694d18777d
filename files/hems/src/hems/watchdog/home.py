"""Home Assistant as the watchdog looks into it, over each of its APIs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from hems.health.inside import Inside
from hems.health.judge import RUNNING, faults
from hems.health.registry import OURS, Key, Lost
from hems.home_assistant import Access
from hems.settings import Appliance
from hems.watchdog import aftermath, storing
from hems.watchdog.core import Action
from hems.watchdog.deep import Deep
from hems.watchdog.observe import HomeAssistant, View

if TYPE_CHECKING:
    from hems.health.health_settings import Health
    from hems.watchdog.memory import Boot
    from hems.watchdog.watched import Secrets


class Home:
    """What is asked, and what is remembered from one round to the next."""

    def __init__(
        self,
        appliance: Appliance,
        health: Health,
        secrets: Secrets,
        boot: Boot,
        learnt: Mapping[str, Key],
        *,
        now: float,
    ) -> None:
        """``learnt`` are the keys of the meter's entities."""
        access = Access(appliance.ports.home_assistant, secrets.home_assistant)
        self.meter = (health.meter, appliance.meter.energy)
        self.asked = HomeAssistant(access, health, now, boot.refused)
        self.deep = Deep(access, self.meter, learnt)
        self.aftermath = boot.aftermath
        self.unstored = ""  # a reading that InfluxDB does not have
        self.view = View()
        self._unit = appliance.home_assistant.unit
        self._token = secrets.influxdb
        port = appliance.ports.influxdb
        self._storing = storing.Storing(
            lambda reading: storing.is_stored(port, secrets.influxdb, reading)
        )

    @property
    def lost(self) -> tuple[Lost, ...]:
        """The entities that are not there; none while it does not say."""
        return self.deep.lost if self.view.inside is not None else ()

    def look(self, now: float, up: bool) -> View:
        """Look at ``now`` (monotonic s); it is asked only when ``up``, answering."""
        called = self.deep.called(self.meter[0])
        self.view = self.asked.look(now, up, (*self.meter[1:], *OURS), called)
        inside = self._running()
        self.unstored = ""
        if inside is not None:
            self.deep.look(inside.missing, now)
            self.unstored = self._storing.look(self._reading(inside), now)
        return self.view

    def heal(
        self, full: bool, now: float, locked: bool, carry_out: Callable[[Action], bool]
    ) -> None:
        """Do the restart that a full disk makes necessary, once there is room again."""
        inside = self._running()
        found = None if inside is None else faults(inside, self.deep.recording)
        self.aftermath, action = aftermath.decide(
            self.aftermath, full, found, now, locked=locked, unit=self._unit
        )
        if action is not None and not carry_out(action):
            self.aftermath = aftermath.again(now)

    def _running(self) -> Inside | None:
        inside = self.view.inside if self.view.fresh else None
        return inside if inside is not None and inside.state == RUNNING else None

    def _reading(self, inside: Inside) -> storing.Reading | None:
        if not inside.updated or not self._token:
            return None
        entity = self.deep.called(self.meter[0]) or self.meter[0]
        return storing.Reading(entity, inside.unit, inside.updated)
