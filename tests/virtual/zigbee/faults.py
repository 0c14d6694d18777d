"""Faults of the serial line, switched on and off while the simulator runs. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tests.virtual.zigbee import ash


@dataclass
class Faults:
    """What is wrong at present; counts go down as frames are spoilt."""

    corrupt: int = 0  # frames to the host that get a wrong byte
    drop: int = 0  # frames to the host that are lost
    deaf: int = 0  # deliveries from the host that are lost
    slow: float = 0.0  # s until a command is obeyed

    def outgoing(self, frame: bytes) -> bytes:
        """Return what the host receives of a frame."""
        if self.drop:
            self.drop -= 1
            return b""
        if self.corrupt:
            self.corrupt -= 1
            # The first byte is never the flag; what it becomes is no reserved one.
            wrong = frame[0] ^ 0x01
            return (bytes((wrong,)) if wrong not in ash.RESERVED else b"\0") + frame[1:]
        return frame

    def incoming(self, data: bytes) -> bytes:
        """Return what the coordinator receives of some bytes."""
        if self.deaf and data:
            self.deaf -= 1
            return b""
        return data

    def clear(self) -> None:
        """Mend everything."""
        self.corrupt = self.drop = self.deaf = 0
        self.slow = 0.0
