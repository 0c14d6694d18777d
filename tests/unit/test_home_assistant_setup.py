"""home_assistant_setup: what it makes of a log-in that does not succeed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hems.home_assistant import HomeAssistantError

from tests.unit import home_assistant_modules
from tests.unit.modules import load_module

assert home_assistant_modules.log_in  # its import lets the module find the role's shared code
setup = load_module("roles/home_assistant/library/home_assistant_setup.py")


def run(monkeypatch: pytest.MonkeyPatch, directory: Path, error: HomeAssistantError) -> Any:
    """Run it on a Home Assistant that has an owner and no token, and refuses with this error."""

    def refuse(*_arguments: object) -> str:
        raise error

    monkeypatch.setattr(setup, "Http", lambda *_: SimpleNamespace(user_is_made=lambda: True))
    monkeypatch.setattr(setup, "wait_for_http", lambda _http, _deadline: None)
    monkeypatch.setattr(setup, "stored_token", lambda _http, _file: None)
    monkeypatch.setattr(setup, "log_in", refuse)
    (directory / "password").write_text("secret")
    params = {
        "port": 8123,
        "timeout": 1,
        "username": "owner",
        "token_file": directory / "token",
        "password_file": directory / "password",
    }
    module = SimpleNamespace(params=params, check_mode=False, warn=lambda _words: None)
    return setup.run(module)


def test_an_owners_own_password_leaves_the_box_to_its_owner(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result = run(monkeypatch, tmp_path, HomeAssistantError("not logged in", "invalid_auth"))
    assert result["managed"] is False


def test_no_answer_stops_the_play_and_is_no_owners_choice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(HomeAssistantError, match="does not answer"):
        run(monkeypatch, tmp_path, HomeAssistantError("Home Assistant does not answer"))


@pytest.mark.parametrize(("start", "seconds"), [(0, 15), (60, 15), (2400, 300)])
def test_a_box_that_starts_slowly_may_answer_slowly(
    monkeypatch: pytest.MonkeyPatch, start: float, seconds: float
) -> None:
    waited = []

    def answer(*_arguments: object, timeout: float, **_more: object) -> tuple[int, bytes]:
        waited.append(timeout)
        return 404, b""

    log_in = home_assistant_modules.log_in
    monkeypatch.setattr(log_in.home_assistant, "request", answer)
    assert log_in.Http(8123, start).user_is_made()
    assert waited == [seconds]
