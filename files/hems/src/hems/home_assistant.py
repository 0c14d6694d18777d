"""Home Assistant's REST and WebSocket API on loopback, with the box's own token.

Format: https://developers.home-assistant.io/docs/api/rest/ and /websocket/. Don't try
a refused token again: ten of them get loopback banned for good.
"""

from __future__ import annotations

import json
import time
import urllib.parse
from collections.abc import Iterator
from types import TracebackType
from typing import Any, NamedTuple, Self

import websocket

from hems import HemsError, loopback
from hems.loopback import LOOPBACK
from hems.settings import Appliance

SECRET = "home_assistant_token"
TIMEOUT_SECONDS = 15.0  # for one answer
IDLE_SECONDS = 20.0  # it pings every 55 s, and leaves whoever does not read that
ANSWER_BYTES = 16 * 1024 * 1024  # whoever holds the port, it does not fill the memory
LATE = "no answer in time"
POLL_SECONDS = 1.0
RUNNING = "RUNNING"
UNAUTHORISED, BANNED = "401", "403"
# The integrations that the box gives Home Assistant, and stores readings through.
NEEDED = {"mqtt": "MQTT", "influxdb": "InfluxDB"}
REFUSED = (UNAUTHORISED, BANNED, "auth_invalid")
# Of a config entry: its integration, its state, and the source of one that nobody wants to see.
ZIGBEE = "zha"
LOADED = "loaded"
IGNORED = "ignore"


class HomeAssistantError(HemsError):
    """Home Assistant does not answer, or not as wished.

    ``code`` is the WebSocket API's word for why, or the HTTP status; empty when nothing answered.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class Access(NamedTuple):
    """How this box comes in."""

    port: int  # on loopback
    token: str


def access_of(appliance: Appliance) -> Access:
    """Return how to come in. Raises HomeAssistantError (only root may read the token)."""
    try:
        token = (appliance.paths.secrets / SECRET).read_text(encoding="utf-8").removesuffix("\n")
    except PermissionError as error:
        raise HomeAssistantError("Only root may do that: put 'sudo' before the command.") from error
    except OSError as error:
        raise HomeAssistantError(
            f"The box's token for Home Assistant can't be read ({error.strerror}): "
            "run the whole playbook."
        ) from error
    return Access(appliance.ports.home_assistant, token)


def rest(
    access: Access,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    timeout: float = TIMEOUT_SECONDS,
) -> Any:
    """Send one REST request and return the decoded answer; ``timeout`` in seconds.

    Raises HomeAssistantError; its ``code`` is the status of an answer that is no success.
    """
    status, text = request(access, method, path, body=body, timeout=timeout)
    if status >= 300:
        words = " ".join(text.decode(errors="replace").split())[:300]
        raise HomeAssistantError(f"Home Assistant answers {status} to {path}: {words}", str(status))
    try:
        return json.loads(text) if text else None
    except ValueError as error:
        raise HomeAssistantError(f"Home Assistant's answer to {path} is no JSON.") from error


def request(
    access: Access,
    method: str,
    path: str,
    *,
    body: dict[str, Any] | None = None,
    form: dict[str, str] | None = None,
    timeout: float = TIMEOUT_SECONDS,
) -> tuple[int, bytes]:
    """Send one REST request and return status and text of the answer, whatever it is.

    Without a token it is one of somebody who has not logged in. Raises HomeAssistantError when
    nothing answers within ``timeout`` seconds.
    """
    headers = {"Authorization": f"Bearer {access.token}"} if access.token else {}
    data = None
    if body is not None:
        data, headers["Content-Type"] = json.dumps(body), "application/json"
    elif form is not None:
        data = urllib.parse.urlencode(form)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        return loopback.exchange(
            access.port, method, path, data, headers, timeout=timeout, most=ANSWER_BYTES
        )
    except (OSError, ValueError) as error:
        raise _silent(error) from error


def wait_running(access: Access, seconds: float) -> None:
    """Wait until Home Assistant is fully started, for so many seconds at most.

    Raises HomeAssistantError; at once when the token is refused.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            state = str(rest(access, "GET", "/api/config")["state"])
            problem = f"it is {state}"
        except HomeAssistantError as error:
            if error.code in REFUSED:
                raise
            state, problem = "", str(error)
        if state == RUNNING:
            return
        if time.monotonic() >= deadline:
            raise HomeAssistantError(
                f"Home Assistant has not fully started within {seconds:.0f} s ({problem}): "
                "'journalctl -u home-assistant' says why."
            )
        time.sleep(POLL_SECONDS)


class HomeAssistant:
    """An authenticated WebSocket connection: one command after the other, or one's events."""

    def __init__(self, access: Access) -> None:
        """Connect and log in. Raises HomeAssistantError."""
        self._access = access
        self._connect()

    def _connect(self) -> None:
        try:
            self._socket = websocket.create_connection(
                f"ws://{LOOPBACK}:{self._access.port}/api/websocket",
                timeout=TIMEOUT_SECONDS,
                http_no_proxy=["*"],
            )
        except (OSError, websocket.WebSocketException) as error:
            raise _silent(error) from error
        self._id = 0
        self._heard = time.monotonic()
        try:
            self._receive()  # auth_required
            self._send({"type": "auth", "access_token": self._access.token})
            answer = self._receive()
        except TimeoutError as error:
            self._socket.close()
            raise _silent(error) from error
        if answer["type"] != "auth_ok":
            self._socket.close()
            raise HomeAssistantError(
                "Home Assistant refuses the box's own token: run the whole playbook, "
                "it makes a new one.",
                "auth_invalid",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def call(self, kind: str, *, timeout: float = TIMEOUT_SECONDS, **fields: Any) -> Any:
        """Send one command and return its result; ``timeout`` in seconds.

        After a while of silence that is on a new connection, without the old one's events. Raises
        HomeAssistantError with Home Assistant's code.
        """
        if time.monotonic() - self._heard > IDLE_SECONDS:
            self._socket.close()
            self._connect()
        number = self._command(kind, fields)
        deadline = time.monotonic() + timeout
        while True:
            try:
                answer = self._receive(deadline)
            except TimeoutError as error:
                raise _silent(error) from error
            if answer.get("id") == number and answer["type"] == "result":
                return _result(kind, answer)

    def events(
        self, kind: str, *, seconds: float, pause: float, **fields: Any
    ) -> Iterator[dict[str, Any] | None]:
        """Send a command that answers with events and yield them, for so many seconds.

        None stands for ``pause`` seconds without any. Raises HomeAssistantError when the command
        is refused or the connection breaks.
        """
        number = self._command(kind, fields)
        deadline = time.monotonic() + seconds
        while (now := time.monotonic()) < deadline:
            try:
                answer = self._receive(min(deadline, now + pause))
            except TimeoutError:
                yield None
                continue
            if answer.get("id") != number:
                continue
            if answer["type"] == "event":
                yield answer["event"]
            elif answer["type"] == "result":
                _result(kind, answer)

    def _command(self, kind: str, fields: dict[str, Any]) -> int:
        self._id += 1
        self._send({"id": self._id, "type": kind, **fields})
        return self._id

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._socket.send(json.dumps(message))
        except (OSError, websocket.WebSocketException) as error:
            raise _silent(error) from error

    def _receive(self, deadline: float | None = None) -> dict[str, Any]:
        """Return the next message. Raises TimeoutError after ``deadline`` (monotonic seconds)."""
        left = TIMEOUT_SECONDS if deadline is None else deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(LATE)
        self._socket.settimeout(left)
        try:
            message: dict[str, Any] = json.loads(self._socket.recv())
        except websocket.WebSocketTimeoutException as error:
            raise TimeoutError(LATE) from error
        except (OSError, ValueError, websocket.WebSocketException) as error:
            raise _silent(error) from error
        self._heard = time.monotonic()
        return message


def _result(kind: str, answer: dict[str, Any]) -> Any:
    if answer["success"]:
        return answer.get("result")
    error = answer["error"]
    raise HomeAssistantError(f"Home Assistant refuses {kind}: {error['message']}", error["code"])


def _silent(error: Exception) -> HomeAssistantError:
    return HomeAssistantError(
        f"Home Assistant does not answer ({error}): see 'systemctl status home-assistant'."
    )
