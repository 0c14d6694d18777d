"""Command line of the simulated Zigbee dongle and its devices; see ``--help``."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from functools import partial
from pathlib import Path

from tests.virtual.meter.load import PROFILE, local_seconds
from tests.virtual.meter.options import tell
from tests.virtual.zigbee import control
from tests.virtual.zigbee.devices.din_rail import SPM01X
from tests.virtual.zigbee.devices.meter_reader import EMIZB_141
from tests.virtual.zigbee.house import House
from tests.virtual.zigbee.link import Port, Tcp, Terminal
from tests.virtual.zigbee.simulator import COUNTER, MODELS, Simulator

SOCKET = "control.sock"
SERIAL = "20220818000000"


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    top = argparse.ArgumentParser(
        prog="python3 -m tests.virtual.zigbee",
        description=__doc__,
        epilog="Its switches: python3 -m tests.virtual.zigbee.control --help",
    )
    top.add_argument("--state", required=True, type=Path, help="folder of its memory and socket")
    plug = top.add_argument_group("plug")
    plug.add_argument("--by-id", type=Path, help="folder for the serial device's link")
    plug.add_argument("--serial", default=SERIAL, help="the dongle's serial number, in its path")
    plug.add_argument("--group", help="group that may use the serial device")
    plug.add_argument("--tcp", metavar="ADDRESS:PORT", help="serve it there too; port 0 is any")
    home = top.add_argument_group("house")
    home.add_argument(
        "--device",
        action="append",
        choices=sorted(MODELS),
        help=f"a device in the house; may be repeated (default: {EMIZB_141} and {SPM01X})",
    )
    home.add_argument("--watts", default=PROFILE, help=f"constant power in W, or '{PROFILE}'")
    home.add_argument("--load-file", type=Path, help="where such a word may be written meanwhile")
    home.add_argument("--seed", type=int, default=1, help="another number is another household")
    home.add_argument("--speed", type=float, default=1.0, help="seconds of the house in a second")
    return top


def _terminals(options: argparse.Namespace) -> list[Terminal]:
    if not options.by_id:
        return []
    return [Terminal(options.by_id, options.serial, options.group)]


def _sockets(options: argparse.Namespace) -> list[Tcp]:
    if not options.tcp:
        return []
    address, _, port = options.tcp.rpartition(":")
    if not port.isdigit():
        raise ValueError(f"'{options.tcp}' is no ADDRESS:PORT.")
    return [Tcp(address, int(port))]


async def run(options: argparse.Namespace) -> None:
    """Run until a signal. Raises ValueError, LookupError and OSError."""
    options.state.mkdir(parents=True, exist_ok=True)
    house = House(
        load_file=options.load_file,
        load=options.watts,
        seed=options.seed,
        start=local_seconds(),
        speed=options.speed,
        counter_file=options.state / COUNTER,
        tell=tell,
    )
    devices = options.device or [EMIZB_141, SPM01X]
    simulator = Simulator(house, list(dict.fromkeys(devices)), options.state, tell)
    plugs: list[Port] = [*_terminals(options), *_sockets(options)]
    for plug in plugs:
        plug.received = partial(simulator.received, plug)
    simulator.ports.extend(plugs)
    if not simulator.ports:
        raise ValueError("The dongle needs a plug: give --by-id, --tcp or both.")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    switches = await control.serve(options.state / SOCKET, simulator.obey)
    await simulator.plug()
    for plug in plugs:
        tell(f"The dongle is at {plug.where()}.")
    await simulator.run(stop)
    switches.close()


def main() -> int:
    """Run the simulator; 0 when it was asked to stop."""
    options = parser().parse_args()
    try:
        asyncio.run(run(options))
    except (ValueError, LookupError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
