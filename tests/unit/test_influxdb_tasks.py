"""Flux tasks are those of the playbook, and an engineer's own are left alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.influxdb_fake import FakeInflux
from tests.unit.influxdb_modules import api, tasks

OWNED = "hems:"


class Server:
    """A server's tasks, and what is done to them."""

    def __init__(self) -> None:
        self.fake = FakeInflux()
        self.fake.operator = "operator"
        self.did: list[str] = []

    @property
    def tasks(self) -> list[dict[str, Any]]:
        return self.fake.tasks

    def ask(self, method: str, path: str, *good: int, **more: Any) -> Any:
        answer = self.fake(api.Request(method, path, authorization="Token operator", **more))
        assert answer.status in good
        return answer

    def keep(self, wanted: list[Any], check_mode: bool = False) -> list[str]:
        self.did = []

        def do(words: str, step: Callable[[], Any]) -> None:
            self.did.append(words)
            if not check_mode:
                step()

        tasks.keep(self.ask, "org", wanted, OWNED, do)
        return self.did


def flux(name: str, more: str = "") -> Any:
    return tasks.Task(name, f'option task = {{name: "{name}", every: 1h}}\n{more}')


def test_tasks_are_those_of_their_texts() -> None:
    server = Server()
    both = [flux("hems:hourly"), flux("hems:daily")]
    check = ["made task hems:hourly", "made task hems:daily"]
    assert server.keep(both, check_mode=True) == check
    assert not server.tasks
    assert server.keep(both) == check
    assert server.keep(both) == []
    # Another text, and one that somebody stopped.
    server.tasks[1]["status"] = "inactive"
    changed = [flux("hems:hourly", "// new"), flux("hems:daily")]
    updates = ["updated task hems:hourly", "updated task hems:daily"]
    assert server.keep(changed, check_mode=True) == updates
    assert server.keep(changed) == updates
    names = [(one["name"], one["status"]) for one in server.tasks]
    assert names == [("hems:hourly", "active"), ("hems:daily", "active")]
    assert server.tasks[0]["flux"].endswith("// new")


def test_what_nobody_asks_for_any_more_goes_and_an_engineers_stays() -> None:
    server = Server()
    server.keep([flux("hems:hourly"), flux("hems:daily")])
    server.fake.tasks += [{**server.tasks[0], "id": "e" * 16}]  # an interrupted run's second one
    server.fake.tasks += [{**server.tasks[0], "id": "f" * 16, "name": "Grafana"}]
    fewer = [flux("hems:hourly")]
    assert server.keep(fewer) == ["deleted task hems:daily", "deleted task hems:hourly"]
    assert [one["name"] for one in server.tasks] == ["hems:hourly", "Grafana"]
    assert server.keep(fewer) == []
    assert server.keep([]) == ["deleted task hems:hourly"]


def test_a_server_without_tasks_has_none_to_delete(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    monkeypatch.setattr(server.fake, "task", lambda _: api.Answer(501, {"message": "not here"}))
    assert server.keep([]) == []
    with pytest.raises(AssertionError):
        server.keep([flux("hems:hourly")])
