"""The co-processor's side of an ASH connection. No I/O: bytes and time in, bytes and frames out.

Source: Silicon Labs UG101, sections 3 (protocol) and 5 (parameters).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from tests.virtual.zigbee import ash

WINDOW = 3  # unacknowledged frames under way; UG101 allows up to 7
ACK_TIMEOUT_SECONDS = 1.6
MOST_TIMEOUTS = 4
LONGEST_QUEUE = 256


class Session:
    """One connection, from the host's reset on.

    ``write`` takes encoded frames, ``received`` an EZSP frame, ``rebooted`` is told when the host
    has asked for a reset; the answer to it has then been written.
    """

    def __init__(
        self,
        write: Callable[[bytes], None],
        received: Callable[[bytes], None],
        rebooted: Callable[[], None],
    ) -> None:
        self._write = write
        self._received = received
        self._rebooted = rebooted
        self._splitter = ash.Splitter()
        self._connected = False
        self._failed: int | None = None
        self._forget()

    def _forget(self) -> None:
        self._next_out = 0
        self._next_in = 0
        self._rejecting = False
        self._waiting: deque[bytes] = deque(maxlen=LONGEST_QUEUE)
        self._under_way: deque[tuple[int, bytes]] = deque()
        self._since = 0.0
        self._timeouts = 0

    @property
    def connected(self) -> bool:
        """Whether the host has reset the connection and it has not failed since."""
        return self._connected and self._failed is None

    def power_up(self) -> None:
        """Begin as after power came: silent until the host resets the connection."""
        self._splitter = ash.Splitter()
        self._connected = False
        self._failed = None
        self._forget()

    def restart(self, code: int) -> None:
        """Reboot by itself, and say so as the firmware does."""
        self._forget()
        self._connected = True
        self._failed = None
        self._put(ash.ResetAck(code))

    def fail(self, code: int = ash.ERROR_ACK_TIMEOUTS) -> None:
        """Give up: from now on every frame but a reset is answered with the error."""
        self._forget()
        self._failed = code
        self._put(ash.Failed(code))

    def feed(self, data: bytes, now: float) -> None:
        """Take bytes from the host; ``now`` in s of a monotonic clock."""
        for raw in self._splitter.feed(data):
            try:
                frame = ash.decode(raw)
            except ash.AshError:
                self._reject()
            else:
                self._take(frame, now)

    def send(self, payload: bytes, now: float) -> None:
        """Send an EZSP frame as soon as the window allows; nobody hears it before a reset."""
        if self.connected:
            self._waiting.append(payload)
            self._fill(now)

    def poll(self, now: float) -> None:
        """Send again what has not been acknowledged in time."""
        if not self._under_way or now - self._since < ACK_TIMEOUT_SECONDS:
            return
        self._timeouts += 1
        if self._timeouts > MOST_TIMEOUTS:
            self.fail()
            return
        self._again(now)

    def _take(self, frame: ash.Frame, now: float) -> None:
        if isinstance(frame, ash.Reset):
            self._forget()
            self._connected = True
            self._failed = None
            self._put(ash.ResetAck())
            self._rebooted()
        elif self._failed is not None:
            self._put(ash.Failed(self._failed))
        elif not self._connected:
            return
        elif isinstance(frame, ash.Data):
            self._acknowledged(frame.ack, now)
            self._take_data(frame)
        elif isinstance(frame, ash.Ack):
            self._acknowledged(frame.ack, now)
        elif isinstance(frame, ash.Nak):
            self._acknowledged(frame.ack, now)
            self._again(now)

    def _take_data(self, frame: ash.Data) -> None:
        if frame.number == self._next_in:
            self._next_in = (self._next_in + 1) % 8
            self._rejecting = False
            self._put(ash.Ack(self._next_in))
            self._received(frame.payload)
        elif frame.again:
            self._put(ash.Ack(self._next_in))  # it came before; its acknowledgement was lost
        else:
            self._reject()

    def _reject(self) -> None:
        if self.connected and not self._rejecting:
            self._rejecting = True
            self._put(ash.Nak(self._next_in))

    def _acknowledged(self, ack: int, now: float) -> None:
        numbers = [number for number, _ in self._under_way]
        done = [(number + 1) % 8 for number in numbers]
        if ack not in done:
            return
        for _ in range(done.index(ack) + 1):
            self._under_way.popleft()
        self._timeouts = 0
        self._since = now
        self._fill(now)

    def _fill(self, now: float) -> None:
        while self._waiting and len(self._under_way) < WINDOW:
            payload = self._waiting.popleft()
            if not self._under_way:
                self._since = now
            number, self._next_out = self._next_out, (self._next_out + 1) % 8
            self._under_way.append((number, payload))
            self._put(ash.Data(number, self._next_in, payload))

    def _again(self, now: float) -> None:
        self._since = now
        for number, payload in tuple(self._under_way):
            self._put(ash.Data(number, self._next_in, payload, again=True))

    def _put(self, frame: ash.Frame) -> None:
        self._write(ash.encode(frame))
