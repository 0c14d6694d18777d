"""The simulated USB-TIC adapter as a unit on a virtual Pi: `make up TIC=1`.

A unit there, as a host's terminals are not its own. It draws what the household draws.
"""

from __future__ import annotations

import shlex

from tests.virtual.pi import inventory, service
from tests.virtual.pi.machine import Pi
from tests.virtual.zigbee import on_pi as zigbee

PACKAGES = ("tests/virtual/tic", "tests/virtual/d2l", "tests/virtual/meter")
FOLDER = "/opt/virtual-tic"
UNIT = "virtual-tic.service"
COUNTER = "/var/lib/virtual-tic/counter"

_UNIT_TEXT = """\
[Unit]
Description=Simulated USB-TIC adapter on a Linky meter

[Service]
Environment=PYTHONPATH={folder}
Environment=PYTHONDONTWRITEBYTECODE=1
ExecStart=/usr/bin/python3 -m {command}
StateDirectory=virtual-tic
Restart=always
RestartSec=5

[Install]
WantedBy=multi-user.target
"""


def unit() -> str:
    """Return the unit's text."""
    words = [
        *("tests.virtual.tic", "--link", inventory.value("hems_tic_device"), "--group", "dialout"),
        *("--state-file", COUNTER, "--load-file", f"{zigbee.STATE}/load"),
    ]
    return _UNIT_TEXT.format(folder=FOLDER, command=shlex.join(words))


def install(pi: Pi) -> None:
    """Plug the adapter into a converged Pi. Raises Failure."""
    service.install(pi, "USB-TIC adapter", service.Simulator(UNIT, unit(), FOLDER, PACKAGES))


def remove(pi: Pi) -> None:
    """Leave no trace of it. Raises Failure."""
    service.remove(pi, "USB-TIC adapter", service.Simulator(UNIT, unit(), FOLDER, PACKAGES))
