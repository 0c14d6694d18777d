"""The house: its meter's readings, what they add up to, and who is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from homeassistant.const import EVENT_HOMEASSISTANT_STOP, UnitOfEnergy, UnitOfPower
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.event import async_track_time_change, async_track_time_interval
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_conversion import EnergyConverter, PowerConverter

from . import ledger
from .meter import Meter

TICK = timedelta(minutes=1)
STEP_SECONDS = 60.0  # a clock that is set by more than this was wrong before
UNSURE_SECONDS = 86_400.0  # a start so long ago is no reason to doubt the clock any more
BOOT = Path("/proc/sys/kernel/random/boot_id")  # the monotonic clock goes on within one
SYNCHRONISED = Path("/run/systemd/timesync/synchronized")  # systemd-timesyncd makes it
SILENT_SECONDS = 1200.0  # a reader repeats what it counts every 15 minutes
LATE_SECONDS = 900.0  # by which what is counted may be told late
# The card wears: that the meter has counted on is no loss, as it will say so again.
SAVE_SECONDS, SAVE_METER_SECONDS = 60, 900


def clock_offset() -> float:
    """Return the wall clock less the monotonic one, in seconds: it changes when one is set."""
    return time.time() - time.monotonic()


class House:
    """Power in W and energy in kWh; both only as long as the meter has said so since the start."""

    def __init__(self, hass: HomeAssistant, power: str, energy: str, max_power: float) -> None:
        """``power`` and ``energy``: the meter's entities; ``max_power``: the fuse's, W."""
        self._hass = hass
        self._store: Store[dict[str, Any]] = Store(hass, 1, "hems.house")
        self._power = Meter(hass, power, PowerConverter, UnitOfPower.WATT, self._power_told)
        self._energy = Meter(
            hass, energy, EnergyConverter, UnitOfEnergy.KILO_WATT_HOUR, self._energy_told
        )
        self._listeners: list[Callable[[], None]] = []
        self._offset, self._boot = clock_offset(), ""
        self._started = time.monotonic()
        self._save_due: float | None = None
        self._power_at = self._energy_at = self._started
        self._max_power = max_power
        # When the last energy was taken: monotonic, if that was since the start; and by the clock.
        self._taken: float | None = None
        self._taken_at: datetime | None = None
        self.ledger = ledger.Ledger()
        self.power: float | None = None
        self.heard = False  # the energy stands as the meter told it since the start
        self.read_at: datetime | None = None

    async def start(self, otherwise: ledger.Ledger) -> None:
        """Read what was stored (``otherwise`` when nothing was) and listen from now on."""
        stored = await self._store.async_load()
        self._boot = await self._hass.async_add_executor_job(BOOT.read_text)
        self.ledger = ledger.load(stored) if stored else otherwise
        if stored and stored.get("boot") == self._boot and self._stepped(stored["clock"]):
            # The clock was set while Home Assistant was down, or before it could say so.
            self.ledger = ledger.correct_clock(self.ledger, self._today())
        if stored:
            self.read_at = dt_util.parse_datetime(stored.get("read_at") or "")
            self._taken_at = dt_util.parse_datetime(stored.get("taken_at") or "")
        self.ledger = ledger.doubt_clock(self.ledger)
        self._store.async_delay_save(self._stored, SAVE_SECONDS)
        self._power.start()
        self._energy.start()
        async_track_time_interval(self._hass, self._tick, TICK)
        async_track_time_change(self._hass, self._tick, hour=0, minute=0, second=0)
        self._hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, self._stopping)

    def listen(self, listener: Callable[[], None]) -> None:
        """Have ``listener`` called whenever something here may be another."""
        self._listeners.append(listener)

    @property
    def meter(self) -> str:
        """How far the meter is: missing, waiting for its first reading, reading, no_energy."""
        if not (self._power.exists or self._energy.exists):
            return "missing"
        if not self.heard and self.power is None:
            return "waiting"
        power, energy = (time.monotonic() - last for last in (self._power_at, self._energy_at))
        return "no_energy" if power < SILENT_SECONDS <= energy else "reading"

    @callback
    def _power_told(self, watts: float | None) -> None:
        self.power = None if watts is None else round(watts, 3)
        if watts is not None:
            self.read_at, self._power_at = dt_util.utcnow(), time.monotonic()
        self._tell()

    @callback
    def _energy_told(self, kwh: float | None) -> None:
        self.heard = kwh is not None
        if kwh is not None:
            most = self._most()
            self.read_at, self._energy_at = dt_util.utcnow(), time.monotonic()
            self._turn()
            now = ledger.read(self.ledger, round(kwh, 6), most)
            if now.doubt is None:
                self._taken, self._taken_at = self._energy_at, self.read_at
            self._keep(ledger.turn(now, self._today()))
            # A first 0 waits for the next reading.
            self.heard = self.ledger.energy is not None
        self._tell()

    @callback
    def _tick(self, _now: datetime) -> None:
        self._turn()
        self._tell()

    @callback
    def _stopping(self, _event: Event[Any]) -> None:
        self._turn()  # hems-clock restarts Home Assistant when the clock was set

    def _most(self) -> float | None:
        """Return how many kWh can have been used since the last reading; None: nobody knows."""
        if self._taken is not None:
            seconds = time.monotonic() - self._taken
        elif self._taken_at is not None and SYNCHRONISED.exists():
            seconds = (dt_util.utcnow() - self._taken_at).total_seconds()
        else:
            return None
        return ledger.bound(self._max_power, seconds + LATE_SECONDS) if seconds >= 0 else None

    def _today(self) -> str:
        return str(dt_util.now().date().isoformat())

    def _turn(self) -> None:
        """Let the day end, or move what a wrong clock had dated wrong."""
        stepped, self._offset = self._stepped(self._offset), clock_offset()
        now = self.ledger
        if stepped:
            now = ledger.correct_clock(now, self._today())
        else:
            now = ledger.turn(now, self._today()) if now.energy is not None else now
            if now.unsure_day and self._sure():
                now = ledger.trust_clock(now)
        self._keep(now)

    @staticmethod
    def _stepped(before: float) -> bool:
        """Whether the clock was set since it had the offset ``before``."""
        return abs(clock_offset() - before) > STEP_SECONDS

    def _sure(self) -> bool:
        return time.monotonic() - self._started > UNSURE_SECONDS or SYNCHRONISED.exists()

    def _keep(self, now: ledger.Ledger) -> None:
        if now == self.ledger:
            return
        moved = replace(now, meter=self.ledger.meter)
        self.ledger, soon = now, moved != self.ledger
        delay = SAVE_SECONDS if soon else SAVE_METER_SECONDS
        due = time.monotonic() + delay
        if self._save_due is None or due < self._save_due:
            self._save_due = due
            self._store.async_delay_save(self._stored, delay)

    @callback
    def _stored(self) -> dict[str, Any]:
        self._save_due = None
        moments = {"read_at": self.read_at, "taken_at": self._taken_at}
        return {
            **ledger.dump(self.ledger),
            "boot": self._boot,
            "clock": self._offset,
            **{name: moment.isoformat() for name, moment in moments.items() if moment},
        }

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()
