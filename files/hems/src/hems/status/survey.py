"""Look at the box: units, probes, certificates, lock, disk."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from hems import lock, probes, release, services, systemd
from hems.health import store
from hems.settings import Appliance
from hems.status.core import Disk, Observation, Port, Service
from hems.systemd import MISSING

Part = tuple[str, str, probes.Question | None]


def parts(entries: Mapping[str, services.Entry], name: str) -> list[Part]:
    """Return title, unit and probe of every part, and of every way in; ``name``: <host>.local."""
    listed = [entry for entry in entries.values() if entry.listed]
    inside = [(entry.title, entry.unit, probes.question(entry.probe, name)) for entry in listed]
    return inside + [
        (
            entry.outside.title,
            entries.get(entry.outside.through, entry).unit,
            probes.question(entry.outside.probe, name),
        )
        for entry in listed
        if entry.outside
    ]


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


def observe(appliance: Appliance, found: services.Found) -> Observation:
    """Look at everything once, at all of it at the same time; takes one time-out at most.

    Raises HemsError when systemd or the lock can't be asked.
    """
    host = appliance.site.hostname
    what = parts(found.entries, f"{host}.local")
    served = [one.certificate for one in found.entries.values() if one.certificate]
    optional = {one.title for one in found.entries.values() if one.optional}
    ca = appliance.paths.tls / "ca.crt"
    with ThreadPoolExecutor(max_workers=len(what) + len(served) + 1) as pool:
        answers = [pool.submit(probe) if probe else None for _, _, probe in what]
        shown = [pool.submit(probes.certificate, one, host, ca) for one in served]
        units = systemd.units(unit for _, unit, _ in what)
        addresses = _addresses()
        parts_seen = (
            Service(title, units[unit], answer.result() if answer else None)
            for (title, unit, _), answer in zip(what, answers, strict=True)
        )
        return Observation(
            version=release(),
            site=appliance.site.name,
            url=f"{appliance.url}/",
            now=time.time(),
            services=tuple(
                one for one in parts_seen if one.unit.load != MISSING or one.name not in optional
            ),
            ports=tuple(
                Port(one.name, one.port, future.result())
                for one, future in zip(served, shown, strict=True)
            ),
            broken=found.problems,
            disk=_disk(str(appliance.paths.state)),
            addresses=addresses,
            lock=lock.holder(appliance.paths.lock),
            health=store.read(appliance.paths.run / store.FILE, time.monotonic()),
        )
