"""A machine has a clock of its own, unlike a container: the house's router tells it the time.

It tells the machine's own, which QEMU sets by the clock of the machine outside. What counts is that
systemd-timesyncd hears from a server, for which Home Assistant waits and `hems status` looks.
"""

from __future__ import annotations

from tests.virtual.pi import service
from tests.virtual.pi.machine import Pi

ROUTER = "198.18.0.1"  # see tests/virtual/pi/recipe/house
SETTINGS = "/etc/systemd/timesyncd.conf.d/virtual-pi.conf"
UNIT_TEXT = f"""\
[Unit]
Description=The time server of the house that the virtual Pi stands in
BindsTo=virtual-pi-house.service
After=virtual-pi-house.service

[Service]
NetworkNamespacePath=/run/netns/house
Environment=PYTHONPATH=/opt/virtual-ntp PYTHONDONTWRITEBYTECODE=1
ExecStart=/usr/bin/python3 -m tests.virtual.ntp {ROUTER}
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
"""
SERVER = service.Simulator(
    "virtual-ntp.service", UNIT_TEXT, "/opt/virtual-ntp", ("tests/virtual/ntp",)
)


def install(pi: Pi) -> None:
    """Have a time server on the cable, which systemd-timesyncd asks. Raises Failure."""
    service.install(pi, "time server", SERVER)
    ask = f"mkdir -p {SETTINGS.rpartition('/')[0]} && printf '[Time]\\nNTP={ROUTER}\\n' >{SETTINGS}"
    unit = "systemd-timesyncd.service"
    again = f"if systemctl --quiet is-active {unit}; then systemctl restart {unit}; fi"
    # Before the first play it is not there: that installs and starts it.
    pi.run("sh", "-c", f"{ask} && {again}", doing="have it ask the house's time server")
