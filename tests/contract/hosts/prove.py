"""Proves that bellows takes the simulated dongle and its devices for real ones.

    python prove.py socket://ADDRESS:PORT

Runs in an environment of its own, with the newest bellows and zigpy. Its devices must be searching
for a network. Prints one JSON line and ends with 0, or ends with 1 and one sentence.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import zigpy.types
from bellows.zigbee.application import ControllerApplication

READER, MONITOR = "EMIZB-141", "SPM01X"
METERING, OTA = 0x0702, 0x0019
SUMMATION = "current_summ_delivered"
CHANNEL, NEW_CHANNEL = 15, 20
SECONDS = 90.0
REPORT, QUERY_NEXT_IMAGE = 0x0A, 0x01
MANUFACTURER = 0x04  # in a frame's control byte: its maker's code follows


class Listener:
    """Waits for devices, and for what they send: model, cluster and command."""

    def __init__(self, app: ControllerApplication) -> None:
        self.devices: dict[str, Any] = {}
        self.sent: set[tuple[str, int, int]] = set()
        self._changed = asyncio.Event()
        app.add_listener(self)

    def device_initialized(self, device: Any) -> None:
        """Take note of a device that was interviewed."""
        self.devices[device.model] = device
        self._changed.set()

    def handle_message(
        self, device: Any, profile: int, cluster: int, _from: int, _to: int, message: bytes
    ) -> None:
        """Take note of a ZCL frame."""
        if profile:
            self.sent.add((device.model, cluster, message[4 if message[0] & MANUFACTURER else 2]))
            self._changed.set()

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until ``true`` says so."""
        while not true():
            self._changed.clear()
            await self._changed.wait()


def cluster_of(device: Any, number: int) -> Any:
    """Return a cluster of a device, wherever it has it."""
    return next(
        clusters[number]
        for endpoint in device.non_zdo_endpoints
        for clusters in (endpoint.in_clusters, endpoint.out_clusters)
        if number in clusters
    )


async def prove(path: str) -> dict[str, Any]:
    """Return what was found."""
    app = ControllerApplication(
        {"device": {"path": path}, "ota": {"enabled": False}, "network": {"channel": CHANNEL}}
    )
    await app.startup(auto_form=True)
    try:
        listener = Listener(app)
        await app.permit(60)
        await listener.until(lambda: {READER, MONITOR} <= listener.devices.keys())
        found: dict[str, Any] = {}
        for model, device in listener.devices.items():
            names = ["multiplier", "divisor", SUMMATION]
            values, _ = await cluster_of(device, METERING).read_attributes(names)
            found[model] = {"manufacturer": device.manufacturer, **values}
        await listener.until(lambda: (MONITOR, METERING, REPORT) in listener.sent)
        for model, device in listener.devices.items():
            await cluster_of(device, OTA).image_notify(payload_type=0, query_jitter=100)
            asked = (model, OTA, QUERY_NEXT_IMAGE)
            await listener.until(partial(listener.sent.__contains__, asked))
        energies = await app.energy_scan(zigpy.types.Channels.ALL_CHANNELS, 2, 1)
        found["scanned"] = sorted(energies)
        await app.topology.scan()
        found["neighbours"] = sorted(len(one) for one in app.topology.neighbors.values())
        found["routes"] = sorted(len(one) for one in app.topology.routes.values())
        await app.move_network_to_channel(NEW_CHANNEL)
        await app.load_network_info(load_devices=True)
        found["channel"] = app.state.network_info.channel
        found["update_id"] = app.state.network_info.nwk_update_id
        backup = await app.backups.create_backup(load_devices=True)
        found["backup"] = backup.is_complete()
        return found
    finally:
        await app.shutdown()


async def main() -> int:
    """Run the proof."""
    try:
        async with asyncio.timeout(SECONDS):
            print(json.dumps(await prove(sys.argv[1])))
    except Exception as error:
        print(f"error: {type(error).__name__} {error}".strip(), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
