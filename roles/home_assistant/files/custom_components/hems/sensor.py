"""The house's sensors. Nothing reads them back: what an owner makes of them stays on the screen."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from homeassistant.components.sensor import SensorDeviceClass, SensorEntity, SensorStateClass
from homeassistant.const import EntityCategory, UnitOfEnergy, UnitOfPower
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddEntitiesCallback
from homeassistant.helpers.typing import ConfigType, DiscoveryInfoType

from .house import House
from .ledger import week

AGE = timedelta(minutes=1)  # how exact the time of the last reading is: the card wears


async def async_setup_platform(
    hass: HomeAssistant,
    config: ConfigType,  # noqa: ARG001
    async_add_entities: AddEntitiesCallback,
    discovery_info: DiscoveryInfoType | None = None,
) -> None:
    """Make all of them; Home Assistant calls this once the integration is set up."""
    if discovery_info is None:
        return
    house, names = hass.data["hems"], discovery_info["names"]
    kinds = (Power, Energy, Today, Week, Meter, LastReading, Dropped)
    async_add_entities(kind(house, names) for kind in kinds)


class OfHouse(SensorEntity):
    """A sensor that shows something of the house."""

    _attr_should_poll = False
    _key = ""

    def __init__(self, house: House, names: dict[str, str]) -> None:
        """``names``: what each is called, by its key."""
        self._house = house
        self._attr_unique_id = f"hems_{self._key}"
        self._attr_name = names.get(self._key, self._key)
        self.entity_id = f"sensor.hems_{self._key}"

    async def async_added_to_hass(self) -> None:
        """Follow the house from now on."""
        self._house.listen(self._told)
        self._look()

    @callback
    def _told(self) -> None:
        before = (self._attr_native_value, self._attr_available, self._attr_extra_state_attributes)
        self._look()
        now = (self._attr_native_value, self._attr_available, self._attr_extra_state_attributes)
        if now != before:
            self.async_write_ha_state()

    def _look(self) -> None:
        self._show(None)

    def _show(self, value: Any, **attributes: Any) -> None:
        self._attr_native_value = value
        self._attr_available = value is not None
        self._attr_extra_state_attributes = attributes


class Power(OfHouse):
    """W, now."""

    _key = "power"
    _attr_device_class = SensorDeviceClass.POWER
    _attr_state_class = SensorStateClass.MEASUREMENT
    _attr_native_unit_of_measurement = UnitOfPower.WATT

    def _look(self) -> None:
        self._show(self._house.power)


class Energy(OfHouse):
    """kWh in total; it goes on when the meter is exchanged."""

    _key = "energy"
    _attr_device_class = SensorDeviceClass.ENERGY
    _attr_state_class = SensorStateClass.TOTAL_INCREASING
    _attr_native_unit_of_measurement = UnitOfEnergy.KILO_WATT_HOUR
    _attr_suggested_display_precision = 3

    def _look(self) -> None:
        self._show(self._house.ledger.energy if self._house.heard else None)


class Today(OfHouse):
    """kWh since midnight in the site's time zone, with what could not be heard meanwhile."""

    _key = "energy_today"
    _attr_device_class = SensorDeviceClass.ENERGY
    _attr_state_class = SensorStateClass.TOTAL_INCREASING
    _attr_native_unit_of_measurement = UnitOfEnergy.KILO_WATT_HOUR
    _attr_suggested_display_precision = 3

    def _look(self) -> None:
        self._show(self._house.ledger.today if self._house.heard else None)


class Week(OfHouse):
    """kWh of the last seven days, with each of them: the same numbers as today's, at any moment."""

    _key = "energy_week"
    _attr_device_class = SensorDeviceClass.ENERGY
    _attr_native_unit_of_measurement = UnitOfEnergy.KILO_WATT_HOUR
    _attr_suggested_display_precision = 3
    _unrecorded_attributes = frozenset({"days"})

    def _look(self) -> None:
        days = week(self._house.ledger)
        if days and not self._house.heard:
            days[0] = (days[0][0], None)  # as today's own sensor has none
        known = [kwh for _, kwh in days if kwh is not None]
        listed = [{"day": day, "kwh": kwh} for day, kwh in days]
        self._show(round(sum(known), 6) if known else None, days=listed)


class Meter(OfHouse):
    """How far the meter is: the first dashboard says what comes next."""

    _key = "meter"
    _attr_device_class = SensorDeviceClass.ENUM
    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_options = ["missing", "waiting", "reading", "no_energy"]  # noqa: RUF012

    def _look(self) -> None:
        self._show(self._house.meter)


class LastReading(OfHouse):
    """When the meter was last heard."""

    _key = "last_reading"
    _attr_device_class = SensorDeviceClass.TIMESTAMP
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    def _look(self) -> None:
        shown: datetime | None = self._attr_native_value
        now = self._house.read_at
        if shown is None or now is None or not timedelta() <= now - shown < AGE:
            self._show(now)


class Dropped(OfHouse):
    """How many readings were dropped, as the next one contradicted them."""

    _key = "readings_dropped"
    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_state_class = SensorStateClass.TOTAL

    def _look(self) -> None:
        ledger = self._house.ledger
        self._show(ledger.dropped, meters_exchanged=ledger.exchanged)
