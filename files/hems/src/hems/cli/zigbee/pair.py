"""``hems zigbee pair``: let a device join, and give it names that last."""

from __future__ import annotations

import argparse
import signal
from types import FrameType
from typing import NoReturn

from hems import HemsError, settings
from hems.cli import whole
from hems.lock import appliance_lock
from hems.settings import FEWEST_PULSES, MOST_PULSES
from hems.zigbee.pairing.joined import Request
from hems.zigbee.pairing.naming import NAME
from hems.zigbee.pairing.pair import pair
from hems.zigbee.pairing.search import METER

SECONDS = 240
MOST_SECONDS = 254  # that Zigbee knows; 255 would be for ever
RESERVED = ("hems",)  # the appliance's own entities begin with it


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--name",
        type=_name,
        default=METER,
        help="pair a device other than the house's meter: heat_pump gives sensor.heat_pump_…",
    )
    parser.add_argument(
        "--seconds",
        type=whole(1, MOST_SECONDS),
        default=SECONDS,
        help=f"how long joining stays open, 1 to {MOST_SECONDS} (default %(default)s)",
    )
    parser.add_argument(
        "--pulses",
        type=whole(FEWEST_PULSES, MOST_PULSES),
        help="flashes of the meter's LED per kWh, as printed on the meter (imp/kWh), "
        f"{FEWEST_PULSES} to {MOST_PULSES}; default for the house's meter: the site's setting",
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="replace the device that has the name with the new one; its history continues",
    )
    parser.add_argument(
        "--no-energy",
        action="store_true",
        help="don't add it to Energy's individual devices, as it measures the whole house",
    )


def run(options: argparse.Namespace) -> int:
    """Pair one device; 0 when it has joined, has its names and reports."""
    signal.signal(signal.SIGTERM, _end)  # joining is closed then, as after Ctrl-C
    appliance = settings.appliance()
    if not appliance.features.zigbee:
        raise HemsError(
            "This site has no Zigbee: set hems_zigbee_enabled and run the whole playbook."
        )
    request = Request(
        name=options.name,
        seconds=options.seconds,
        replace=options.replace,
        in_energy=not options.no_energy,
        pulses=options.pulses,
    )
    with appliance_lock(appliance.paths.lock, "pairing"):
        pair(appliance, request, _say)
    return 0


def _say(line: str) -> None:
    print(line, flush=True)  # somebody watches it, also through a pipe


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _name(text: str) -> str:
    if not NAME.fullmatch(text) or text.split("_", maxsplit=1)[0] in RESERVED:
        raise argparse.ArgumentTypeError(
            f"'{text}' must begin with a letter, have only a-z, 0-9 and _, at most 31 characters, "
            f"and not begin with {' or '.join(RESERVED)}"
        )
    return text
