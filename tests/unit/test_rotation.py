"""Secrets made anew: which files, what InfluxDB and Home Assistant are asked, and interruptions."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hems import settings
from hems.logins import State
from hems.rotation import RotationError, home_assistant, kinds, run
from hems.rotation.influxdb import AUTHORIZATIONS, BEFORE, INSTEAD_OF, SECRET, Operator
from hems.settings import Appliance

from tests.unit.appliance_settings import settled_in

ALL = {"action": "read", "resource": {"type": "buckets"}}
ONE = {"action": "read", "resource": {"type": "buckets", "orgID": "o", "id": "b"}}


class Server:
    """InfluxDB's authorizations, and each one's secret by its id."""

    def __init__(self) -> None:
        self.known: dict[str, dict[str, Any]] = {}
        self.secrets: dict[str, str] = {}
        self.cut = False  # the answer to the next POST is lost
        self.add("hems's Token", [ALL], "operator")
        self.add("hems:home_assistant", [ONE], "writer")
        self.add("an engineer's", [ONE], "engineer")

    def add(self, description: str, permissions: list[Any], secret: str) -> dict[str, Any]:
        id_ = f"id{len(self.secrets)}"
        one = {"id": id_, "orgID": "o", "description": description, "permissions": permissions}
        self.known[id_], self.secrets[id_] = one, secret
        return one

    def descriptions(self) -> set[str]:
        return {one["description"] for one in self.known.values()}

    def handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self, status: int, body: Any = None) -> None:
                data = b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def _do(self) -> None:
                text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = json.loads(text) if text else {}
                secret = str(self.headers["Authorization"]).removeprefix("Token ")
                valid = {server.secrets[id_] for id_ in server.known}
                id_ = self.path.removeprefix(AUTHORIZATIONS).strip("/")
                if secret not in valid:
                    self._answer(401, {"message": "unauthorized access"})
                elif self.command == "GET":
                    self._answer(200, {"authorizations": list(server.known.values())})
                elif self.command == "POST":
                    fresh = f"fresh{len(server.secrets)}"
                    made = server.add(body["description"], body["permissions"], fresh)
                    if server.cut:
                        self.close_connection = True
                    else:
                        self._answer(201, made | {"token": fresh})
                elif self.command == "PATCH":
                    server.known[id_] |= body
                    self._answer(200, server.known[id_])
                else:
                    del server.known[id_]
                    self._answer(204)

            def do_GET(self) -> None:
                self._do()

            def do_POST(self) -> None:
                self._do()

            def do_PATCH(self) -> None:
                self._do()

            def do_DELETE(self) -> None:
                self._do()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def port(server: Server) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), server.handler()) as listening:
        threading.Thread(target=listening.serve_forever, args=[0.02], daemon=True).start()
        yield int(listening.server_address[1])
        listening.shutdown()


@pytest.fixture
def operator(port: int, tmp_path: Path) -> Operator:
    file = tmp_path / SECRET
    file.write_text("operator\n")
    return Operator(port, file)


def test_our_tokens_stay_valid_until_the_end_and_nobody_elses_is_touched(
    server: Server, operator: Operator
) -> None:
    assert operator.set_aside() == 1
    assert server.descriptions() == {
        "hems's Token",
        f"{BEFORE}hems:home_assistant",
        "an engineer's",
    }
    assert operator.set_aside() == 0, "an interrupted run sets nothing aside twice"
    assert operator.end() == 1 and operator.end() == 0
    assert server.descriptions() == {"hems's Token", "an engineer's"}


def test_the_operators_token_is_another_one_and_the_old_one_ends_with_the_others(
    server: Server, operator: Operator
) -> None:
    for _ in range(2):
        operator.renew()
        assert operator.end() == 1
        assert operator.file.read_text().startswith("fresh")
        assert operator.file.stat().st_mode & 0o777 == 0o600
        assert len(server.known) == 3


def test_an_operators_token_whose_making_was_interrupted_is_deleted_by_the_next_run(
    server: Server, operator: Operator
) -> None:
    server.cut = True
    with pytest.raises(RotationError, match="does not answer"):
        operator.renew()
    assert operator.file.read_text() == "operator\n"
    assert f"{INSTEAD_OF}id0" in server.descriptions()
    server.cut = False
    operator.renew()
    operator.end()
    assert len(server.known) == 3 and operator.file.read_text().startswith("fresh")


def test_somebody_elses_mighty_token_is_named_and_nothing_is_changed(
    server: Server, operator: Operator
) -> None:
    server.add("a friend's", [ALL], "friend")
    before = server.descriptions()
    with pytest.raises(RotationError, match="'hems's Token', 'a friend's'"):
        operator.renew()
    assert server.descriptions() == before


def test_a_refused_token_is_told_in_one_sentence(operator: Operator) -> None:
    operator.file.write_text("wrong\n")
    with pytest.raises(RotationError, match=r"^InfluxDB answers 401 .*unauthorized access"):
        operator.set_aside()


@pytest.fixture
def appliance(tmp_path: Path, port: int) -> Appliance:
    known = settings.parse(settled_in(tmp_path), Appliance, "hems.toml")
    paths = msgspec.structs.replace(known.paths, secrets=tmp_path)
    ports = msgspec.structs.replace(known.ports, influxdb=port)
    (tmp_path / SECRET).write_text("operator\n")
    return msgspec.structs.replace(known, paths=paths, ports=ports)


def test_the_files_of_a_kind_are_made_anew_and_no_others(
    appliance: Appliance, tmp_path: Path
) -> None:
    names = ["door_password", "door_key", "mqtt_hems", "mqtt_linky", "mqtt_meter", "owner_password"]
    for name in names:
        (tmp_path / name).write_text("before\n")
    said: list[str] = []
    run.begin(appliance, ["door", "mqtt", "hotspot"], [], said.append)
    changed = {name for name in names if (tmp_path / name).read_text() != "before\n"}
    assert changed == {"door_password", "door_key", "mqtt_hems", "mqtt_linky"} == set(said)
    assert not (tmp_path / "hotspot").exists(), "a box without a hotspot gets none"
    assert len((tmp_path / "door_key").read_text()) == kinds.KEY_LENGTH + 1
    run.begin(appliance, [], ["meter"], said.append)
    assert (tmp_path / "mqtt_meter").read_text() != "before\n"


@pytest.mark.parametrize(
    ("wanted", "devices", "words"),
    [(["doors"], [], "'doors' is no kind"), ([], ["kettle"], "'kettle' is no device")],
)
def test_what_is_unknown_is_named_before_anything_is_renewed(
    appliance: Appliance, wanted: list[str], devices: list[str], words: str, tmp_path: Path
) -> None:
    (tmp_path / "door_password").write_text("before\n")
    with pytest.raises(RotationError, match=words):
        run.begin(appliance, ["door", *wanted], devices, print)
    assert (tmp_path / "door_password").read_text() == "before\n"


def test_each_kind_is_one_that_something_renews(appliance: Appliance) -> None:
    made = kinds.files(
        kinds.KINDS, [], appliance.accounts, {f"{kind}_password" for kind in ("door",)}
    )
    assert made == {"door_password": 24}
    asked = {kinds.OWNER, kinds.TOKEN, kinds.TOKENS, kinds.OPERATOR}
    assert set(kinds.KINDS) - asked == {"door", "influxdb", "mqtt", "hotspot"}


class Owner:
    """Home Assistant's owner: the password there, and a cut of the power."""

    password = "first"
    cut = ""  # before or after the change

    def __init__(self, _: Any) -> None:
        """Connect."""

    def __enter__(self) -> Owner:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave."""

    def call(self, kind: str, **fields: Any) -> Any:
        if kind == "config/auth/list":
            return [{"id": "1", "username": None}, {"id": "2", "username": "Owner"}]
        assert kind.endswith("admin_change_password") and fields["user_id"] == "2"
        if Owner.cut == "before":
            raise KeyboardInterrupt
        Owner.password = fields["password"]
        if Owner.cut == "after":
            raise KeyboardInterrupt
        return None


@pytest.fixture
def owner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(Owner, "password", "first")
    monkeypatch.setattr(Owner, "cut", "")
    monkeypatch.setattr(home_assistant, "HomeAssistant", Owner)
    monkeypatch.setattr(
        home_assistant.logins,
        "home_assistant",
        lambda _, __, said: State.RIGHT if said == Owner.password else State.CHANGED,
    )
    (tmp_path / "home_assistant_token").write_text("token")
    (tmp_path / "owner_password").write_text("first\n")
    return tmp_path / "owner_password"


@pytest.mark.parametrize("cut", ["", "before", "after"])
def test_the_owners_password_is_the_one_in_the_file_whenever_the_power_is_cut(
    appliance: Appliance, owner: Path, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    monkeypatch.setattr(Owner, "cut", cut)
    if cut:
        with pytest.raises(KeyboardInterrupt):
            home_assistant.renew_password(appliance)
        monkeypatch.setattr(Owner, "cut", "")
    home_assistant.renew_password(appliance)
    assert owner.read_text() == f"{Owner.password}\n" != "first\n"
    assert not owner.with_name("owner_password.next").exists()


def test_a_password_that_the_owner_has_chosen_is_left_alone(
    appliance: Appliance, owner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Owner, "password", "the owner's own")
    with pytest.raises(RotationError, match="the owner's own"):
        home_assistant.renew_password(appliance)
    assert (Owner.password, owner.read_text()) == ("the owner's own", "first\n")
