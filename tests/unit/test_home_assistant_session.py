"""Coming to a token never risks a ban, and readiness names what is not ready."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hems.home_assistant import Access, HomeAssistantError
from hems.rotation import home_assistant

from tests.unit.home_assistant_modules import session


class FakeHttp:
    """Answers as Home Assistant does, and counts the log-ins."""

    def __init__(self, answers: dict[str, tuple[int, Any]], refusal: str | None = None) -> None:
        self.answers = answers
        self.refusal = refusal
        self.tried: list[str] = []

    def request(self, _: str, path: str, **__: object) -> tuple[int, Any]:
        return self.answers[path]

    def log_in(self, _: str, password: str) -> str:
        self.tried.append(password)
        if self.refusal:
            raise HomeAssistantError("no", self.refusal)
        return "code"


@pytest.fixture
def password(tmp_path: Path) -> Path:
    path = tmp_path / "owner_password"
    path.write_text("secret\n")
    return path


def test_a_refused_password_is_tried_once(tmp_path: Path, password: Path) -> None:
    http, refused = FakeHttp({}, "invalid_auth"), tmp_path / "refused"
    for _ in range(3):
        with pytest.raises(HomeAssistantError):
            session.log_in(http, "owner", password, refused)
    assert http.tried == ["secret"]


def test_a_new_password_is_tried_again(tmp_path: Path, password: Path) -> None:
    http, refused = FakeHttp({}, "invalid_auth"), tmp_path / "refused"
    with pytest.raises(HomeAssistantError):
        session.log_in(http, "owner", password, refused)
    os.utime(password, (refused.stat().st_mtime + 5,) * 2)
    http.refusal = None
    assert session.log_in(http, "owner", password, refused) == "code"


def test_two_factor_log_in_is_no_refusal(tmp_path: Path, password: Path) -> None:
    http, refused = FakeHttp({}, "mfa"), tmp_path / "refused"
    with pytest.raises(HomeAssistantError):
        session.log_in(http, "owner", password, refused)
    assert not refused.exists()


def test_a_refused_token_stays_until_there_is_another(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old")
    http = FakeHttp({"/api/config": (401, None)})
    assert session.stored_token(http, token) is None
    assert token.read_text() == "old"
    # When there can be none, nobody shall send it again.
    session.set_aside(token)
    assert session.stored_token(http, token) is None
    assert os.listdir(tmp_path) == ["token.refused"]
    session.set_aside(token)


class FakeSocket:
    """Home Assistant's tokens of one user, and at what moments the file was read."""

    tokens: ClassVar[dict[str, str]] = {}
    path: Path
    seen: ClassVar[list[tuple[str, str]]] = []

    def __init__(self, access: Access) -> None:
        self.token = access.token

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""

    def call(self, kind: str, **fields: Any) -> Any:
        self.seen.append((kind, self.path.read_text().strip()))
        if kind == "auth/refresh_tokens":
            return [{"client_name": name, "id": which} for which, name in self.tokens.items()]
        if kind == "auth/long_lived_access_token":
            assert fields["client_name"] not in self.tokens.values(), "Home Assistant refuses that"
            self.tokens["new"] = fields["client_name"]
            return "fresh"
        assert self.token == "fresh", "Home Assistant hangs up on whoever ends their own token"
        del self.tokens[fields["refresh_token_id"]]
        return None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], "hems-provision"),
        (["hems-provision"], "hems-provision 2"),
        (["hems-provision 2"], "hems-provision"),
        (["hems-provision", "hems-provision 2"], "hems-provision 3"),
    ],
)
def test_a_token_is_replaced_without_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: list[str], after: str
) -> None:
    path = tmp_path / "token"
    path.write_text("old\n")
    mine = {"phone": "my phone", "none": "hems-provisional"}
    monkeypatch.setattr(FakeSocket, "tokens", mine | {f"old {name}": name for name in before})
    monkeypatch.setattr(FakeSocket, "path", path, raising=False)
    monkeypatch.setattr(FakeSocket, "seen", [])
    monkeypatch.setattr(home_assistant, "HomeAssistant", FakeSocket)
    http = FakeLogIn()
    assert session.new_token(http, "code", path) == "fresh" == path.read_text().strip()
    assert FakeSocket.tokens == mine | {"new": after}
    assert path.stat().st_mode & 0o777 == 0o600
    ended = [text for kind, text in FakeSocket.seen if kind == "auth/delete_refresh_token"]
    assert ended == ["fresh"] * len(before), "an old one ends only when the new one is written"


class FakeLogIn:
    """A log-in's own short-lived tokens."""

    port = 8123

    def tokens(self, _: str) -> tuple[str, str]:
        return "access", "refresh"

    def revoke(self, _: str) -> None:
        """Forget it."""


def test_a_token_survives_an_unready_server(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("good\n")
    assert session.stored_token(FakeHttp({"/api/config": (503, None)}), token) == "good"


def entry(domain: str, state: str, **more: Any) -> dict[str, Any]:
    return {"domain": domain, "title": domain.upper(), "state": state, **more}


@pytest.mark.parametrize(
    ("state", "entries", "words"),
    [
        ("RUNNING", [entry("mqtt", "loaded")], None),
        ("STARTING", [entry("mqtt", "loaded")], "still STARTING"),
        ("RUNNING", [], "no integration mqtt"),
        (
            "RUNNING",
            [entry("mqtt", "setup_retry", reason="refused.")],
            "Home Assistant's MQTT (mqtt) is setup_retry: refused.",
        ),
        ("RUNNING", [entry("mqtt", "not_loaded", disabled_by="user")], None),
    ],
)
def test_readiness_is_told_in_words(
    state: str, entries: list[dict[str, Any]], words: str | None
) -> None:
    http = FakeHttp(
        {
            "/api/config": (200, {"state": state}),
            "/api/config/config_entries/entry": (200, entries),
        }
    )
    problem = session.readiness_problem(http, "token", ["mqtt"])
    assert problem is None if words is None else words in str(problem)


def test_recovery_mode_ends_the_wait() -> None:
    http = FakeHttp({"/api/config": (200, {"state": "RUNNING", "recovery_mode": True})})
    with pytest.raises(session.SetupError, match="recovery mode"):
        session.readiness_problem(http, "token", [])
