# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Home Assistant's onboarding and log-in, over the client of the installed hems package.

Sources: developers.home-assistant.io (auth_api) and
``homeassistant/components/{auth,onboarding}`` of 2026.10.
"""

from __future__ import annotations

import json
from typing import Any

from hems import home_assistant
from hems.home_assistant import Access, HomeAssistantError
from hems.loopback import LOOPBACK

TIMEOUT = 15.0  # seconds for one answer, at least
PART_OF_START = 8  # what a slow box may take for one answer: that part of what its start may take


class Http:
    """The REST API on loopback, also for who has not logged in."""

    def __init__(self, port: int, start: float = 0.0) -> None:
        """``start``: seconds that Home Assistant may take to start on this box."""
        self.port = port
        self.timeout = max(TIMEOUT, start / PART_OF_START)
        # The log-in flow wants a client id with the address of a web page: the box's own.
        self.client_id = f"http://{LOOPBACK}:{port}/"

    def request(
        self,
        method: str,
        path: str,
        *,
        token: str = "",
        body: dict[str, Any] | None = None,
        form: dict[str, str] | None = None,
        timeout: float | None = None,
    ) -> tuple[int, Any]:
        """Return status and decoded answer: JSON, or text where it is none.

        Raises HomeAssistantError when nothing answers in ``timeout`` s, by default the box's own.
        """
        access = Access(self.port, token)
        status, text = home_assistant.request(
            access, method, path, body=body, form=form, timeout=timeout or self.timeout
        )
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
            message = f"Home Assistant did not make the user {username}"
            raise HomeAssistantError(message, str(status))
        return str(answer["auth_code"])

    def log_in(self, username: str, password: str) -> str:
        """Return a code to exchange for tokens.

        Raises HomeAssistantError with code ``invalid_auth`` (counts towards the ban of this
        address), ``mfa`` (two-factor log-in is on; does not count) or another word of its own.
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
            raise HomeAssistantError(
                "Home Assistant refuses to log anyone in from the box", str(status)
            )
        if answer.get("type") == "create_entry":
            return str(answer["result"])
        code = "mfa" if answer.get("step_id") == "mfa" else answer.get("errors", {}).get("base")
        raise HomeAssistantError(f"Home Assistant did not log {username} in ({code})", str(code))

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
            raise HomeAssistantError(
                "Home Assistant did not exchange its own code for a token", str(status)
            )
        return str(answer["access_token"]), str(answer["refresh_token"])

    def revoke(self, refresh_token: str) -> None:
        """Forget a log-in session; the long-lived token stays."""
        self.request("POST", "/auth/revoke", form={"token": refresh_token})
