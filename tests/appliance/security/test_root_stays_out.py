"""Whoever runs code as Home Assistant's user stays that user: root follows none of its links."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

RunModule = Callable[..., dict[str, Any]]

HOME = "/var/lib/hems-attack"
ROOT = "/opt/hems-attack"
UNIT = "hems-attack.service"
TARGET = "/etc/hems-attack.d"  # as good as /etc/apt/apt.conf.d, which runs commands as root

# What an owner's integration may do while it is only being checked: leave its sandbox, and put a
# link where the play is about to write.
INTEGRATION = f"""
import os, pathlib
home = pathlib.Path("{HOME}")
status = pathlib.Path("/proc/self/status").read_text()
(home / "status").write_text(status)
try:
    pathlib.Path("/var/tmp/hems-attack").write_text("out of the sandbox")
except OSError:
    pass
storage = home / ".storage"
if not storage.is_symlink():
    storage.rename(home / "storage.mine")
    storage.symlink_to("{TARGET}")
def setup(hass, config):
    return True
"""

MANIFEST = {"domain": "hems_attack", "name": "x", "version": "1.0", "dependencies": []}


@pytest.fixture
def home(pi: Any, site: dict[str, Any]) -> Iterator[str]:
    """A second Home Assistant's directory, unit and root, and a directory of root's to aim at."""
    real, config = site["hems_path_home_assistant"], site["hems_path_home_assistant_config"]
    pi.check_output(
        f"install -d -o homeassistant -g homeassistant {HOME} {HOME}/.storage "
        f"{HOME}/custom_components {HOME}/custom_components/hems_attack "
        f"&& install -d {ROOT} {TARGET} && ln -sfn {real}/current/ {ROOT}/current "
        f"&& cp {real}/check_config.py {ROOT}/ && sed -e 's#{config}#{HOME}#g' "
        f"-e 's#^ExecStart=.*#ExecStart=/usr/bin/sleep infinity#' "
        f"/etc/systemd/system/home-assistant.service > /etc/systemd/system/{UNIT}"
    )
    for name, text in {
        "__init__.py": INTEGRATION,
        "manifest.json": json.dumps(MANIFEST),
    }.items():
        pi.check_output(f"printf %s > {HOME}/custom_components/hems_attack/{name}", text)
    pi.check_output(f"printf 'hems_attack:\\n' > {HOME}/configuration.yaml")
    yield HOME
    pi.run("systemctl disable --now %s", UNIT)
    pi.check_output(
        f"rm -rf {HOME} {ROOT} {TARGET} /var/tmp/hems-attack /etc/systemd/system/{UNIT} "
        f"/var/lib/hems-units/{UNIT} && systemctl daemon-reload"
    )


def play(run_module: RunModule) -> dict[str, Any]:
    """Do what the play does with Home Assistant's storage."""
    return run_module(
        "home_assistant_service",
        {
            "unit": UNIT,
            "user": "homeassistant",
            "owner": "owner",
            "directory": HOME,
            "root": ROOT,
            "port": 1,
            "token_file": "/none",
            "depends_on": [f"{HOME}/configuration.yaml"],
            "entries": [],
        },
    )


def untouched(pi: Any) -> bool:
    """Whether the directory of root's is as it was made."""
    return bool(
        pi.check_output(f"find {TARGET} -mindepth 1 | wc -l") == "0"
        and pi.file(TARGET).user == "root"
        and pi.file(TARGET).mode == 0o755
    )


def test_a_link_in_place_of_the_storage_leads_nowhere(
    pi: Any, home: str, run_module: RunModule
) -> None:
    result = play(run_module)
    assert pi.file(f"{home}/.storage").is_symlink, f"the integration was never imported: {result}"
    assert untouched(pi), pi.check_output(f"ls -la {TARGET}")
    assert "Permission denied" in result["msg"], result
    assert "\n" not in result["msg"]


def test_what_is_checked_is_in_the_services_sandbox(
    pi: Any, home: str, run_module: RunModule
) -> None:
    result = play(run_module)
    status = dict(
        line.split(":\t", 1)
        for line in pi.check_output(f"cat {home}/status").splitlines()
        if ":\t" in line
    )
    assert not pi.file("/var/tmp/hems-attack").exists, result
    uid = pi.check_output("id -u homeassistant")
    assert status["Uid"].split() == [uid] * 4
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert int(status["CapBnd"], 16) == 0


def test_a_link_in_place_of_a_directory_of_ours_leads_nowhere(
    pi: Any, home: str, run_module: RunModule
) -> None:
    pi.check_output(f"ln -s {TARGET} {home}/packages")
    result = run_module(
        "home_assistant_config",
        {
            "directory": home,
            "user": "homeassistant",
            "memory": f"{ROOT}/written.json",
            "directories": ["packages/made"],
            "ours": {"packages/hems.yaml": "a: 1\n"},
            "theirs": {"packages/site.yaml": "{}\n"},
        },
    )
    assert untouched(pi), pi.check_output(f"ls -la {TARGET}")
    assert "Permission denied" in result["msg"], result


def test_a_file_of_roots_behind_a_link_is_not_read(
    pi: Any, home: str, run_module: RunModule
) -> None:
    pi.check_output(f"ln -s /etc/shadow {home}/configuration.yaml.link")
    result = run_module(
        "home_assistant_config",
        {
            "directory": home,
            "user": "homeassistant",
            "memory": f"{ROOT}/written.json",
            "ours": {"configuration.yaml.link": "a: 1\n"},
        },
        "--diff",
    )
    assert "root:" not in json.dumps(result)
    assert "Permission denied" in result["msg"], result


@pytest.fixture
def planted(pi: Any, site: dict[str, Any]) -> Iterator[str]:
    """Links where the daemons' user may put them; root's file behind one reads as a log."""
    state, run = site["hems_path_state"], site["hems_path_run"]
    pi.check_output(f"install -d {TARGET} && install -m 600 /dev/null {TARGET}/secret")
    pi.check_output(f"printf 'then | restart | SECRET | x | y\\n' > {TARGET}/secret")
    pi.check_output(
        f"test ! -e {state}/restart-log.txt.1 || mv {state}/restart-log.txt.1 {state}/kept; "
        f"setpriv --reuid=hems --regid=hems --clear-groups sh -c "
        f"'ln -s {TARGET}/secret {state}/restart-log.txt.1 && "
        f"ln -sf {TARGET}/lock {run}/zigbee.lock && ln -sf {TARGET}/json {run}/zigbee.json'"
    )
    yield TARGET
    pi.check_output(
        f"rm -rf {TARGET} {run}/zigbee.lock {run}/zigbee.json {state}/restart-log.txt.1; "
        f"test ! -e {state}/kept || mv {state}/kept {state}/restart-log.txt.1"
    )


def test_the_command_follows_no_link_of_the_daemons(pi: Any, planted: str) -> None:
    why = pi.run("hems why")
    assert "SECRET" not in why.stdout
    assert why.stderr.startswith("hems: The restart log can't be read ([Errno 13]")
    pi.run("hems zigbee adopt")
    assert pi.check_output(f"ls {planted}") == "secret"


def test_nobody_but_root_and_the_daemons_can_hold_the_lock(pi: Any, site: dict[str, Any]) -> None:
    lock = site["hems_path_lock"]
    refused = pi.run(f"runuser -u nobody -- flock --nonblock {lock} true")
    assert refused.rc != 0
    assert "Permission denied" in refused.stderr
    assert json.loads(pi.run("runuser -u nobody -- hems status --json").stdout)["lock"] is None
    assert json.loads(pi.run("hems status --json").stdout)["lock"] is None
    pi.check_output(f"systemd-run --quiet --unit=hems-attack-lock flock {lock} sleep 60")
    try:
        seen = json.loads(pi.run("runuser -u nobody -- hems status --json").stdout)["lock"]
        assert seen["work"] == "work that 'sudo hems status' names"
    finally:
        pi.check_output("systemctl stop hems-attack-lock")
