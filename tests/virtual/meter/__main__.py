"""Command line of the simulated meter; see ``--help``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.virtual.meter.link import Link, LinkError
from tests.virtual.meter.load import PROFILE, LoadFile, local_seconds
from tests.virtual.meter.options import stop_on_signals, tell
from tests.virtual.meter.simulation import Simulation, load_counter, save_counter

# Home Assistant writes to InfluxDB when a second has gone by without a reading, or after a hundred
# of them: a meter that reports more often than once a second is seen later, not sooner.
INTERVAL_SECONDS = 2.0


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    top = argparse.ArgumentParser(prog="python3 -m tests.virtual.meter", description=__doc__)
    broker = top.add_argument_group("broker")
    broker.add_argument("--host", required=True, help="a name or address in its certificate")
    broker.add_argument("--port", required=True, type=int)
    broker.add_argument("--account", default="meter", help="MQTT account, and name of the entities")
    broker.add_argument("--password-file", required=True, type=Path, help="holds its password")
    broker.add_argument("--ca-file", type=Path, help="the site's CA; without it there is no TLS")
    broker.add_argument("--wait", type=float, default=30.0, help="seconds to try at the start")
    house = top.add_argument_group("house")
    house.add_argument("--watts", default=PROFILE, help=f"constant power in W, or '{PROFILE}'")
    house.add_argument("--load-file", type=Path, help="where such a word may be written meanwhile")
    house.add_argument("--seed", type=int, default=1, help="another number is another household")
    house.add_argument("--start", type=float, help="seconds since midnight (default: it is now)")
    house.add_argument("--speed", type=float, default=1.0, help="seconds of the meter in a second")
    house.add_argument("--state-file", type=Path, help="keeps the counter over restarts")
    top.add_argument("--interval", type=float, default=INTERVAL_SECONDS, help="between readings")
    top.add_argument("--count", type=int, help="end after so many readings (default: never)")
    return top


def report(
    link: Link,
    simulation: Simulation,
    options: argparse.Namespace,
    pause: Callable[[float], bool],
) -> None:
    """Send a reading every interval until ``pause`` says stop or enough have been sent.

    The meter counts on while the broker is away; only readings are left out, never energy.
    """
    begin = time.monotonic()
    ticks = sent = 0
    while options.count is None or sent < options.count:
        reading = simulation.run_to(time.monotonic() - begin)
        sent += link.report(reading)
        save_counter(options.state_file, simulation.meter)
        ticks += 1
        if pause(max(0.0, begin + ticks * options.interval - time.monotonic())):
            return


def main() -> int:
    """Run the meter; 0 when it was asked to stop or has sent its readings."""
    options = parser().parse_args()
    stop = stop_on_signals()
    try:
        load = LoadFile(options.load_file, options.watts, options.seed, tell)
        start = local_seconds() if options.start is None else options.start
        counter = load_counter(options.state_file)
        simulation = Simulation(load.watts, start, options.speed, counter)
        password = options.password_file.read_text().removesuffix("\n")
        link = Link(options.account, password, options.ca_file, tell)
        link.open(options.host, options.port, options.wait)
    except (ValueError, OSError, LinkError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    try:
        report(link, simulation, options, stop.wait)
    finally:
        link.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
