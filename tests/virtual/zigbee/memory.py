"""What the co-processor knows until its next reboot."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.virtual.zigbee import zdo
from tests.virtual.zigbee.ezsp.frames import Security
from tests.virtual.zigbee.ezsp.ids import Config

_DEFAULTS: dict[int, int] = {
    Config.PACKET_BUFFER_COUNT: 255,
    Config.ADDRESS_TABLE_SIZE: 16,
    Config.MULTICAST_TABLE_SIZE: 16,
    Config.STACK_PROFILE: 2,
    Config.SECURITY_LEVEL: 5,
    Config.KEY_TABLE_SIZE: 12,
}


@dataclass
class Memory:
    """What a reboot forgets."""

    configuration: dict[int, int] = field(default_factory=lambda: dict(_DEFAULTS))
    values: dict[int, bytes] = field(default_factory=dict)
    policies: dict[int, int] = field(default_factory=dict)
    endpoints: dict[int, zdo.Endpoint] = field(default_factory=dict)
    multicast: dict[int, bytes] = field(default_factory=dict)
    addresses: dict[int, tuple[bytes, int]] = field(default_factory=dict)
    patient: set[bytes] = field(default_factory=set)  # EUI64s with extended time-outs
    transient_keys: set[bytes] = field(default_factory=set)  # EUI64s that may join with one
    security: Security | None = None
    up: bool = False
    open: bool = False  # to devices that want to join
    moving: bool = False  # to another channel, which it has been told of
    test: int | None = None  # channel of the manufacturing test, while it runs
    opening: int = 0  # counts openings and closings, so that a late closing is void
