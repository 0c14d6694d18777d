"""The watchdog's settings as role hems renders them, for its tests."""

from __future__ import annotations

from hems.settings import parse
from hems.watchdog.watchdog_settings import Watchdog

TEXT = """
dry_run = false
[services]
look = 30
look_again = 5
misses = 3
budget = 3
budget_time = 3600
kill_after = 20
start = 60
lock_patience = 7200
[internet]
activate = 120
restart = 600
reboot = [1800, 3600, 7200, 14400, 28800, 57600, 86400]
clear = 600
hotspot = 600
[release]
home_assistant = "/opt/home-assistant/current"
grace = 120
[health]
meter = "sensor.meter_power"
meter_silence = 600
open_ports = [21063]
disk_warning = 85
disk_critical = 95
temperature = 80
memory = 8
certificate_days = 14
hold_scale = 1
"""

SETTINGS = parse(TEXT, Watchdog, "watchdog.toml")
