"""A reader of a meter's LED: frient EMIZB-141, or the older Develco ZHEMI101.

Sources: endpoints, clusters, types and values of the EMIZB-141 are those that ZHA's own test data
has of a real one (github.com/zigpy/zha, tests/data/devices/frient-a-s-emizb-141.json); its
manufacturer's attributes are in its quirk (zha-quirks, develco/emi_led.py) and in its technical
manual. The ZHEMI101 follows github.com/zigpy/zha-device-handlers issue 1681 and its manual.
"""

from __future__ import annotations

from tests.virtual.zigbee import zdo
from tests.virtual.zigbee.devices import common
from tests.virtual.zigbee.devices.device import Model
from tests.virtual.zigbee.house import House
from tests.virtual.zigbee.zcl.server import Attribute, Cluster, fixed
from tests.virtual.zigbee.zcl.types import Type, Value

DEVELCO = 0x1015  # manufacturer's code, frient's too
DEVELCO_PROFILE = 0xC0C9
EMIZB_141 = "emizb-141"
ZHEMI101 = "zhemi101"

WH_PER_KWH = 1_000  # the divisor: summation counts Wh, demand W
FEWEST_PULSES = 50
MOST_PULSES = 10_000
FULL_PERCENT = 100


class Counter:
    """The reader's own arithmetic: pulses seen to Wh, at a setting that may change meanwhile."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.pulses_per_kwh = 1_000
        self._base = 0  # Wh at the time of ...
        self._from = 0  # ... this many pulses of the meter

    def summation(self) -> int:
        """Wh since the last reset."""
        seen = self._house.pulses - self._from
        return self._base + seen * WH_PER_KWH // self.pulses_per_kwh

    def demand(self) -> int:
        """W, from the time between pulses."""
        return round(self._house.pulse_watts * WH_PER_KWH / self.pulses_per_kwh)

    def set_pulses(self, value: Value) -> bool:
        """Change the meter's constant, in imp/kWh; what has been counted stays."""
        if not isinstance(value, int) or not FEWEST_PULSES <= value <= MOST_PULSES:
            return False
        self._restart(self.summation())
        self.pulses_per_kwh = value
        return True

    def set_summation(self, value: Value) -> bool:
        """Set the reading, in Wh: to the meter's own display, or to zero."""
        if not isinstance(value, int):
            return False
        self._restart(value)
        return True

    def remember(self) -> dict[str, int]:
        """Return the settings."""
        return {"constant": self.pulses_per_kwh, "base": self._base, "from": self._from}

    def recall(self, kept: dict[str, int]) -> None:
        """Take them up again."""
        self.pulses_per_kwh = kept["constant"]
        self._base = kept["base"]
        self._from = kept["from"]

    def _restart(self, watt_hours: int) -> None:
        self._base = watt_hours
        self._from = self._house.pulses


def _metering(counter: Counter) -> Cluster:
    return Cluster(
        {
            (None, 0x0000): Attribute(Type.UINT48, counter.summation),
            (None, 0x0200): fixed(Type.MAP8, 0),
            (None, 0x0300): fixed(Type.ENUM8, 0),  # kW and kWh
            (None, 0x0301): fixed(Type.UINT24, 1),
            (None, 0x0302): fixed(Type.UINT24, WH_PER_KWH),
            (None, 0x0303): fixed(Type.MAP8, 0xF8),
            (None, 0x0304): fixed(Type.MAP8, 0xF8),
            (None, 0x0306): fixed(Type.MAP8, 0),  # electricity
            (None, 0x0400): Attribute(Type.INT24, counter.demand),
            (DEVELCO, 0x0300): Attribute(
                Type.UINT16, lambda: counter.pulses_per_kwh, counter.set_pulses
            ),
            (DEVELCO, 0x0301): Attribute(Type.UINT48, counter.summation, counter.set_summation),
            (DEVELCO, 0x0302): common.kept(Type.ENUM16, 0),  # interface mode: electricity
        }
    )


class Battery:
    """Two AA cells."""

    def __init__(self) -> None:
        self.percent = FULL_PERCENT

    def set(self, percent: int) -> None:
        """Drain or change the cells. Raises ValueError."""
        if not 0 <= percent <= FULL_PERCENT:
            raise ValueError(f"A battery holds 0 to 100 %, not {percent} %.")
        self.percent = percent

    def cluster(self) -> Cluster:
        """Return the Power Configuration cluster (ZCL 3.3)."""
        return Cluster(
            {
                (None, 0x0020): Attribute(Type.UINT8, lambda: 20 + self.percent * 11 // 100),
                (None, 0x0021): Attribute(Type.UINT8, lambda: 2 * self.percent),
                (None, 0x0031): fixed(Type.ENUM8, 3),  # AA
                (None, 0x0033): fixed(Type.UINT8, 2),
                (None, 0x003E): fixed(Type.MAP32, 0),
            }
        )


def _poll_control() -> Cluster:
    return Cluster(
        {
            (None, 0x0000): common.kept(Type.UINT32, 13_200),  # quarter seconds
            (None, 0x0001): fixed(Type.UINT32, 24),
            (None, 0x0002): fixed(Type.UINT16, 2),
            (None, 0x0003): common.kept(Type.UINT16, 40),
        },
        dict.fromkeys((0x00, 0x01, 0x02, 0x03), common.nothing),
    )


def emizb_141(house: House) -> Model:
    """Return a frient EMIZB-141, "Electricity Meter Interface 2 LED"."""
    counter, battery = Counter(house), Battery()
    inputs = (0x0000, 0x0001, 0x0003, 0x0020, 0x0702, 0x0B01, 0x0B05)
    clusters = {
        (1, 0x0005): Cluster(),
        (1, 0x0006): Cluster({(None, 0x0000): fixed(Type.BOOL, 0)}),
        (2, common.BASIC): common.basic("frient A/S", "EMIZB-141", common.BATTERY, "3.1.2"),
        (2, common.POWER): battery.cluster(),
        (2, common.IDENTIFY): common.identify(),
        (2, common.POLL_CONTROL): _poll_control(),
        (2, common.METERING): _metering(counter),
        (2, 0x0B01): Cluster(),
        (2, 0x0B05): Cluster(),
    }
    return Model(
        name=EMIZB_141,
        eui64="00:15:bc:00:1b:10:01:5c",
        descriptor=zdo.Descriptor(
            zdo.END_DEVICE, 0x80, DEVELCO, largest_incoming=1_500, largest_outgoing=1_500
        ),
        endpoints={
            1: zdo.Endpoint(DEVELCO_PROFILE, 0x0001, (0x0005, 0x0006)),
            2: zdo.Endpoint(common.HOME_AUTOMATION, 0x0053, inputs, (0x0003, 0x000A, 0x0019)),
        },
        clusters=clusters,
        power=(0x42, 0xC4),  # polls; disposable battery, full
        remember=counter.remember,
        recall=counter.recall,
        controls={"battery": battery.set},
    )


def zhemi101(house: House) -> Model:
    """Return a Develco ZHEMI101, "External Meter Interface"; no quirk knows it."""
    counter = Counter(house)
    clusters = {
        (1, 0x0003): common.identify(),
        (1, 0x0005): Cluster(),
        (2, common.BASIC): common.basic("Develco", "ZHEMI101", common.BATTERY, "1.0.0"),
        (2, common.IDENTIFY): common.identify(),
        (2, common.METERING): _metering(counter),
    }
    return Model(
        name=ZHEMI101,
        eui64="00:15:bc:00:1a:00:00:65",
        descriptor=zdo.Descriptor(zdo.END_DEVICE, 0x80, DEVELCO),
        endpoints={
            1: zdo.Endpoint(DEVELCO_PROFILE, 0x0001, (0x0003, 0x0005)),
            2: zdo.Endpoint(common.HOME_AUTOMATION, 0x0007, (0x0000, 0x0003, 0x0702)),
        },
        clusters=clusters,
        power=(0x42, 0xC4),
        remember=counter.remember,
        recall=counter.recall,
    )
