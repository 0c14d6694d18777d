"""A DIN-rail monitor that measures P, U, I and E: BITUO TECHNIK SPM01X (order code SPM01-D2TZ-U01).

Sources: node descriptor, endpoint, clusters and the scale of voltage, frequency and energy are
those that ZHA's own test data has of a real one of this maker (github.com/zigpy/zha,
tests/data/devices/bituo-technik-spm01x001.json). Model id, On/Off cluster ("on" resets the energy)
and the placeholders of the phases that it does not have are those of the current firmware, which
ZHA knows by a quirk (zha-quirks, bituo/; zha-device-handlers pull request 5112); its maker's
description is docs.bituo-technik.com/device-api/spm-sdm-zigbee-profile. The multipliers and
divisors of current and power are assumed, as no source shows them. That it reports by itself is
seen; how often is assumed.
"""

from __future__ import annotations

from tests.virtual.zigbee import zdo
from tests.virtual.zigbee.devices import common
from tests.virtual.zigbee.devices.device import Model
from tests.virtual.zigbee.house import HERTZ, House
from tests.virtual.zigbee.zcl.reporting import Setting
from tests.virtual.zigbee.zcl.server import Attribute, Cluster, Key, fixed
from tests.virtual.zigbee.zcl.types import Type

SPM01X = "spm01x"
BITUO = 0x1216  # manufacturer's code

HUNDREDTHS = 100
WH_PER_COUNT = 10  # energy counts 0.01 kWh
SHORTEST, LONGEST = 10, 60  # seconds between its own reports
# What it reports by itself, and by how much that must have changed.
_REPORTS: dict[int, dict[Key, Setting]] = {
    common.METERING: {(None, 0x0000): Setting(Type.UINT48, SHORTEST, LONGEST, 1)},
    common.ELECTRICAL: {
        (None, 0x0505): Setting(Type.UINT16, SHORTEST, LONGEST, HUNDREDTHS),
        (None, 0x0508): Setting(Type.UINT16, SHORTEST, LONGEST, HUNDREDTHS // 10),
        (None, 0x050B): Setting(Type.INT16, SHORTEST, LONGEST, 10),
    },
}


def _electrical(house: House) -> Cluster:
    watts = Attribute(Type.INT16, lambda: round(house.watts))
    attributes: dict[Key, Attribute] = {
        (None, 0x0000): fixed(Type.MAP32, 0x0000_0009),  # measures AC: active power, phase A
        (None, 0x0300): fixed(Type.UINT16, round(HERTZ * HUNDREDTHS)),
        (None, 0x0304): Attribute(Type.INT32, lambda: round(house.watts)),
        (None, 0x0400): fixed(Type.UINT16, 1),
        (None, 0x0401): fixed(Type.UINT16, HUNDREDTHS),
        (None, 0x0505): Attribute(Type.UINT16, lambda: round(house.volts * HUNDREDTHS)),
        (None, 0x0508): Attribute(Type.UINT16, lambda: round(house.amperes * HUNDREDTHS)),
        (None, 0x050B): watts,
        (None, 0x050E): fixed(Type.INT16, 0),
        (None, 0x050F): Attribute(Type.UINT16, lambda: round(house.watts)),
        (None, 0x0510): fixed(Type.INT8, 100),
        (None, 0x0600): fixed(Type.UINT16, 1),
        (None, 0x0601): fixed(Type.UINT16, HUNDREDTHS),
        (None, 0x0602): fixed(Type.UINT16, 1),
        (None, 0x0603): fixed(Type.UINT16, HUNDREDTHS),
        (None, 0x0604): fixed(Type.UINT16, 1),
        (None, 0x0605): fixed(Type.UINT16, 1),
    }
    for phase in (0x0900, 0x0A00):  # B and C, which a single-phase meter does not have
        attributes[None, phase + 0x05] = fixed(Type.UINT16, 0xFFFF)
        attributes[None, phase + 0x08] = fixed(Type.UINT16, 0xFFFF)
        attributes[None, phase + 0x0B] = fixed(Type.INT16, -1)
    return Cluster(attributes)


class Energy:
    """The monitor's energy register: Wh since it was last reset."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._from = 0

    def counts(self) -> int:
        """Return it in hundredths of a kWh."""
        return (self._house.pulses - self._from) // WH_PER_COUNT

    def reset(self) -> None:
        """Begin at zero."""
        self._from = self._house.pulses

    def remember(self) -> dict[str, int]:
        """Return where it began."""
        return {"from": self._from}

    def recall(self, kept: dict[str, int]) -> None:
        """Go on from there."""
        self._from = kept["from"]


def _metering(energy: Energy) -> Cluster:
    return Cluster(
        {
            (None, 0x0000): Attribute(Type.UINT48, energy.counts),
            (None, 0x0001): fixed(Type.UINT48, 0),
            (None, 0x0200): fixed(Type.MAP8, 0),
            (None, 0x0300): fixed(Type.ENUM8, 0),
            (None, 0x0301): fixed(Type.UINT24, 1),
            (None, 0x0302): fixed(Type.UINT24, 1_000 // WH_PER_COUNT),
            (None, 0x0303): fixed(Type.MAP8, 0xFA),  # 31 digits, two after the point
            (None, 0x0306): fixed(Type.MAP8, 0),
        }
    )


def spm01x(house: House) -> Model:
    """Return a BITUO TECHNIK SPM01X, single phase, 63 A."""
    energy = Energy(house)
    on_off = Cluster({(None, 0x0000): fixed(Type.BOOL, 0)}, {0x01: energy.reset})
    inputs = (0x0000, 0x0003, 0x0006, 0x0702, 0x0B04, 0x0B05)
    return Model(
        name=SPM01X,
        eui64="60:b6:47:ff:fe:8d:c2:0c",
        descriptor=zdo.Descriptor(zdo.ROUTER, 0x8E, BITUO),
        endpoints={
            1: zdo.Endpoint(common.HOME_AUTOMATION, 0x0501, inputs, (0x0003, 0x0019)),
        },
        clusters={
            (1, common.BASIC): common.basic("BITUO TECHNIK", "SPM01X", common.MAINS, "10"),
            (1, common.IDENTIFY): common.identify(),
            (1, 0x0006): on_off,
            (1, common.METERING): _metering(energy),
            (1, common.ELECTRICAL): _electrical(house),
            (1, 0x0B05): Cluster(),
        },
        defaults={(1, cluster): settings for cluster, settings in _REPORTS.items()},
        remember=energy.remember,
        recall=energy.recall,
    )
