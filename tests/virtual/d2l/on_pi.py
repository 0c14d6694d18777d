"""The simulated D2L dongle as a unit on a virtual Pi: `make up D2L=1`.

It connects to the door as a dongle in the house would, and draws what the household draws.
"""

from __future__ import annotations

import shlex

from tests.virtual.pi import inventory, service
from tests.virtual.pi.machine import Pi
from tests.virtual.zigbee import on_pi as zigbee

PACKAGES = ("tests/virtual/d2l", "tests/virtual/meter")
FOLDER = "/opt/virtual-d2l"
UNIT = "virtual-d2l.service"
NUMBER = "012345678901"  # inventory/virtual
INTERVAL = 10  # seconds; a real one sends about one a minute

_UNIT_TEXT = """\
[Unit]
Description=Simulated D2L dongle on a Linky meter
After=hems-d2l.service

[Service]
Environment=PYTHONPATH={folder}
Environment=PYTHONDONTWRITEBYTECODE=1
ExecStart={python} -m {command}
StateDirectory=virtual-d2l
Restart=always
RestartSec=5

[Install]
WantedBy=multi-user.target
"""


def unit() -> str:
    """Return the unit's text."""
    key = f"{inventory.value('hems_path_secrets')}/d2l_{NUMBER}"
    words = [
        *("tests.virtual.d2l", "--host", "127.0.0.1", "--port", str(inventory.port("d2l"))),
        *("--number", NUMBER, "--key-file", key, "--interval", str(INTERVAL)),
        *("--state-file", "/var/lib/virtual-d2l/counter", "--load-file", f"{zigbee.STATE}/load"),
    ]
    python = f"{inventory.value('hems_path_opt')}/current/bin/python"
    return _UNIT_TEXT.format(folder=FOLDER, python=python, command=shlex.join(words))


def install(pi: Pi) -> None:
    """Put the dongle on a converged Pi and run it. Raises Failure."""
    service.install(pi, "D2L dongle", service.Simulator(UNIT, unit(), FOLDER, PACKAGES))
