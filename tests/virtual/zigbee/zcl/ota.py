"""The OTA upgrade cluster's client: a device that is told of images asks for one. Pure.

Source: Zigbee Cluster Library specification 07-5123, sections 11.13.3 to 11.13.5. No image is ever
taken: what a host answers is only acknowledged.
"""

from __future__ import annotations

from tests.virtual.zigbee.ezsp.wire import u8, u16, u32
from tests.virtual.zigbee.zcl.frames import Command, Frame, Status

CLUSTER = 0x0019
IMAGE_NOTIFY, QUERY_NEXT_IMAGE, QUERY_RESPONSE = 0x00, 0x01, 0x02


def answer(frame: Frame, manufacturer: int, image: tuple[int, int]) -> Frame | None:
    """Return what the client says to its server; ``image`` is the type and version it runs."""
    if not frame.cluster_specific:
        if frame.command == Command.DEFAULT_RESPONSE:
            return None
        return _default(frame, Status.UNSUPPORTED_GENERAL_COMMAND)
    if frame.command == IMAGE_NOTIFY:
        kind, version = image
        payload = u8(0) + u16(manufacturer, kind) + u32(version)
        return Frame(frame.sequence, QUERY_NEXT_IMAGE, payload, cluster_specific=True)
    if frame.command != QUERY_RESPONSE:
        return _default(frame, Status.UNSUPPORTED_CLUSTER_COMMAND)
    return None if frame.no_default_response else _default(frame, Status.SUCCESS)


def _default(frame: Frame, status: Status) -> Frame:
    return frame.answer(Command.DEFAULT_RESPONSE, u8(frame.command, status))
