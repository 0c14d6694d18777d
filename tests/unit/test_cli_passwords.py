"""``hems passwords`` shows log-ins to root, and nothing that is not so."""

from __future__ import annotations

import base64
import json
import os
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import bcrypt
import pytest
from hems import cli, logins
from hems.cli import passwords
from hems.logins import State
from hems.settings import Appliance, parse

from tests.unit.appliance_settings import GOOD

OWNERS = "secret of owner_password"


class Signin(BaseHTTPRequestHandler):
    """InfluxDB's sign-in and sign-out, as far as they are asked for."""

    sessions = 0
    good = base64.b64encode(b"hems:secret of influxdb_password").decode()

    def do_POST(self) -> None:
        kind = type(self)
        if self.path == "/api/v2/signout":
            kind.sessions -= self.headers["Cookie"] == "influxdb-oss-session=one"
            self.send_response(204)
        elif self.headers["Authorization"] == f"Basic {self.good}":
            kind.sessions += 1
            self.send_response(204)
            self.send_header("Set-Cookie", "influxdb-oss-session=one; Path=/api/; HttpOnly")
        else:
            self.send_response(401)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture(scope="module")
def influxdb() -> Iterator[int]:
    """The port of a server that knows one log-in."""
    with HTTPServer(("127.0.0.1", 0), Signin) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def keep_account(directory: Path, user: str, password: str) -> None:
    """Let Home Assistant have one account, as release 2026.10 stores it."""
    hashed = base64.b64encode(bcrypt.hashpw(password.encode(), bcrypt.gensalt(4))).decode()
    file = directory / logins.ACCOUNTS
    file.parent.mkdir(exist_ok=True)
    document = {"version": 1, "data": {"users": [{"username": user, "password": hashed}]}}
    file.write_text(json.dumps(document), encoding="utf-8")


@pytest.fixture
def box(tmp_path: Path, influxdb: int, monkeypatch: pytest.MonkeyPatch) -> Appliance:
    """A box whose log-ins are all as they were made."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    text = (
        GOOD.replace("/etc/hems/secrets", str(tmp_path))
        .replace("/var/lib/home-assistant", str(tmp_path))
        .replace("18086", str(influxdb))
    )
    appliance = parse(text, Appliance, "hems.toml")
    monkeypatch.setattr(passwords.settings, "appliance", lambda: appliance)
    for login in passwords.all_logins(appliance, {}):
        (tmp_path / login.secret).write_text(f"secret of {login.secret}\n")
    keep_account(tmp_path, "owner", OWNERS)
    return appliance


@pytest.mark.usefixtures("box")
def test_root_sees_every_log_in_of_the_owner(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["passwords"]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [re.split(" {2,}", line) for line in lines[1:]]
    assert [row[0] for row in rows] == ["Home Assistant", "The door", "InfluxDB", "MQTT device"]
    assert [row[-1] for row in rows] == [
        "secret of owner_password",
        "secret of door_password",
        "secret of influxdb_password",
        "secret of mqtt_meter",
    ]
    assert Signin.sessions == 0, "a session was left behind"


@pytest.mark.usefixtures("box")
def test_a_password_that_its_owner_changed_is_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep_account(tmp_path, "owner", "the owner's own")
    (tmp_path / "influxdb_password").write_text("not that one\n")
    assert cli.main(["passwords"]) == 0
    out = capsys.readouterr().out
    assert OWNERS not in out and "not that one" not in out
    assert "secret of door_password" in out
    assert "The password of 'owner' was changed in Home Assistant, so it is not the one" in out
    assert "The password of 'hems' was changed in InfluxDB" in out


@pytest.mark.usefixtures("box")
def test_a_user_that_does_not_exist_is_named_as_that(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep_account(tmp_path, "aoife", OWNERS)
    assert cli.main(["passwords", "--check"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Home Assistant has no user 'owner' any more: the account was renamed")
    assert out.count("\n") == 1 and "secret of" not in out


@pytest.mark.usefixtures("box")
def test_the_check_of_right_log_ins_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["passwords", "--check"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("box")
@pytest.mark.parametrize("stored", [None, "", "{}", '{"data": {"users": [{"username": 1}]}}'])
def test_what_cannot_be_asked_is_said(
    stored: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / logins.ACCOUNTS
    if stored is None:
        file.unlink()
    else:
        file.write_text(stored)
    assert cli.main(["passwords"]) == 0
    out = capsys.readouterr().out
    assert OWNERS in out
    assert "Home Assistant did not say whether this is still the password of 'owner'." in out


def test_names_are_compared_as_home_assistant_does() -> None:
    hashed = base64.b64encode(bcrypt.hashpw(b"p", bcrypt.gensalt(4))).decode()
    assert logins.compare({"owner": hashed}, " Owner", "p") is State.RIGHT
    assert logins.compare({"owner": hashed}, "owner", "q") is State.CHANGED
    assert logins.compare({"owner": "no hash"}, "owner", "p") is State.UNKNOWN
    assert logins.compare({}, "owner", "p") is State.GONE


def test_a_database_that_is_down_is_not_asked_for_long() -> None:
    assert logins.influxdb(1, "hems", "x", timeout=1) is State.UNKNOWN


@pytest.mark.usefixtures("box")
def test_a_secret_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "owner_password").unlink()
    assert cli.main(["passwords"]) == 1
    assert "The secret owner_password can't be read (No such file" in capsys.readouterr().err
