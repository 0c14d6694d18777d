# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Come to a token for Home Assistant without risking a ban, and wait until it is ready."""

from __future__ import annotations

import time
from pathlib import Path

from ansible.module_utils.home_assistant_log_in import Http
from hems.home_assistant import Access, HomeAssistantError
from hems.rotation import home_assistant as box_token


class SetupError(Exception):
    """What stops the play, in one sentence."""


def read_secret(path: Path) -> str:
    """Return a secret file's content without its last newline."""
    return path.read_text().removesuffix("\n")


def wait_for_http(http: Http, deadline: float) -> None:
    """Wait for any answer, asking without credentials."""
    while True:
        try:
            status, _ = http.request("GET", "/manifest.json")
            if status == 200:
                return
            refuse_ban(status)
        except HomeAssistantError:
            pass
        if time.monotonic() > deadline:
            raise SetupError(
                f"Home Assistant does not answer on port {http.port}: see "
                "`journalctl -u home-assistant` and docs/home_assistant.md, When it fails."
            )
        time.sleep(0.5)


def refuse_ban(status: int) -> None:
    """Stop in words when Home Assistant has banned the box's own address."""
    if status == 403:
        raise SetupError(
            "Home Assistant has banned the box's own address after wrong log-ins: remove 127.0.0.1 "
            "from ip_bans.yaml in its configuration directory, restart it and run again."
        )


def stored_token(http: Http, path: Path) -> str | None:
    """Return the token of earlier runs if it still works; a refused one stays until there is one.

    Whoever reads the file must find it: a box without a token can do less than one with a bad one.
    """
    if not path.exists():
        return None
    try:
        token = read_secret(path)
    except UnicodeDecodeError:
        token = ""
    if not token.isprintable() or not token:  # a power cut left no token
        path.unlink()
        return None
    status, _ = http.request("GET", "/api/config", token=token)
    return None if status == 401 else token


def set_aside(path: Path) -> None:
    """Put a refused token where nobody sends it again: ten refusals get loopback banned."""
    if path.exists():
        path.replace(path.with_name(f"{path.name}.refused"))


def new_token(http: Http, code: str, path: Path) -> str:
    """Exchange a log-in code for a long-lived token in ``path``; only then end those before it."""
    access, refresh = http.tokens(code)
    token = box_token.new_token(Access(http.port, access), path)
    http.revoke(refresh)
    return token


def log_in(http: Http, username: str, password_file: Path, refused: Path) -> str:
    """Return a log-in code for the owner; HomeAssistantError says why there is none.

    A refused password is remembered until its file changes: ten wrong log-ins get loopback banned.
    """
    if refused.exists() and refused.stat().st_mtime >= password_file.stat().st_mtime:
        raise HomeAssistantError("the password was refused before", "invalid_auth")
    try:
        code: str = http.log_in(username, read_secret(password_file))
    except HomeAssistantError as error:
        if error.code == "invalid_auth":
            refused.touch(mode=0o600)
        raise
    return code


def wait_until_ready(http: Http, token: str, domains: list[str], deadline: float) -> None:
    """Wait until Home Assistant runs and our config entries are loaded; name what is not."""
    while True:
        try:
            problem = readiness_problem(http, token, domains)
        except HomeAssistantError as error:
            problem = str(error)
        if problem is None:
            return
        if time.monotonic() > deadline:
            raise SetupError(f"{problem} See docs/home_assistant.md, When it fails.")
        time.sleep(1)


def readiness_problem(http: Http, token: str, domains: list[str]) -> str | None:
    """Return what is not ready yet, in one sentence."""
    status, config = http.request("GET", "/api/config", token=token)
    refuse_ban(status)
    if status != 200:
        return f"Home Assistant answers {status} to its own box."
    if config.get("recovery_mode"):
        raise SetupError(
            "Home Assistant started in recovery mode because of its configuration: the first ERROR "
            "line of home-assistant.log names the file and line; correct it and run the playbook "
            "again, which restarts Home Assistant."
        )
    if config.get("state") != "RUNNING":
        return f"Home Assistant is still {config.get('state')}."
    _, entries = http.request("GET", "/api/config/config_entries/entry", token=token)
    for domain in domains:
        mine = [entry for entry in entries if entry["domain"] == domain]
        if not mine:
            return f"Home Assistant has no integration {domain}."
        for entry in mine:
            if entry["state"] != "loaded" and not entry.get("disabled_by"):
                reason = (entry.get("reason") or "no reason given").rstrip(".")
                return (
                    f"Home Assistant's {entry['title']} ({domain}) is {entry['state']}: {reason}."
                )
    return None
