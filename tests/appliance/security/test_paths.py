"""Who may write what: every path of ours, and what is above it."""

from __future__ import annotations

import json
from typing import Any

import pytest

# Walks the tops given as arguments and prints what breaks a rule, a line each, and a count.
WALK = """
import contextlib, json, os, stat, sys
wrong, seen = [], 0

def closed(path):  # nobody but root can put something else in its place
    while path != "/":
        path = os.path.dirname(path)
        found = os.stat(path)
        group = found.st_mode & 0o020 and found.st_gid != 0
        if found.st_uid != 0 or group or found.st_mode & 0o002 and not found.st_mode & stat.S_ISVTX:
            return path

def look(path):
    global seen
    seen += 1
    found = os.lstat(path)
    if stat.S_ISLNK(found.st_mode) or stat.S_ISSOCK(found.st_mode):
        return
    if found.st_mode & 0o002:
        wrong.append(f"{path}: everybody may write it ({oct(found.st_mode)})")
    if found.st_mode & 0o6000 and stat.S_ISREG(found.st_mode):
        wrong.append(f"{path}: runs with other rights than its caller's")
    if found.st_uid == 0 and (above := closed(path)):
        wrong.append(f"{path} is root's, and {above} is not")

for top in sys.argv[1:]:
    if not os.path.lexists(top):
        continue
    look(top)
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            with contextlib.suppress(FileNotFoundError):  # it came and went
                look(os.path.join(folder, name))
print(json.dumps([seen, wrong]))
"""

SYSTEM = (
    "/etc/hems /etc/nginx /etc/mosquitto /etc/influxdb /etc/polkit-1 /etc/systemd /etc/apt "
    "/etc/tmpfiles.d /etc/sysusers.d /etc/sysctl.d /usr/local "
    "/var/log/nginx /var/log/mosquitto /var/log/influxdb /var/log/home-assistant /run/hems-leds "
    "/var/lib/hass-configurator /var/lib/nginx"
)


@pytest.fixture(scope="module")
def tops(site: dict[str, Any]) -> list[str]:
    """The directories of ours."""
    ours = [value for name, value in site.items() if name.startswith("hems_path_")]
    return sorted({*ours, *SYSTEM.split()})


def test_nobody_writes_where_root_reads(pi: Any, tops: list[str]) -> None:
    seen, wrong = json.loads(pi.check_output(f"python3 -c %s {' '.join(tops)}", WALK))
    print(f"{seen} paths below {len(tops)} directories")
    assert seen > 1000
    assert wrong == []


@pytest.mark.parametrize(
    ("name", "owners", "mode"),
    [
        ("hems_path_etc", "root:root", 0o755),
        ("hems_path_secrets", "root:root", 0o700),
        ("hems_path_root_run", "root:hems", 0o2755),
        ("hems_path_lock", "root:hems", 0o640),
        ("hems_path_zigbee_backups", "root:root", 0o700),
        ("hems_path_state", "hems:hems", 0o755),
        ("hems_path_run", "hems:hems", 0o755),
        ("hems_path_home_assistant_config", "homeassistant:homeassistant", 0o750),
        ("hems_path_influxdb", "influxdb:influxdb", 0o750),
        ("hems_path_mosquitto", "mosquitto:mosquitto", 0o700),
    ],
)
def test_each_directory_is_its_owners(
    pi: Any, site: dict[str, Any], name: str, owners: str, mode: int
) -> None:
    found = pi.file(site[name])
    assert f"{found.user}:{found.group}" == owners
    assert found.mode & ~mode == 0, f"{oct(found.mode)} opens more than {oct(mode)}"


@pytest.mark.parametrize(
    "user", ["hems-leds", "hems", "nobody", "www-data", "mosquitto", "influxdb"]
)
def test_no_other_service_reads_what_home_assistant_keeps(
    pi: Any, site: dict[str, Any], user: str
) -> None:
    config = site["hems_path_home_assistant_config"]
    for path in (config, site["hems_path_secrets"], site["hems_path_zigbee_backups"]):
        assert pi.run(f"runuser -u {user} -- ls {path}").rc != 0
