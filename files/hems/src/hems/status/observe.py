"""Look at the box: units, probes, certificates, lock, disk."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from hems import lock, probes, release, systemd
from hems.health import store
from hems.settings import Appliance
from hems.status.core import Disk, Observation, Port, Service

Part = tuple[str, str, Callable[[], probes.Answer] | None]


def parts(appliance: Appliance) -> list[Part]:
    """Return name, unit and probe of every part that this site has."""
    units, ports = appliance.units, appliance.ports
    found: list[Part] = [
        ("MQTT broker", units.mosquitto, lambda: probes.mqtt(ports.mqtt)),
        ("InfluxDB", units.influxdb, lambda: probes.influxdb(ports.influxdb)),
        (
            "Home Assistant",
            units.home_assistant,
            lambda: probes.home_assistant(ports.home_assistant),
        ),
    ]
    if appliance.features.configurator:
        editor = ports.configurator
        found.append(("File editor", units.configurator, lambda: probes.configurator(editor)))
    name = f"{appliance.site.hostname}.local"
    found.append(("Door", units.nginx, lambda: probes.door(ports.http)))
    found.append(("Log-in", units.door_login, lambda: probes.door_login(ports.door_login)))
    behind = partial(probes.through_door, ports.https, name)
    found.append(("Through the door", units.nginx, behind))
    if appliance.features.mqtt_lan:
        broker = partial(probes.mqtts, ports.mqtts, name)
        found.append(("MQTT by TLS", units.mosquitto, broker))
    found.append(("Certificate renewal", units.certificate_timer, None))
    return found


def parse_addresses(text: str) -> tuple[str, ...]:
    """Return the addresses in ``ip -json address`` that others can use: global and lasting."""
    return tuple(
        str(address["local"])
        for link in json.loads(text)
        for address in link.get("addr_info", [])
        if address.get("scope") == "global" and not address.get("temporary")
    )


def _addresses() -> tuple[str, ...]:
    command = ["ip", "-json", "address", "show", "up"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        return parse_addresses(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return ()  # shown as none; the probes tell whether anything is wrong


def _disk(path: str) -> Disk:
    seen = os.statvfs(path)
    size = seen.f_frsize
    return Disk(
        path=path,
        total=seen.f_blocks * size,
        used=(seen.f_blocks - seen.f_bfree) * size,
        free=seen.f_bavail * size,
    )


def observe(appliance: Appliance) -> Observation:
    """Look at everything once, at all of it at the same time; takes one time-out at most.

    Raises HemsError when systemd or the lock can't be asked.
    """
    what = parts(appliance)
    host, ports = appliance.site.hostname, appliance.ports
    served = [("the door", ports.https, b"")]
    if appliance.features.mqtt_lan:
        served.append(("the MQTT broker", ports.mqtts, probes.MQTT_CONNECT))
    ca = appliance.paths.tls / "ca.crt"
    with ThreadPoolExecutor(max_workers=len(what) + len(served)) as pool:
        answers = [pool.submit(probe) if probe else None for _, _, probe in what]
        shown = [
            pool.submit(probes.certificate, number, host, ca, greeting)
            for _, number, greeting in served
        ]
        units = systemd.units(unit for _, unit, _ in what)
        addresses = _addresses()
        return Observation(
            version=release(),
            site=appliance.site.name,
            url=f"{appliance.url}/",
            now=time.time(),
            services=tuple(
                Service(name, units[unit], answer.result() if answer else None)
                for (name, unit, _), answer in zip(what, answers, strict=True)
            ),
            ports=tuple(
                Port(name, number, future.result())
                for (name, number, _), future in zip(served, shown, strict=True)
            ),
            disk=_disk(str(appliance.paths.state)),
            addresses=addresses,
            lock=lock.holder(appliance.paths.lock),
            health=store.read(appliance.paths.run / store.FILE, time.monotonic()),
        )
