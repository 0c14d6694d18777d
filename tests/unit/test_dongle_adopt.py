"""The dongle is adopted once, by ZHA's config flow, which is left tidy when it fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hems import HemsError
from hems.home_assistant import Access, HomeAssistantError
from hems.lock import LockedError, appliance_lock
from hems.settings import Appliance, parse
from hems.zigbee import adopt, adopted, dongle
from hems.zigbee.flow import FlowError

from tests.unit.appliance_settings import settled_in
from tests.unit.test_dongle_flow import CREATED, DEVICE, FORM, PROGRESS, SETUP, formation

NEEDED = [{"domain": "mqtt", "data": {}}, {"domain": "influxdb", "data": {}}]


class Server:
    """Home Assistant's flow API: answers in their order, and what was sent."""

    def __init__(self, *steps: dict[str, Any] | BaseException) -> None:
        self.steps = list(steps)
        self.sent: list[tuple[str, str, Any]] = []
        self.entries: list[dict[str, Any]] = []

    def rest(
        self,
        _access: Access,
        method: str,
        path: str,
        body: Any = None,
        _timeout: float = 0,
        **_: Any,
    ) -> Any:
        if "/entry" in path:
            return self.entries
        self.sent.append((method, path, body))
        if method == "DELETE":
            return {}
        step = self.steps.pop(0)
        if isinstance(step, BaseException):
            raise step
        return step


@pytest.fixture
def box(tmp_path: Path) -> Appliance:
    storage = tmp_path / ".storage"
    storage.mkdir()
    (storage / "core.config_entries").write_text(json.dumps({"data": {"entries": NEEDED}}))
    return parse(settled_in(tmp_path), Appliance, "hems.toml")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Server]:
    def serve(*steps: dict[str, Any] | BaseException) -> Server:
        made = Server(*steps)
        monkeypatch.setattr(adopt, "rest", made.rest)
        monkeypatch.setattr(adopt.entries, "rest", made.rest)
        monkeypatch.setattr(adopt, "access_of", lambda _appliance: Access(1, "token"))
        monkeypatch.setattr(adopt, "wait_running", lambda _access, _seconds: None)
        monkeypatch.setattr(adopt, "_end_discovered", lambda _access: None)
        monkeypatch.setattr(adopt.time, "sleep", lambda _seconds: None)
        monkeypatch.setattr(dongle, "plugged", lambda _wanted: [Path(DEVICE)])
        return made

    return serve


def test_a_blank_dongle_gets_a_network(box: Appliance, server: Callable[..., Server]) -> None:
    options = formation("upload_manual_backup", "form_initial_network")
    home_assistant = server(FORM, SETUP, options, PROGRESS, PROGRESS, CREATED)
    adopt.adopt(box, lambda _words: None)
    assert [body for _, _, body in home_assistant.sent] == [
        {"handler": "zha"},
        {"path": DEVICE},
        {"next_step_id": "setup_strategy_advanced"},
        {"next_step_id": "form_initial_network"},
        None,
        None,
    ]
    assert adopted.load(box.paths.root_run) == adopted.Adopted(device=DEVICE)


def test_what_home_assistant_began_for_the_dongle_by_itself_is_ended(
    box: Appliance, monkeypatch: pytest.MonkeyPatch, server: Callable[..., Server]
) -> None:
    discovered = [
        {"flow_id": "f2", "handler": "zha", "context": {"source": "usb"}},
        {"flow_id": "f3", "handler": "zha", "context": {"source": "user"}},
        {"flow_id": "f4", "handler": "zwave_js", "context": {"source": "usb"}},
    ]

    class Connection:
        def __init__(self, _access: Access) -> None: ...

        def __enter__(self) -> Connection:
            return self

        def __exit__(self, *_: object) -> None: ...

        def call(self, kind: str) -> list[dict[str, Any]]:
            assert kind == "config_entries/flow/progress"
            return discovered

    end_discovered = adopt._end_discovered
    home_assistant = server(CREATED)
    monkeypatch.setattr(adopt, "HomeAssistant", Connection)
    monkeypatch.setattr(adopt, "_end_discovered", end_discovered)
    adopt.adopt(box, lambda _words: None)
    deleted = [path for method, path, _ in home_assistant.sent if method == "DELETE"]
    assert deleted == ["/api/config/config_entries/flow/f2"]


def test_a_failed_flow_is_deleted_and_its_reason_left(
    box: Appliance, server: Callable[..., Server]
) -> None:
    home_assistant = server(FORM, {**FORM, "step_id": "manual_pick_radio_type"})
    with pytest.raises(FlowError):
        adopt.adopt(box, lambda _words: None)
    assert home_assistant.sent[-1][:2] == ("DELETE", "/api/config/config_entries/flow/f1")
    assert "does not answer" in adopted.load(box.paths.root_run).problem


def test_a_flow_is_deleted_too_when_the_box_is_told_to_stop(
    box: Appliance, server: Callable[..., Server]
) -> None:
    home_assistant = server(FORM, SystemExit(143))
    with pytest.raises(SystemExit):
        adopt.adopt(box, lambda _words: None)
    assert home_assistant.sent[-1][0] == "DELETE"


def write_entry(box: Appliance) -> None:
    """Have an entry on disk."""
    entry = {"domain": "zha", "source": "user", "data": {"device": {"path": "/dev/own"}}}
    file = box.home_assistant.directory / ".storage/core.config_entries"
    file.write_text(json.dumps({"data": {"entries": [*NEEDED, entry]}}))


@pytest.mark.parametrize("running", [True, False])
def test_an_entry_is_left_alone(
    box: Appliance,
    server: Callable[..., Server],
    monkeypatch: pytest.MonkeyPatch,
    running: bool,
) -> None:
    home_assistant = server()
    home_assistant.entries = [{"entry_id": "e", "state": "setup_retry", "source": "user"}]
    if not running:
        monkeypatch.setattr(adopt, "access_of", silent)
    write_entry(box)
    said: list[str] = []
    adopt.adopt(box, said.append)
    assert home_assistant.sent == []
    assert adopted.load(box.paths.root_run).device == "/dev/own"
    assert said[0] == "Home Assistant has its Zigbee dongle already: /dev/own."
    # Who was sent here by the issue must not be sent back to it.
    wrong = [words for words in said if "Zigbee does not work, it is setup_retry" in words]
    assert len(wrong) == (1 if running else 0)


def silent(_appliance: Appliance) -> Access:
    raise HomeAssistantError("Home Assistant does not answer.")


def test_an_entry_that_was_deleted_a_moment_ago_is_not_believed(
    box: Appliance, server: Callable[..., Server]
) -> None:
    """Home Assistant writes its file seconds later."""
    server(CREATED)
    write_entry(box)
    adopt.adopt(box, lambda _words: None)
    assert adopted.load(box.paths.root_run).device == DEVICE


@pytest.mark.parametrize(
    ("entries", "named"),
    [([], "MQTT and InfluxDB"), (NEEDED[:1], "lost InfluxDB"), (NEEDED[1:], "lost MQTT")],
)
def test_without_the_other_integrations_it_does_not_say_ok(
    box: Appliance, server: Callable[..., Server], entries: list[dict[str, Any]], named: str
) -> None:
    server(CREATED)
    file = box.home_assistant.directory / ".storage/core.config_entries"
    file.write_text(json.dumps({"data": {"entries": entries}}))
    with pytest.raises(HemsError, match=named) as error:
        adopt.adopt(box, lambda _words: None)
    assert "run the whole playbook" in str(error.value)
    # The dongle itself is well.
    assert adopted.load(box.paths.root_run) == adopted.Adopted(device=DEVICE)


def test_an_entry_younger_than_the_file_is_left_alone(
    box: Appliance, server: Callable[..., Server]
) -> None:
    home_assistant = server()
    home_assistant.entries = [{"entry_id": "e", "state": "loaded", "source": "user"}]
    adopt.adopt(box, lambda _words: None)
    assert home_assistant.sent == []


def test_no_dongle_is_no_failure(
    box: Appliance, server: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server()
    monkeypatch.setattr(dongle, "plugged", lambda _wanted: [])
    said: list[str] = []
    adopt.adopt(box, said.append)
    assert said[0].startswith("No known Zigbee dongle is plugged in")
    assert adopted.load(box.paths.root_run) == adopted.Adopted()


def test_a_site_without_zigbee_takes_none(box: Appliance, server: Callable[..., Server]) -> None:
    home_assistant = server()
    none = msgspec.structs.replace(
        box, features=msgspec.structs.replace(box.features, zigbee=False)
    )
    said: list[str] = []
    adopt.adopt(none, said.append)
    assert said == ["This site has no Zigbee: hems_zigbee_enabled is false."]
    assert home_assistant.sent == []


def test_home_assistants_silence_is_left_as_the_reason(
    box: Appliance, server: Callable[..., Server]
) -> None:
    server(HomeAssistantError("Home Assistant does not answer."))
    with pytest.raises(HomeAssistantError):
        adopt.adopt(box, lambda _words: None)
    assert adopted.load(box.paths.root_run).problem == "Home Assistant does not answer."


def test_a_note_that_can_t_be_read_says_nothing(tmp_path: Path) -> None:
    assert adopted.load(tmp_path) == adopted.Adopted()
    (tmp_path / adopted.FILE).write_text("{")
    assert adopted.load(tmp_path) == adopted.Adopted()


def test_two_adoptions_never_run_at_once(
    box: Appliance, server: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = server()
    monkeypatch.setattr(adopt, "WAIT_SECONDS", 0.0)
    with (
        appliance_lock(box.paths.root_run / adopt.LOCK, adopt.WORK),
        pytest.raises(LockedError, match="held by the Zigbee adoption"),
    ):
        adopt.adopt(box, print)
    assert made.sent == []
