"""A box in a house with a NetworkManager of its own, and its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from hems import settings
from hems.onboarding.bus import WifiError
from hems.onboarding.core import hotspot_name
from hems.onboarding.daemon import Daemon
from hems.onboarding.onboarding_settings import Onboarding, Times

from tests.unit.appliance_settings import GOOD
from tests.unit.fake_network_manager import FakeNetworkManager

TIMES = Times(settle=20, known=180, window=600, pauses=(300, 600), join=0.2)
OWN = Onboarding(address="10.42.0.1", port=1, open=False, channel=6, button=0, times=TIMES)
BOX = settings.parse(GOOD, settings.Appliance, "hems.toml")
NAME = hotspot_name(BOX.site.name)


class House:
    """A box in a house, and its time."""

    def __init__(self, manager: FakeNetworkManager, directory: Path) -> None:
        self.manager, self.now, self.routed = manager, 0.0, False
        self.internet: str | None = "192.0.2.1"
        self.listens = False
        self.no_bus = False

        @asynccontextmanager
        async def connect() -> AsyncIterator[Any]:
            if self.no_bus:
                raise WifiError("The system's D-Bus can't be reached.")
            yield manager

        self.daemon = Daemon(
            BOX,
            OWN,
            "a passphrase",
            directory,
            connect=connect,
            default_route=lambda: self.routed,
            reachable=lambda _: self.internet,
        )
        self.portal = self.daemon.portal

    async def pass_time(self, seconds: float) -> None:
        """Let the daemon look every two seconds."""
        end = self.now + seconds
        while self.now < end:
            self.now += 2
            await self.daemon.turn(self.now)
            await asyncio.sleep(0)
