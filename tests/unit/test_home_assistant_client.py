"""The command's way into Home Assistant: what it answers, refuses, or does not say in time."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from hems import home_assistant
from hems.home_assistant import Access, HomeAssistant, HomeAssistantError, rest, wait_running
from hems.settings import Appliance, parse

from tests.unit.appliance_settings import GOOD

TOKEN = "a-secret-token"
ACCESS = Access(1, TOKEN)
WELCOME = ({"type": "auth_required"}, {"type": "auth_ok"})


class Socket:
    """A WebSocket that says what it was told to, then nothing."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = list(messages)
        self.sent: list[dict[str, Any]] = []
        self.closed = False

    def settimeout(self, _seconds: float) -> None:
        pass

    def send(self, text: str) -> None:
        self.sent.append(json.loads(text))

    def recv(self) -> str:
        if not self.messages:
            raise home_assistant.websocket.WebSocketTimeoutException("timed out")
        return json.dumps(self.messages.pop(0))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Socket]:
    def connect(*messages: dict[str, Any]) -> Socket:
        made = Socket(*messages)
        monkeypatch.setattr(home_assistant.websocket, "create_connection", lambda *_, **__: made)
        return made

    return connect


def result(number: int, value: Any) -> dict[str, Any]:
    return {"id": number, "type": "result", "success": True, "result": value}


def test_a_command_gets_its_own_result(connected: Callable[..., Socket]) -> None:
    event = {"id": 1, "type": "event", "event": {}}
    socket = connected(*WELCOME, result(9, "another's"), event, result(1, ["devices"]))
    with HomeAssistant(ACCESS) as client:
        assert client.call("zha/devices") == ["devices"]
    assert socket.sent == [
        {"type": "auth", "access_token": TOKEN},
        {"id": 1, "type": "zha/devices"},
    ]
    assert socket.closed


def test_a_refused_command_has_its_code(connected: Callable[..., Socket]) -> None:
    error = {"code": "unknown_command", "message": "Unknown command."}
    connected(*WELCOME, {"id": 1, "type": "result", "success": False, "error": error})
    with HomeAssistant(ACCESS) as client, pytest.raises(HomeAssistantError) as caught:
        client.call("zha/devices")
    assert caught.value.code == "unknown_command"
    assert str(caught.value) == "Home Assistant refuses zha/devices: Unknown command."


def test_a_refused_token_is_not_repeated_to_anybody(connected: Callable[..., Socket]) -> None:
    socket = connected({"type": "auth_required"}, {"type": "auth_invalid"})
    with pytest.raises(HomeAssistantError, match="refuses the box's own token") as caught:
        HomeAssistant(ACCESS)
    assert TOKEN not in str(caught.value)
    assert socket.closed


@pytest.mark.parametrize("said", [(), WELCOME[:1]])
def test_one_who_connects_and_falls_silent_is_left(
    connected: Callable[..., Socket], said: tuple[dict[str, Any], ...]
) -> None:
    socket = connected(*said)
    with pytest.raises(HomeAssistantError, match="no answer in time"):
        HomeAssistant(ACCESS)
    assert socket.closed


def test_silence_after_a_command_is_an_error_too(connected: Callable[..., Socket]) -> None:
    connected(*WELCOME)
    with HomeAssistant(ACCESS) as client, pytest.raises(HomeAssistantError, match="in time"):
        client.call("zha/devices")


def test_a_connection_that_lay_idle_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Home Assistant leaves one that does not answer its pings: nobody reads them meanwhile."""
    made = [Socket(*WELCOME, result(1, "before"), result(2, "soon")), Socket(*WELCOME)]
    made[1].messages.append(result(1, "later"))
    waiting = iter(made)
    monkeypatch.setattr(
        home_assistant.websocket, "create_connection", lambda *_, **__: next(waiting)
    )
    now = 1000.0
    monkeypatch.setattr(home_assistant.time, "monotonic", lambda: now)
    with HomeAssistant(ACCESS) as client:
        assert client.call("zha/devices") == "before"
        now += home_assistant.IDLE_SECONDS
        assert client.call("zha/devices") == "soon"
        now += home_assistant.IDLE_SECONDS + 1
        assert client.call("zha/devices") == "later"
        assert (made[0].closed, made[1].closed) == (True, False)
    assert made[1].closed


def test_events_come_with_pauses(connected: Callable[..., Socket]) -> None:
    connected(*WELCOME, result(1, None), {"id": 1, "type": "event", "event": {"type": "joined"}})
    with HomeAssistant(ACCESS) as client:
        events = client.events("zha/devices/permit", seconds=60, pause=1, duration=60)
        assert next(events) == {"type": "joined"}
        assert next(events) is None


class Handler(BaseHTTPRequestHandler):
    """Answers what the path says: /STATUS, with a JSON body; /text without."""

    states: list[str]

    def do_GET(self) -> None:
        assert self.headers["Authorization"] == f"Bearer {TOKEN}"
        if self.path == "/api/config":
            self._answer(200, json.dumps({"state": self.states.pop(0)}))
        elif self.path == "/text":
            self._answer(200, "no JSON")
        else:
            self._answer(int(self.path[1:]), '{"message": "no"}')

    def do_POST(self) -> None:
        self._answer(200, self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Access]:
    with HTTPServer((home_assistant.LOOPBACK, 0), Handler) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield Access(made.server_port, TOKEN)
        made.shutdown()


def test_rest_sends_and_returns_json(server: Access) -> None:
    assert rest(server, "POST", "/any", {"path": "/dev/x"}) == {"path": "/dev/x"}


def test_rest_names_what_went_wrong(server: Access) -> None:
    with pytest.raises(HomeAssistantError, match="answers 404 to /404") as caught:
        rest(server, "GET", "/404")
    assert caught.value.code == "404"
    with pytest.raises(HomeAssistantError, match="is no JSON"):
        rest(server, "GET", "/text")


def test_rest_says_when_nobody_answers() -> None:
    with pytest.raises(HomeAssistantError, match="does not answer") as caught:
        rest(Access(1, TOKEN), "GET", "/")  # nobody has port 1
    assert caught.value.code == ""


def test_a_start_is_waited_for(server: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_assistant, "POLL_SECONDS", 0.01)
    Handler.states = ["NOT_RUNNING", "STARTING", "RUNNING"]
    wait_running(server, 10)
    assert Handler.states == []
    Handler.states = ["STARTING"]
    with pytest.raises(HomeAssistantError, match=r"within 0 s \(it is STARTING\)"):
        wait_running(server, 0)


def test_a_refused_token_is_not_waited_with(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def refuse(*_: Any) -> Any:
        asked.append("once")
        raise HomeAssistantError("no", "401")

    monkeypatch.setattr(home_assistant, "rest", refuse)
    with pytest.raises(HomeAssistantError):
        wait_running(ACCESS, 10)
    assert asked == ["once"]


def test_only_root_has_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = GOOD.replace("/etc/hems/secrets", str(tmp_path))
    appliance = parse(text, Appliance, "hems.toml")
    with pytest.raises(HomeAssistantError, match="run the whole playbook"):
        home_assistant.access_of(appliance)
    (tmp_path / home_assistant.SECRET).write_text(f"{TOKEN}\n")
    port = appliance.ports.home_assistant
    assert home_assistant.access_of(appliance) == Access(port, TOKEN)

    def refuse(*_: Any, **__: Any) -> str:
        raise PermissionError

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(HomeAssistantError, match="put 'sudo' before"):
        home_assistant.access_of(appliance)
