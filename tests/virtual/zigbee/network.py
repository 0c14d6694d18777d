"""What a dongle keeps in its flash: its address and its network. It survives restarts.

The file is JSON so that a person can read it; it is a simulation's, its keys protect nothing.
"""

from __future__ import annotations

import json
import os
import random
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from tests.virtual.zigbee.ezsp.frames import Parameters
from tests.virtual.zigbee.ezsp.wire import eui64, eui64_text

FACTORY_EUI64 = "00:12:4b:00:2a:00:00:01"
COUNTER_STEP = 1_024  # flash is spared: what is kept is ahead, so that no counter comes twice


@dataclass(frozen=True)
class Network:
    """A network of which this dongle is the coordinator; keys in hexadecimal."""

    extended_pan_id: str
    pan_id: int
    channel: int
    tx_power: int
    manager: int
    update_id: int
    channels: int
    network_key: str
    key_sequence: int
    link_key: str
    security_bitmask: int

    def parameters(self) -> Parameters:
        """Return them as EZSP has them."""
        return Parameters(
            eui64(self.extended_pan_id),
            self.pan_id,
            self.tx_power,
            self.channel,
            0,
            self.manager,
            self.update_id,
            self.channels,
        )


@dataclass
class Flash:
    """Everything that is there again after power was away. Addresses as people write them."""

    factory_eui64: str = FACTORY_EUI64
    restored_eui64: str | None = None  # NV3 token: takes the factory address's place after a reset
    network: Network | None = None
    nwk_counter: int = 0
    aps_counter: int = 0
    link_keys: dict[int, tuple[str, str]] = field(default_factory=dict)  # index: EUI64, key
    children: dict[int, tuple[str, int]] = field(default_factory=dict)  # index: EUI64, node id

    def eui64(self) -> bytes:
        """Return the address it starts with."""
        return eui64(self.restored_eui64 or self.factory_eui64)


def load(path: Path) -> Flash:
    """Read a dongle's flash; a new dongle's when there is no file.

    Raises ValueError with one sentence when it can't be read: a dongle that forgot its network
    would look like one that was exchanged.
    """
    if not path.exists():
        return Flash()
    try:
        kept = json.loads(path.read_text(encoding="ascii"))
        network = kept.pop("network")
        keys = {int(index): tuple(entry) for index, entry in kept.pop("link_keys").items()}
        children = {int(index): tuple(entry) for index, entry in kept.pop("children").items()}
        return Flash(
            **kept,
            network=None if network is None else Network(**network),
            link_keys=keys,
            children=children,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"The dongle's flash {path} is damaged: remove it, and the dongle is blank."
        raise ValueError(message) from error


def save(path: Path, flash: Flash) -> None:
    """Write the flash in one step, with the frame counter ahead of what has been sent."""
    ahead = (flash.nwk_counter // COUNTER_STEP + 1) * COUNTER_STEP
    temporary = path.with_name(f"{path.name}.new")
    text = json.dumps(asdict(replace(flash, nwk_counter=ahead)), indent=1)
    temporary.write_text(text, encoding="ascii")
    os.replace(temporary, path)


def another(flash: Flash, dice: random.Random) -> Flash:
    """Return a blank dongle of the same make: another address, no network."""
    start = bytes.fromhex(FACTORY_EUI64.replace(":", ""))[:5]
    while True:
        address = eui64_text((start + dice.randbytes(3))[::-1])
        if address != flash.factory_eui64:
            return Flash(factory_eui64=address)


def foreign(flash: Flash, dice: random.Random) -> Flash:
    """Return another dongle that is the coordinator of somebody else's network."""
    found = another(flash, dice)
    found.network = Network(
        extended_pan_id=eui64_text(dice.randbytes(8)),
        pan_id=dice.randrange(1, 0xFFF0),
        channel=20,
        tx_power=8,
        manager=0,
        update_id=0,
        channels=0x07FFF800,
        network_key=dice.randbytes(16).hex(),
        key_sequence=0,
        link_key=dice.randbytes(16).hex(),
        security_bitmask=0x0B44,
    )
    found.nwk_counter = 4_242
    return found
