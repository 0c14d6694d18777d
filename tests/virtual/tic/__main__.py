"""Command line of the simulated USB-TIC adapter; see ``--help``."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from pathlib import Path

from tests.virtual.d2l.linky import HISTORIQUE, MODES, values
from tests.virtual.meter.load import LoadFile, local_seconds
from tests.virtual.meter.options import add_meter, stop_on_signals, tell
from tests.virtual.meter.simulation import Simulation, load_counter, save_counter
from tests.virtual.tic.adapter import Adapter
from tests.virtual.tic.frame import frame

METER = "041776100001"
FAULTS = ("none", "silent", "damaged")


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    top = argparse.ArgumentParser(prog="python3 -m tests.virtual.tic", description=__doc__)
    top.add_argument("--link", required=True, type=Path, help="the adapter's path")
    top.add_argument("--group", help="who may open it")
    top.add_argument("--fault", choices=FAULTS, default=FAULTS[0])
    top.add_argument("--interval", type=float, default=2.0, help="seconds between two frames")
    add_meter(top, METER, MODES, HISTORIQUE)
    return top


def run(options: argparse.Namespace, stop: threading.Event) -> None:
    """Send a frame every interval until told to stop. Raises OSError, LookupError, ValueError."""
    load = LoadFile(options.load_file, options.watts, options.seed, tell)
    counter = load_counter(options.state_file)
    simulation = Simulation(load.watts, local_seconds(), 1.0, counter)
    adapter = Adapter(options.link, options.group)
    adapter.open()
    tell(f"plugged in: {options.link}, {options.mode}")
    begin, tick = time.monotonic(), 0
    try:
        while True:
            reading = simulation.run_to(time.monotonic() - begin)
            save_counter(options.state_file, simulation.meter)
            texts = values(
                options.mode, options.meter, simulation.meter.pulses, reading.watts, time.time()
            )
            if options.fault != "silent":
                data = frame(options.mode, texts, damaged=options.fault == "damaged")
                adapter.send(data, options.mode)
            tick += 1
            if stop.wait(max(0.0, begin + tick * options.interval - time.monotonic())):
                return
    finally:
        adapter.close()


def main() -> int:
    """Run the adapter until it is asked to stop."""
    options = parser().parse_args()
    stop = stop_on_signals()
    try:
        run(options, stop)
    except (OSError, LookupError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
