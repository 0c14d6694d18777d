"""Ask a service as its entry says: from loopback, and without any credential of the box's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hems import probes, services
from hems.probes import Answer

Question = Callable[[], Answer]


def question(probe: services.Probe, name: str) -> Question | None:
    """Return what asks; None where only the unit's state can tell. ``name`` is <host>.local."""
    match probe:
        case services.Http():
            return partial(probes.http, probe.port, probe.path, probe.status, probe.body)
        case services.Https():
            return partial(probes.https, probe.port, name, probe.path, probe.status, probe.body)
        case services.Tcp():
            return partial(probes.tcp, probe.port)
        case services.Mqtt():
            return partial(probes.mqtt, probe.port)
        case services.Mqtts():
            return partial(probes.mqtts, probe.port, name)
        case services.Influxdb():
            return partial(probes.influxdb, probe.port)
        case services.Mdns():
            return partial(probes.named, name)
        case _:
            return None


def greeting(certificate: services.Certificate) -> bytes:
    """Return what is said on a port after its certificate was shown."""
    return probes.MQTT_CONNECT if certificate.protocol == "mqtt" else b""
