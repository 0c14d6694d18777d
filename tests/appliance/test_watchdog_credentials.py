"""Without credentials or settings the watchdog goes on and says so; no box is rebooted for it."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from tests.appliance.home_assistant_client import Converge, HomeAssistant, this_pi, tunnel
from tests.appliance.watchdog_box import COMPRESSED, UNIT, Watchdog, booted, until
from tests.virtual.pi import play

pytest_plugins = "tests.appliance.home_assistant_fixtures"
pytestmark = pytest.mark.journal("hems-watchdog", "hems-watchdog-failed")

CREDENTIALS = {
    "mqtt_hems": "the MQTT broker",
    "influxdb_token_hems": "InfluxDB",
    "home_assistant_token": "Home Assistant",
}


@pytest.fixture(scope="module")
def watchdog(pi: Any, site: dict[str, Any]) -> Generator[Watchdog]:
    box = Watchdog(pi, site)
    with box.set(**COMPRESSED):
        assert until(lambda: not {"health_blind", "home_assistant_down"} & box.codes())
        yield box


@contextmanager
def away(pi: Any, *paths: str) -> Iterator[None]:
    """Files are somewhere else for a while."""
    for path in paths:
        pi.check_output("mv %s %s.away", path, path)
    try:
        yield
    finally:
        for path in paths:
            pi.check_output("mv %s.away %s", path, path)


def blind(box: Watchdog) -> set[str]:
    return {subject for code, subject in box.issues() if code == "health_blind"}


def report(pi: Any, box: Watchdog) -> float:
    """When the last report was written; each round writes one."""
    return float(json.loads(pi.file(box.health).content_string)["monotonic"])


def is_newer(pi: Any, box: Watchdog, before: float) -> bool:
    return report(pi, box) > before


def failures(pi: Any) -> str:
    """How often systemd had to start it again."""
    return str(pi.check_output(f"systemctl show -P NRestarts {UNIT}"))


@pytest.mark.parametrize("names", [[name] for name in CREDENTIALS] + [list(CREDENTIALS)])
def test_a_missing_credential_is_named_and_stops_nothing(
    pi: Any, site: dict[str, Any], watchdog: Watchdog, names: list[str]
) -> None:
    known = watchdog.actions()
    with away(pi, *(f"{site['hems_path_secrets']}/{name}" for name in names)):
        assert until(lambda: blind(watchdog) == {CREDENTIALS[name] for name in names}, 30)
        pi.check_output(f"systemctl restart {UNIT}")
        assert pi.service(UNIT).is_running
        assert until(lambda: blind(watchdog) == {CREDENTIALS[name] for name in names}, 30)
        assert "playbook" in watchdog.issues()["health_blind", CREDENTIALS[names[0]]]["cure"]
    assert until(lambda: not blind(watchdog), 30)
    assert (failures(pi), watchdog.actions()) == ("0", known)


def test_a_play_may_start_it_as_often_as_it_likes(pi: Any, watchdog: Watchdog) -> None:
    known = watchdog.actions()
    for _ in range(6):
        pi.check_output(f"systemctl restart {UNIT}")
    assert pi.service(UNIT).is_running and watchdog.actions() == known


@pytest.mark.parametrize("name", ["hems.toml", "watchdog.toml"])
@pytest.mark.parametrize("edit", ["rm %s", "truncate --size=0 %s", "echo 'x = [' >> %s"])
def test_settings_that_cannot_be_used_are_named_and_stop_nothing(
    pi: Any, site: dict[str, Any], watchdog: Watchdog, name: str, edit: str
) -> None:
    known, file = watchdog.actions(), f"{site['hems_path_etc']}/{name}"
    pi.check_output("cp -a %s %s.kept", file, file)
    try:
        pi.check_output(edit, file)
        # Named while it runs, and after a start, which then goes on with those of before.
        for _ in range(2):
            assert until(lambda: "settings_broken" in watchdog.codes(), 30)
            assert name in watchdog.issues()["settings_broken", ""]["detail"]
            written = report(pi, watchdog)
            pi.check_output(f"systemctl restart {UNIT}")
            assert until(partial(is_newer, pi, watchdog, written), 30)
        assert pi.service(UNIT).is_running
    finally:
        pi.check_output("mv %s.kept %s", file, file)
    # No hand is needed once the file is good.
    assert until(lambda: not {"settings_broken", "watchdog_silent"} & watchdog.codes(), 60)
    assert watchdog.actions() == known


def site_yml() -> subprocess.CompletedProcess[str]:
    """Run the whole playbook."""
    return play.run(this_pi(), str(play.SITE))


@pytest.fixture
def locked_out(
    pi: Any, site: dict[str, Any], secret: Callable[[str], str], converge: Converge
) -> Iterator[None]:
    """The owner has changed the password and deleted the box's token; the broker's is gone too."""
    old, new = secret("owner_password"), f"chosen by the owner {secrets.token_hex(4)}"
    directory = site["hems_path_secrets"]
    with tunnel(this_pi(), site["hems_port_home_assistant"]) as port:
        client = HomeAssistant(port, secret("home_assistant_token"))
        client.wait_until_ready()
        change = "config/auth_provider/homeassistant/change_password"
        client.call(change, current_password=old, new_password=new)
        access, _ = client.http.tokens(client.http.log_in(site["hems_owner_username"], new))
        for item in client.call_as(access, "auth/refresh_tokens"):
            if (item["client_name"] or "").startswith("hems-provision"):
                client.call_as(access, "auth/delete_refresh_token", refresh_token_id=item["id"])
        pi.check_output("rm %s/mqtt_hems", directory)
        yield
        client.call_as(access, change, current_password=new, new_password=old)
        pi.check_output("rm -f %s/home_assistant_login_refused", directory)
        converge()  # makes a new token
        client.token = secret("home_assistant_token")
        # The notification of a wrong log-in was the test's.
        client.service("persistent_notification", "dismiss_all")


def test_the_whole_playbook_goes_through_without_a_token_and_no_box_is_rebooted(
    pi: Any, site: dict[str, Any], watchdog: Watchdog, locked_out: None
) -> None:
    assert locked_out is None
    known, before = watchdog.actions(), booted(pi)
    done = site_yml()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not managed: the owner has changed the password" in " ".join(
        (done.stdout + done.stderr).split()
    )
    # The box is as it was, less the one token that only the owner can give.
    assert until(lambda: blind(watchdog) == {"Home Assistant"})
    assert pi.run("hems status").rc == 0
    assert pi.file(f"{site['hems_path_secrets']}/mqtt_hems").exists
    assert (failures(pi), watchdog.actions(), booted(pi)) == ("0", known, before)
