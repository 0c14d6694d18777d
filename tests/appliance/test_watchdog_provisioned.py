"""What the box set up and somebody took away or changed is named within two minutes."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from tests.appliance.home_assistant_client import Converge, HomeAssistant
from tests.appliance.watchdog_box import COMPRESSED, Watchdog, until

pytest_plugins = "tests.appliance.home_assistant_fixtures"
pytestmark = pytest.mark.journal("hems-watchdog", "home-assistant")

UNIT = "home-assistant.service"


@pytest.fixture(scope="module")
def watchdog(pi: Any, site: dict[str, Any], home_assistant: HomeAssistant) -> Generator[Watchdog]:
    home_assistant.wait_until_ready()
    box = Watchdog(pi, site)
    with box.set(**COMPRESSED):
        assert until(lambda: not {"home_assistant_down", "door_blocked"} & box.codes())
        yield box


def is_open(box: Watchdog, *key: str) -> bool:
    return key in box.issues()


def test_lost_entries_are_named_and_the_next_play_gives_them_back(
    watchdog: Watchdog, home_assistant: HomeAssistant, converge: Converge
) -> None:
    for domain in ("influxdb", "mqtt"):
        listed = home_assistant.get(f"/api/config/config_entries/entry?domain={domain}")
        path = f"/api/config/config_entries/entry/{listed[0]['entry_id']}"
        assert home_assistant.http.request("DELETE", path, token=home_assistant.token)[0] == 200
    for domain in ("influxdb", "mqtt"):
        assert until(partial(is_open, watchdog, "integration_missing", domain))
    converge()
    home_assistant.wait_until_ready()
    assert until(lambda: "integration_missing" not in watchdog.codes())


def test_a_renamed_entity_is_named_with_its_present_name(
    watchdog: Watchdog, home_assistant: HomeAssistant
) -> None:
    old, new = "sensor.hems_power", "sensor.leistung_des_hauses"
    rename = "config/entity_registry/update"
    home_assistant.call(rename, entity_id=old, new_entity_id=new)
    try:
        assert until(partial(is_open, watchdog, "entity_missing", old))
        assert until(lambda: new in watchdog.issues()["entity_missing", old]["detail"], 30)
    finally:
        home_assistant.call(rename, entity_id=new, new_entity_id=old)
    assert until(lambda: "entity_missing" not in watchdog.codes())


@contextmanager
def http_settings(pi: Any, site: dict[str, Any], **trial: Any) -> Iterator[None]:
    """Start Home Assistant with other HTTP settings on trial, as a restored backup brings them."""
    file = f"{site['hems_path_home_assistant_config']}/.storage/http"
    pi.check_output(f"systemctl stop {UNIT} && cp -a {file} {file}.kept")
    document = json.loads(pi.file(file).content_string)
    document["data"]["pending"] = document["data"]["stable"] | trial
    pi.run_expect([0], f"cat > {file} <<'END'\n{json.dumps(document)}\nEND")
    pi.check_output(f"systemctl start {UNIT}")
    try:
        yield
    finally:
        pi.check_output(f"systemctl stop {UNIT} && mv {file}.kept {file}; systemctl start {UNIT}")


def test_a_foreign_backups_port_is_named_and_the_play_cures_it(
    pi: Any, site: dict[str, Any], watchdog: Watchdog, converge: Converge
) -> None:
    foreign = {"server_host": ["0.0.0.0"], "server_port": 8124, "use_x_forwarded_for": False}
    with http_settings(pi, site, **foreign):
        assert until(partial(is_open, watchdog, "port_open", UNIT))
        assert "0.0.0.0:8124" in watchdog.issues()["port_open", UNIT]["detail"]
        converge()
        assert until(lambda: "port_open" not in watchdog.codes())
        assert pi.socket(f"tcp://127.0.0.1:{site['hems_port_home_assistant']}").is_listening


def test_what_only_the_door_meets_is_named(
    pi: Any, site: dict[str, Any], watchdog: Watchdog
) -> None:
    with http_settings(pi, site, use_x_forwarded_for=False):
        # At first the door may say that Home Assistant is still starting.
        assert until(
            lambda: (
                "answers 400" in watchdog.issues().get(("door_blocked", ""), {}).get("detail", "")
            )
        )
        assert pi.run("hems status").rc == 1
    assert until(lambda: "door_blocked" not in watchdog.codes())


def test_a_helper_that_failed_is_named(pi: Any, watchdog: Watchdog) -> None:
    drop_in = "/run/systemd/system/hems-tls.service.d"
    pi.check_output(f"mkdir -p {drop_in}")
    text = "[Service]\nExecStart=\nExecStart=false\n"
    pi.check_output("printf %s > %s", text, f"{drop_in}/zz-test.conf")
    pi.check_output("systemctl daemon-reload")
    try:
        assert pi.run("systemctl start hems-tls").rc
        assert until(partial(is_open, watchdog, "helper_failed", "hems-tls.service"))
        assert "hems-tls.service" in pi.check_output("hems status")
    finally:
        pi.check_output(f"rm -r {drop_in}; systemctl daemon-reload; systemctl start hems-tls")
    assert until(lambda: "helper_failed" not in watchdog.codes())


def test_the_boxs_name_comes_back(pi: Any, watchdog: Watchdog) -> None:
    known = len(watchdog.actions())
    pi.check_output("systemctl kill --signal=KILL avahi-daemon")
    assert until(lambda: pi.service("avahi-daemon").is_running)
    assert until(lambda: "name_down" not in watchdog.codes())
    assert [line for line in watchdog.actions()[known:] if "avahi-daemon" in line]


def test_what_a_crash_cost_is_told(pi: Any, watchdog: Watchdog) -> None:
    known = len(watchdog.lines())
    pi.check_output("systemctl kill --signal=KILL influxdb")
    assert until(lambda: "| gap | influxdb.service |" in "\n".join(watchdog.lines()[known:]))
    assert "readings were lost while influxdb.service was down" in pi.check_output("hems why")
