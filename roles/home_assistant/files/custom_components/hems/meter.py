"""One entity of the meter: what is a reading of it, and what only stands there."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

from homeassistant.const import ATTR_RESTORED, ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import Event, HomeAssistant, State, callback
from homeassistant.helpers.event import (
    async_track_state_change_event,
    async_track_state_report_event,
)
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_conversion import BaseUnitConverter

from .zigbee import Reports


def value(state: State | None, converter: type[BaseUnitConverter], unit: str) -> float | None:
    """Return a state's number in ``unit``; None when it has none, or no unit of that kind."""
    if state is None:
        return None
    shown = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
    if shown not in converter.VALID_UNITS:
        return None
    try:
        number = float(state.state)
    except ValueError:
        return None
    return converter.convert(number, shown, unit) if isfinite(number) else None


class Meter:
    """Tells each reading of an entity, in one unit, and when it has no value any more.

    What an entity begins with is no reading: it may have been restored, or be a Zigbee device's
    last value of days ago. Of a Zigbee device each report counts, also one of the same value,
    which Home Assistant's states don't show.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entity: str,
        converter: type[BaseUnitConverter],
        unit: str,
        told: Callable[[float | None], None],
    ) -> None:
        """``told`` gets a reading in ``unit``, or None when there is no value."""
        self._hass, self._entity, self._converter, self._unit = hass, entity, converter, unit
        self._told = told
        self._reports = Reports(hass, entity, self._reported)
        self._known = False  # it has a value that was told
        self._began = dt_util.utcnow()
        self._since = self._began  # what a Zigbee device told after this is fresh
        self._device = ""  # the one that was heard last

    def start(self) -> None:
        """Listen from now on."""
        async_track_state_change_event(self._hass, [self._entity], self._changed)
        async_track_state_report_event(self._hass, [self._entity], self._repeated)
        self._reports.follow()

    @property
    def exists(self) -> bool:
        """Whether Home Assistant has such an entity."""
        return self._hass.states.get(self._entity) is not None

    @callback
    def _changed(self, event: Event[Any]) -> None:
        old, new = event.data["old_state"], event.data["new_state"]
        number = value(new, self._converter, self._unit)
        zigbee = self._reports.follow()
        begins = old is None or bool(old.attributes.get(ATTR_RESTORED))
        if number is None:
            self._since = dt_util.utcnow()
            self._tell(None)
        elif zigbee:
            # Its reports are told by themselves; one of them may have come before the entity was.
            # A device that takes the entity over told its values before it had the entity's name.
            other = self._device not in ("", self._reports.device)
            since = self._began if other else self._since
            if not self._known:
                self._tell(number if self._reports.updated_since(since) else None)
            self._device = self._reports.device
        else:
            self._tell(None if begins else number)

    @callback
    def _repeated(self, event: Event[Any]) -> None:
        number = value(event.data["new_state"], self._converter, self._unit)
        if number is not None and not self._reports.follow():
            self._tell(number)

    @callback
    def _reported(self) -> None:
        number = value(self._hass.states.get(self._entity), self._converter, self._unit)
        if number is not None:
            self._tell(number)

    def _tell(self, number: float | None) -> None:
        self._known = number is not None
        self._told(number)
