"""The house whose electricity the devices measure: the same load and pulses as the MQTT meter's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.virtual.meter.load import PROFILE, LoadFile
from tests.virtual.meter.simulation import Simulation, load_counter, save_counter

NOMINAL_VOLTS = 230.0
DROP_VOLTS_PER_WATT = 0.0004  # a load pulls the voltage down a little
HERTZ = 50.0


class House:
    """Load, meter and mains. Its time is the caller's: s since the simulation began."""

    def __init__(
        self,
        *,
        load_file: Path | None = None,
        load: str = PROFILE,
        seed: int = 1,
        start: float = 0.0,
        speed: float = 1.0,
        counter_file: Path | None = None,
        tell: Callable[[str], None] = print,
    ) -> None:
        """Raise ValueError with one sentence for a load or a counter that can't be understood."""
        self._load = LoadFile(load_file, load, seed, tell)
        self._start = start
        self._counter_file = counter_file
        self._simulation = Simulation(self._load.watts, start, speed, load_counter(counter_file))
        self._saved = self.pulses
        self.pulse_watts = 0.0

    def run_to(self, seconds: float) -> None:
        """Let time pass, and keep the counter whenever it has moved."""
        self.pulse_watts = self._simulation.run_to(seconds).watts
        if self.pulses != self._saved:
            save_counter(self._counter_file, self._simulation.meter)
            self._saved = self.pulses

    @property
    def pulses(self) -> int:
        """What the meter's LED has flashed since it was made: 1000 a kWh."""
        return self._simulation.meter.pulses

    @property
    def watts(self) -> float:
        """What the house draws now, in W, as an instrument on the line sees it."""
        return self._load.watts(self._start + self._simulation.meter.now / 1_000)

    @property
    def volts(self) -> float:
        """The mains' voltage, in V."""
        return NOMINAL_VOLTS - self.watts * DROP_VOLTS_PER_WATT

    @property
    def amperes(self) -> float:
        """The current, in A, of a load whose power factor is 1."""
        return self.watts / self.volts
