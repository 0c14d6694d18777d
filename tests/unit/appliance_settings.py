"""An appliance's settings as role hems renders them, for every test that needs a box."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

GOOD = """
[site]
name = "Cottage"
hostname = "cottage"
ring = "early"
[accounts]
home_assistant = "owner"
door = "owner"
influxdb = "hems"
mqtt_devices = ["meter"]
mqtt_services = ["linky"]
[features]
mqtt_lan = true
zigbee = true
[internet]
targets = ["192.0.2.1", "192.0.2.2"]
[ports]
https = 10443
mqtt = 11883
mqtts = 18883
influxdb = 18086
home_assistant = 18123
door_login = 17999
[paths]
secrets = "/etc/hems/secrets"
tls = "/etc/hems/tls"
state = "/var/lib/hems"
run = "/run/hems"
root_run = "/run/hems-root"
lock = "/run/hems-root/hems.lock"
zigbee_backups = "/var/lib/hems-zigbee"
tls_problem = "/run/hems-tls/problem"
history = "/var/lib/hems-history"
update_problem = "/run/hems-root/update-problem"
notes = "/var/log/hems-files"
[mqtt]
discovery = "vetted"
[meter]
power = "sensor.meter_instantaneous_demand"
energy = "sensor.meter_summation_delivered"
pulses_per_kwh = 1000
[zigbee]
dongle = ""
backups = 3
[home_assistant]
unit = "home-assistant.service"
root = "/opt/home-assistant"
directory = "/var/lib/home-assistant"
user = "homeassistant"
"""

DIRECTORIES = {
    "state": "/var/lib/hems",
    "run": "/run/hems",
    "root_run": "/run/hems-root",
    "zigbee_backups": "/var/lib/hems-zigbee",
    "directory": "/var/lib/home-assistant",
}


def settled_in(top: Path) -> str:
    """Return the settings of a box whose directories are ``top``, its user the tests' own."""
    text = GOOD.replace('"/run/hems-root/hems.lock"', f'"{top}/lock"')
    for key, path in DIRECTORIES.items():
        text = text.replace(f'{key} = "{path}"', f'{key} = "{top}"')
    return text.replace('"homeassistant"', f'"{pwd.getpwuid(os.geteuid()).pw_name}"')
