"""The file editor runs no command, whoever asks on the Pi itself, and could do little with one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.journal("hass-configurator")

# One request on the Pi's loopback, past the door: method, port, target, body -> status and text.
ON_LOOPBACK = """
import http.client, sys
method, port, target, body = sys.argv[1:]
connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)
connection.request(method, target, body, {"Content-Type": "application/x-www-form-urlencoded"})
answer = connection.getresponse()
print(answer.status, answer.read().decode())
"""


@pytest.fixture(scope="module")
def loopback(pi: Any, site: dict[str, Any]) -> Callable[..., tuple[int, str]]:
    """Sends the editor one request on the Pi itself, where no door asks for a password."""

    def send(method: str, target: str, body: str = "command=id") -> tuple[int, str]:
        port = str(site["hems_port_configurator"])
        answer = pi.run("python3 -c %s %s %s %s %s", ON_LOOPBACK, method, port, target, body)
        assert answer.rc == 0, answer.stderr
        status, _, text = answer.stdout.partition(" ")
        return int(status), text

    return send


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "BREW"])
@pytest.mark.parametrize(
    "target",
    [
        "/api/exec_command",
        "//api/exec_command",
        "/x/api/exec_command",
        "/api/exec_command/",
        "/api/exec_command;x",
        "/api/exec_command?x=1",
        "/API/Exec_Command",
        "/api/exec%5Fcommand",
        "/api/exec%255Fcommand",
        "/api/./exec_command",
    ],
)
def test_no_command_is_run_on_loopback(
    loopback: Callable[..., tuple[int, str]], method: str, target: str
) -> None:
    status, text = loopback(method, target)
    assert status == 403
    assert "uid=" not in text


def test_its_answers_are_json_that_its_page_can_show(
    loopback: Callable[..., tuple[int, str]],
) -> None:
    _, text = loopback("POST", "/api/exec_command")
    assert json.loads(text) == {
        "error": True,
        "message": "Running commands is switched off on this box.",
    }


def test_it_runs_confined(pi: Any) -> None:
    shown = pi.check_output(
        "systemctl show hass-configurator -p User -p MainPID -p Restart -p ProtectSystem"
    )
    values = dict(line.split("=", 1) for line in shown.splitlines())
    assert (values["User"], values["Restart"]) == ("homeassistant", "always")
    assert values["ProtectSystem"] == "strict"
    status = pi.file(f"/proc/{values['MainPID']}/status").content_string
    assert "CapEff:\t0000000000000000" in status and "NoNewPrivs:\t1" in status
