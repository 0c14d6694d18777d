"""Talking to systemd: the notification protocol, and what systemctl prints."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hems import systemd
from hems.systemd import SystemdError

SHOWN = """Id=mosquitto.service
LoadState=loaded
ActiveState=active
SubState=running
Result=success
NRestarts=2
UnitFileState=enabled
ActiveEnterTimestampMonotonic=61500000
InactiveExitTimestampMonotonic=60250000

Id=influxdb.service
LoadState=loaded
ActiveState=failed
SubState=failed
Result=exit-code
NRestarts=0
UnitFileState=enabled

Id=hems-tls.timer
LoadState=loaded
ActiveState=active
SubState=waiting
Result=success
UnitFileState=enabled

Id=nothing.service
LoadState=not-found
ActiveState=inactive
SubState=dead
Result=success
NRestarts=0
UnitFileState=
"""


def test_units_are_read_from_what_systemctl_prints() -> None:
    asked = []

    def run(arguments: list[str]) -> str:
        asked.append(arguments)
        return SHOWN

    names = ["mosquitto.service", "influxdb.service", "hems-tls.timer", "nothing.service"]
    units = systemd.units(names, run)
    assert asked[0][0] == "show" and asked[0][-4:] == names
    assert list(units) == names
    assert [unit.is_up for unit in units.values()] == [True, False, True, False]
    assert [str(unit) for unit in units.values()] == [
        "active (running)",
        "failed (failed, exit-code)",
        "active (waiting)",
        "not-found",
    ]
    assert units["mosquitto.service"].restarts == 2
    assert (units["mosquitto.service"].begun, units["mosquitto.service"].up_since) == (60.25, 61.5)
    assert units["influxdb.service"].begun == 0.0
    assert units["hems-tls.timer"].restarts == 0, "a timer has no such property"


def test_restart_gives_a_unit_that_gave_up_a_new_try() -> None:
    asked: list[list[str]] = []

    def run(arguments: list[str]) -> str:
        asked.append(arguments)
        return ""

    systemd.restart("influxdb.service", run)
    systemd.stop("influxdb.service", run)
    systemd.start("influxdb.service", run)
    systemd.reboot(run)
    verbs = ["reset-failed", "restart", "stop", "start", "reboot"]
    assert [arguments[0] for arguments in asked] == verbs


def test_a_refusal_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "systemctl"
    fake.write_text("#!/bin/sh\necho 'Access denied' >&2\nexit 4\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    for order in (systemd.restart, systemd.stop):
        with pytest.raises(SystemdError, match="failed: Access denied"):
            order("nginx.service")
    fake.unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemdError, match="systemd can't be asked"):
        systemd.units(["nginx.service"])


@pytest.fixture
def listener(tmp_path: Path) -> socket.socket:
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(str(tmp_path / "notify"))
    server.settimeout(5)
    return server


def test_notifications_reach_systemds_socket(
    listener: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with listener:
        assert systemd.ready("three probes")
        assert listener.recv(100) == b"READY=1\nSTATUS=three probes"
        assert systemd.feed_watchdog()
        assert listener.recv(100) == b"WATCHDOG=1"
        assert systemd.stopping()
        assert listener.recv(100) == b"STOPPING=1"


def test_an_abstract_socket_is_reached() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind("")  # the kernel chooses an abstract name
        name = server.getsockname().decode()
        assert systemd.notify("READY=1", environment={"NOTIFY_SOCKET": name.replace("\0", "@", 1)})
        assert server.recv(100) == b"READY=1"


def test_without_systemd_nothing_is_told() -> None:
    assert not systemd.notify("READY=1", environment={})
    with pytest.raises(SystemdError, match="can't be told 'READY=1'"):
        systemd.notify("READY=1", environment={"NOTIFY_SOCKET": "/nonexistent/notify"})


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_how_often_systemd_wants_to_be_fed(
    environment: dict[str, str], seconds: float | None
) -> None:
    assert systemd.watchdog_seconds(environment) == seconds
