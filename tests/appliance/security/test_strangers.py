"""What a stranger can not do to Home Assistant: fill its log, have somebody locked out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.appliance.conftest import Door

pytestmark = pytest.mark.journal("home-assistant", "home-assistant-log")

FULL = 11 << 20  # bytes, more than the log may have
TRIES = 15  # Home Assistant's own threshold is ten


@pytest.fixture
def log(site: dict[str, Any]) -> str:
    """Home Assistant's log."""
    path: str = site["hems_path_home_assistant_log"]
    return path


def size(pi: Any, path: str) -> int:
    """Return a file's size in bytes."""
    return int(pi.file(path).size)


def test_refused_requests_are_no_lines_of_the_log(pi: Any, door: Door, log: str) -> None:
    before = size(pi, log)
    for path in ("/" + "a" * 4000 + "/..%2f..%2f", "/?q=" + "a" * 4000 + "%3Cscript%3E"):
        for _ in range(5):
            answer = door.session().get(door.url + path, timeout=10)
            assert answer.status_code == 400, path
    grown = size(pi, log) - before
    print(f"10 requests of 4000 letters, all refused; the log grew by {grown} bytes")
    assert grown < 4000


def test_a_log_that_has_grown_is_emptied_and_goes_on(pi: Any, log: str) -> None:
    as_owner = "runuser -u homeassistant --"
    pi.check_output(
        f"yes 'a line of the log' | head -c {FULL} | {as_owner} tee -a {log} >/dev/null"
    )
    pi.check_output("systemctl start home-assistant-log.service")
    assert size(pi, log) < 100_000
    assert size(pi, f"{log}.1") >= FULL
    assert pi.file(log).user == "homeassistant"
    # Home Assistant still has it open, and writes to its end: there is no hole in it.
    pi.check_output("systemctl start home-assistant-log.service")
    assert size(pi, f"{log}.1") >= FULL, "a small log stays as it is"
    pid = pi.check_output("systemctl show -P MainPID home-assistant.service")
    opened = pi.check_output(f"ls -l /proc/{pid}/fd | grep -c 'home-assistant.log$'")
    assert int(opened) >= 1
    pi.check_output(f"truncate --size=0 {log}.1")


def test_the_log_is_looked_at_every_minute_and_by_nobody_of_rank(pi: Any) -> None:
    assert pi.check_output("systemctl is-active home-assistant-log.timer") == "active"
    assert pi.check_output("systemctl show -P User home-assistant-log.service") == "homeassistant"
    judged = pi.check_output("systemd-analyze security --no-pager home-assistant-log.service")
    assert float(judged.splitlines()[-1].split(": ")[1].split()[0]) <= 2.0


def test_wrong_tokens_lock_nobody_out(
    pi: Any, door: Door, site: dict[str, Any], secret: Callable[[str], str]
) -> None:
    here = f"http://127.0.0.1:{site['hems_port_home_assistant']}/api/config"
    wrong = f"curl -s -o /dev/null -w '%{{http_code}} ' -H 'Authorization: Bearer x' {here}"
    answers = pi.check_output(f"for _ in $(seq {TRIES}); do {wrong}; done").split()
    assert answers == ["401"] * TRIES
    ask = door.session().get
    cross_site = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    for _ in range(TRIES):
        assert ask(f"{door.url}/api/", headers=cross_site, timeout=10).status_code == 401
    config = site["hems_path_home_assistant_config"]
    assert not pi.file(f"{config}/ip_bans.yaml").exists
    assert ask(f"{door.url}/manifest.json", timeout=10).status_code == 200
    token = {"Authorization": f"Bearer {secret('home_assistant_token')}"}
    assert ask(f"{door.url}/api/", headers=token, timeout=10).status_code == 200
    print(f"{TRIES} wrong tokens on the box, {TRIES} cross-site requests: nobody is banned")
