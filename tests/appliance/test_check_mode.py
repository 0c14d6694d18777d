"""--check --diff works, changes nothing and shows what a run would change."""

from __future__ import annotations

import json
from typing import Any

from tests.appliance.home_assistant_client import this_pi
from tests.virtual.pi import play, up
from tests.virtual.pi.machine import Pi

SITE = "playbooks/site.yml"


def check(pi: Pi, variables: dict[str, Any]) -> str:
    """Play site.yml on a Pi with --check --diff, as `run.sh play` does; return what it said."""
    run = play.run(pi, SITE, "--check", "--diff", f"--extra-vars={json.dumps(variables)}")
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def changed(said: str) -> set[str]:
    """Return the names of the tasks that would change something."""
    tasks = said.split("TASK [")[1:]
    return {task.split("]", 1)[0] for task in tasks if "changed: [" in task}


def test_a_check_shows_a_new_device_a_new_name_and_the_editor_switched_on(
    pi: Any, site: dict[str, Any]
) -> None:
    box = this_pi()
    pi.check_output("systemctl disable --now hass-configurator")
    try:
        before = pi.check_output("ls -lR --time-style=full-iso /etc/hems /etc/mosquitto; hostname")
        said = check(
            box,
            {
                "hems_mqtt_devices": [*site["hems_mqtt_devices"], "kettle"],
                "hems_hostname": "another-name",
            },
        )
        after = pi.check_output("ls -lR --time-style=full-iso /etc/hems /etc/mosquitto; hostname")
    finally:
        pi.check_output("systemctl enable --now hass-configurator")
    assert after == before
    assert {
        "base : Name the host",
        "base : Give the box its secrets",
        "mosquitto : Keep one account a client",
        "configurator : Run it as one of the box's services, or take it off the box",
        "hems : Write settings, units and what the daemons may do",
    } <= changed(said)
    assert "+user kettle, a new password" in said
    assert '+hostname = "another-name"' in said


def test_a_check_of_a_fresh_system_says_how_far_it_sees() -> None:
    fresh = Pi("fresh-check")
    up.create(fresh)
    try:
        said = check(fresh, {})
    finally:
        fresh.destroy()
    assert "This system has no appliance yet" in said
    assert {"base : Name the host", "base : Install what the system itself needs"} <= changed(said)
