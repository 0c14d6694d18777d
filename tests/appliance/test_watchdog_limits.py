"""Where the watchdog stops, how it is watched itself, and what Home Assistant is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import pytest

from tests.appliance.watchdog_box import COMPRESSED, UNIT, Watchdog, until

pytestmark = pytest.mark.journal("hems-watchdog")

HOME_ASSISTANT = "home-assistant.service"
# Takes connections, as a Home Assistant whose event loop hangs does, and never says a word.
DEAF = """import socket, time
server = socket.create_server(("127.0.0.1", {port}))
while True:
    time.sleep(3600)
"""


@pytest.fixture(scope="module")
def watchdog(pi: Any, site: dict[str, Any]) -> Generator[Watchdog]:
    box = Watchdog(pi, site)
    with box.set(**COMPRESSED | {"start_home_assistant": 3}):
        assert until(lambda: "home_assistant_down" not in box.codes())
        yield box


@pytest.fixture
def drop_in(pi: Any) -> Generator[Callable[[str, str], None]]:
    """Gives a unit other settings until the test's end."""
    written = []

    def write(unit: str, text: str) -> None:
        directory = f"/run/systemd/system/{unit}.d"
        pi.check_output(f"mkdir -p {directory}")
        pi.run_expect([0], f"cat > {directory}/zz-test.conf <<'END'\n{text}\nEND")
        pi.check_output(f"systemctl daemon-reload; systemctl restart {unit}")
        written.append((unit, directory))

    yield write
    for unit, directory in written:
        pi.check_output(f"rm -r {directory}; systemctl daemon-reload")
        pi.check_output(f"systemctl reset-failed {unit}; systemctl restart {unit}")


def entity(pi: Any, site: dict[str, Any], name: str) -> dict[str, Any]:
    """Return an entity's state, from Home Assistant's own mouth."""
    url = f"http://127.0.0.1:{site['hems_port_home_assistant']}/api/states/{name}"
    token = f"{site['hems_path_secrets']}/home_assistant_token"
    # Put together on the Pi, so that the token is in no process list.
    header = f"printf 'header = \"Authorization: Bearer '; tr -d '\\n' < {token}; echo '\"'"
    ran = pi.run(f"{{ {header}; }} | curl --silent --max-time 5 --config - {url}")
    found: dict[str, Any] = json.loads(ran.stdout or "{}")
    return found


def main_pid(pi: Any) -> str:
    return str(pi.check_output(f"systemctl show -P MainPID {UNIT}"))


def test_home_assistant_shows_how_the_box_is(
    pi: Any, site: dict[str, Any], watchdog: Watchdog
) -> None:
    unit = "hass-configurator.service"

    def state(name: str) -> Any:
        return entity(pi, site, name).get("state")

    pi.check_output(f"systemctl stop {unit}")
    try:
        assert until(lambda: ("service_stopped", unit) in watchdog.issues(), 30)

        def listed() -> bool:
            shown = entity(pi, site, "sensor.hems_health").get("attributes", {})
            return "service_stopped" in {item["code"] for item in shown.get("issues", [])}

        assert until(listed, 30)
    finally:
        pi.check_output(f"systemctl start {unit}")
    assert until(lambda: not listed(), 30)
    assert state("sensor.hems_health") in {"ok", "notice", "warning", "critical"}
    assert state("binary_sensor.hems_problem") in {"on", "off"}


def test_a_home_assistant_that_listens_but_never_answers_is_given_up(
    pi: Any, site: dict[str, Any], watchdog: Watchdog, drop_in: Callable[[str, str], None]
) -> None:
    known = len(watchdog.actions())
    program = "/run/hems-deaf.py"
    text = DEAF.format(port=site["hems_port_home_assistant"])
    pi.run_expect([0], f"cat > {program} <<'END'\n{text}END")
    drop_in(HOME_ASSISTANT, f"[Service]\nExecStart=\nExecStart=/usr/bin/python3 {program}")
    assert until(lambda: ("service_given_up", HOME_ASSISTANT) in watchdog.issues())
    assert "home_assistant_down" in watchdog.codes()
    # Given up means that no fourth restart comes.
    assert not until(lambda: len(watchdog.actions()[known:]) > 3, 20)
    restarts = [line for line in watchdog.actions()[known:] if "| restart |" in line]
    assert len(restarts) == 3
    assert all("does not answer" in line for line in restarts)


def test_what_was_given_up_and_comes_back_is_well_again(watchdog: Watchdog) -> None:
    # The drop-in of the test before is gone.
    assert until(lambda: not {"service_given_up", "home_assistant_down"} & watchdog.codes())


def test_a_release_that_was_installed_and_does_not_run_is_started(
    pi: Any, site: dict[str, Any]
) -> None:
    root = site["hems_path_home_assistant"]
    version = pi.check_output(f"readlink {root}/current")
    box = Watchdog(pi, site)
    try:
        with box.set(**COMPRESSED | {"grace": 4}):
            assert until(lambda: "home_assistant_down" not in box.codes())
            known = len(box.actions())
            # The same release under the name of a later one: what runs can't be what is installed.
            pi.check_output(f"ln -s {version} {root}/9999.1.0; ln -sfn 9999.1.0 {root}/current")
            assert until(lambda: "home_assistant_version" in box.codes())
            assert until(lambda: box.actions()[known:])
            line = box.actions()[known]
            assert f"| restart | {HOME_ASSISTANT} | another version runs" in line
            assert f"{version} runs, 9999.1.0 is installed" in line
            written = pi.file(f"{site['hems_path_state']}/version.txt").content_string
            assert f"{version} runs, 9999.1.0 is installed" in written
            # A restart that did not help is not repeated for ever.
            assert not until(lambda: len(box.actions()) > known + 1, 25)
    finally:
        pi.check_output(f"ln -sfn {version} {root}/current; rm -f {root}/9999.1.0")
    assert until(lambda: "home_assistant_version" not in box.codes())


def test_in_a_dry_run_it_only_says_what_it_would_do(
    pi: Any, site: dict[str, Any], journal: Callable[[str], str]
) -> None:
    box = Watchdog(pi, site)
    # A line of TOML that the settings' file has anyway, with another value.
    with box.set(**COMPRESSED):
        pi.check_output(f"sed -i 's/^dry_run = false/dry_run = true/' {box.settings}")
        box.restart()
        known = len(box.actions())
        pi.check_output("systemctl kill --signal=STOP hass-configurator")
        try:
            words = "dry run, would restart hass-configurator.service: 3 misses in a row"
            assert until(lambda: words in journal(UNIT), 40)
            assert box.actions()[known:] == []
        finally:
            pi.check_output("systemctl kill --signal=CONT hass-configurator")


def test_a_watchdog_that_hangs_is_restarted(pi: Any, drop_in: Callable[[str, str], None]) -> None:
    drop_in(UNIT, "[Service]\nWatchdogSec=15")
    before = main_pid(pi)
    pi.check_output(f"systemctl kill --signal=STOP {UNIT}")
    assert until(lambda: main_pid(pi) not in ("0", before), 40)
    assert until(lambda: pi.check_output(f"systemctl show -P ActiveState {UNIT}") == "active", 20)


def test_a_watchdog_that_fails_too_often_gets_a_new_start_soon_after_boot(
    pi: Any, site: dict[str, Any]
) -> None:
    script = "/usr/local/sbin/hems-watchdog-failed"
    log = f"{site['hems_path_state']}/restart-log.txt"
    # Whatever this box's uptime, it shall not be rebooted here.
    edits = r"s/^sleep .*/sleep 2/; s/-ge [0-9]*/-ge 99999999/"
    pi.check_output(f"cp -a {script} {script}.kept && sed -i '{edits}' {script}")

    def is_new(gone: str) -> bool:
        return main_pid(pi) not in ("0", gone)

    try:
        pi.check_output(f"systemctl reset-failed {UNIT}; systemctl restart {UNIT}")
        for _ in range(3):
            before = main_pid(pi)
            pi.check_output(f"systemctl kill --signal=KILL {UNIT}")
            until(partial(is_new, before), 15)
        assert until(lambda: "failed three times in 10 min" in pi.file(log).content_string, 30)
        assert until(
            lambda: pi.check_output(f"systemctl show -P ActiveState {UNIT}") == "active", 30
        )
    finally:
        pi.check_output(f"mv {script}.kept {script}")
