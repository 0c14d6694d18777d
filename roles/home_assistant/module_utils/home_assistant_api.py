# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Home Assistant's HTTP and WebSocket API, as far as the appliance uses it.

Sources: developers.home-assistant.io (auth_api, api/rest, api/websocket) and
``homeassistant/components/{auth,onboarding,websocket_api}`` of 2026.10.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from types import TracebackType
from typing import Any

TIMEOUT = 15.0  # seconds for one answer


class ApiError(Exception):
    """An answer that is no success; ``code`` is the WebSocket API's word for why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code


class Http:
    """The REST API at a base URL: scheme, host and port."""

    def __init__(self, base: str) -> None:
        self.base = base
        # The log-in flow wants a client id with the address of a web page: the box's own.
        self.client_id = f"{base}/"
        # Never through a proxy that the environment names: the password must not leave the box.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def request(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        body: dict[str, Any] | None = None,
        form: dict[str, str] | None = None,
        timeout: float = TIMEOUT,
    ) -> tuple[int, Any]:
        """Return status and decoded answer; raise OSError when nothing answers in ``timeout`` s."""
        headers = {"Accept": "application/json"}
        data = None
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        if form is not None:
            data = urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(
            self.base + path, data=data, headers=headers, method=method
        )
        try:
            with self._opener.open(request, timeout=timeout) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        try:
            return status, json.loads(text) if text else None
        except ValueError:
            return status, text.decode(errors="replace")

    def user_is_made(self) -> bool:
        """Return whether the owner's account exists already."""
        status, steps = self.request("GET", "/api/onboarding")
        # Home Assistant takes the page away once every step is done.
        return status == 404 or any(step["step"] == "user" and step["done"] for step in steps)

    def make_user(self, name: str, username: str, password: str, language: str) -> str:
        """Make the first user, who owns the box; return a code to exchange for tokens."""
        status, answer = self.request(
            "POST",
            "/api/onboarding/users",
            body={
                "client_id": self.client_id,
                "name": name,
                "username": username,
                "password": password,
                "language": language,
            },
        )
        if status != 200:
            raise ApiError(str(status), f"Home Assistant did not make the user {username}")
        return str(answer["auth_code"])

    def log_in(self, username: str, password: str) -> str:
        """Return a code to exchange for tokens.

        Raises ApiError with code ``invalid_auth`` (counts towards the ban of this address),
        ``mfa`` (two-factor log-in is on; does not count) or another word of Home Assistant's.
        """
        _, flow = self.request(
            "POST",
            "/auth/login_flow",
            body={
                "client_id": self.client_id,
                "handler": ["homeassistant", None],
                "redirect_uri": self.client_id,
            },
        )
        status, answer = self.request(
            "POST",
            f"/auth/login_flow/{flow['flow_id']}",
            body={"client_id": self.client_id, "username": username, "password": password},
        )
        if status != 200 or not isinstance(answer, dict):
            raise ApiError(str(status), "Home Assistant refuses to log anyone in from the box")
        if answer.get("type") == "create_entry":
            return str(answer["result"])
        code = "mfa" if answer.get("step_id") == "mfa" else answer.get("errors", {}).get("base")
        raise ApiError(str(code), f"Home Assistant did not log {username} in")

    def tokens(self, code: str) -> tuple[str, str]:
        """Exchange a code for an access token (30 minutes) and a refresh token."""
        status, answer = self.request(
            "POST",
            "/auth/token",
            form={
                "grant_type": "authorization_code",
                "code": code,
                "client_id": self.client_id,
            },
        )
        if status != 200:
            raise ApiError(str(status), "Home Assistant did not exchange its own code for a token")
        return str(answer["access_token"]), str(answer["refresh_token"])

    def revoke(self, refresh_token: str) -> None:
        """Forget a log-in session; the long-lived token stays."""
        self.request("POST", "/auth/revoke", form={"token": refresh_token})


class Socket:
    """An authenticated WebSocket connection, one command after the other."""

    def __init__(self, base: str, token: str) -> None:
        # Debian's python3-websocket, small and synchronous; not there yet in a first --check.
        import websocket  # noqa: PLC0415

        self._broken = websocket.WebSocketException
        url = "ws" + base.removeprefix("http") + "/api/websocket"
        try:
            self._socket = websocket.create_connection(url, timeout=TIMEOUT, http_no_proxy=["*"])
        except self._broken as error:
            raise ApiError("websocket", f"Home Assistant's WebSocket: {error}") from error
        self._id = 0
        self._receive()
        self._socket.send(json.dumps({"type": "auth", "access_token": token}))
        answer = self._receive()
        if answer["type"] != "auth_ok":
            self._socket.close()
            raise ApiError("auth_invalid", str(answer.get("message", "token refused")))

    def __enter__(self) -> Socket:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def _receive(self) -> dict[str, Any]:
        try:
            answer = json.loads(self._socket.recv())
        except self._broken as error:
            raise ApiError("websocket", f"Home Assistant's WebSocket: {error}") from error
        assert isinstance(answer, dict)
        return answer

    def call(self, kind: str, **fields: Any) -> Any:
        """Send one command and return its result; raise ApiError with its code."""
        self._id += 1
        self._socket.send(json.dumps({"id": self._id, "type": kind, **fields}))
        while True:
            answer = self._receive()
            if answer.get("id") == self._id and answer["type"] == "result":
                break
        if not answer["success"]:
            raise ApiError(answer["error"]["code"], answer["error"]["message"])
        return answer.get("result")

    def call_or_none(self, kind: str, **fields: Any) -> Any:
        """Like ``call``, with None for what Home Assistant says it does not have."""
        try:
            return self.call(kind, **fields)
        except ApiError as error:
            if error.code in ("not_found", "config_not_found"):
                return None
            raise
