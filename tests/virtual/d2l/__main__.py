"""Command line of the simulated D2L dongle; see ``--help``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from hems import HemsError
from hems.d2l.d2l_settings import parse_key

from tests.virtual.d2l.dongle import FAULTS, Dongle, NoAnswer
from tests.virtual.d2l.linky import MODES, STANDARD, values
from tests.virtual.meter.load import LoadFile, local_seconds
from tests.virtual.meter.options import add_meter, stop_on_signals, tell
from tests.virtual.meter.simulation import Simulation, load_counter, save_counter

METER = "041776199277"


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    top = argparse.ArgumentParser(prog="python3 -m tests.virtual.d2l", description=__doc__)
    top.add_argument("--host", required=True)
    top.add_argument("--port", required=True, type=int)
    top.add_argument("--number", required=True, help="the dongle's, 12 digits")
    top.add_argument("--key-file", required=True, type=Path, help="holds key and IV")
    top.add_argument("--fault", choices=FAULTS, default=FAULTS[0])
    top.add_argument("--interval", type=float, default=60.0, help="seconds between two readings")
    top.add_argument("--count", type=int, help="end after so many readings (default: never)")
    add_meter(top, METER, MODES, STANDARD)
    return top


def report(
    dongle: Dongle,
    simulation: Simulation,
    options: argparse.Namespace,
    pause: Callable[[float], bool],
) -> int:
    """Send a reading every interval until ``pause`` says stop; return how many were answered."""
    begin, answered, tick = time.monotonic(), 0, 0
    connected = False
    while options.count is None or tick < options.count:
        reading = simulation.run_to(time.monotonic() - begin)
        save_counter(options.state_file, simulation.meter)
        frame = values(
            options.mode, options.meter, simulation.meter.pulses, reading.watts, time.time()
        )
        try:
            if not connected:
                dongle.connect(options.host, options.port)
                connected = True
                dongle.clock()
            at = dongle.push(frame)
            answered += 1
            tell(f"answered, {time.time() - at:.0f} s off")
        except (OSError, NoAnswer) as error:
            dongle.close()
            connected = False
            tell(f"not answered: {error or 'the box closed the connection'}")
        tick += 1
        if pause(max(0.0, begin + tick * options.interval - time.monotonic())):
            break
    return answered


def main() -> int:
    """Run the dongle; 0 when it was asked to stop, or every reading was answered."""
    options = parser().parse_args()
    stop = stop_on_signals()
    try:
        key = parse_key(options.key_file.read_text(encoding="ascii"))
        load = LoadFile(options.load_file, options.watts, options.seed, tell)
        counter = load_counter(options.state_file)
    except (HemsError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    simulation = Simulation(load.watts, local_seconds(), 1.0, counter)
    dongle = Dongle(options.number, key, options.fault)
    answered = report(dongle, simulation, options, stop.wait)
    dongle.close()
    return int(options.count is not None and answered < options.count)


if __name__ == "__main__":
    sys.exit(main())
