"""InfluxDB's set-up: complete after any interruption, and never at the price of what is there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.influxdb_fake import Crash, FakeInflux
from tests.unit.influxdb_modules import api, plan, steps

URL = "http://influxdb"
TOKENS = [
    plan.Token("hems:home_assistant", "home_assistant", frozenset(), frozenset({"home_assistant"})),
    plan.Token(
        "hems:hems",
        "hems",
        frozenset({"home_assistant", "hems_probe"}),
        frozenset({"hems_probe"}),
    ),
]


@pytest.fixture
def wanted(tmp_path: Path) -> Any:
    """The set-up as role influxdb asks for it."""
    (tmp_path / "password").write_text("Good1password\n")
    (tmp_path / "operator").write_text("operator-token\n")
    return steps.Wanted(
        organization="hems",
        username="hems",
        password_file=tmp_path / "password",
        operator_token_file=tmp_path / "operator",
        metadata=Path("influxd.bolt"),
        buckets=[plan.Bucket("home_assistant", 0), plan.Bucket("hems_probe", 86400)],
        token_directory=tmp_path,
        tokens=TOKENS,
    )


def run(server: FakeInflux, wanted: Any, check_mode: bool = False) -> list[str]:
    """Run the set-up and return what it did."""
    setup = steps.Setup(server, wanted, check_mode)
    setup.run()
    return list(setup.did)


def complete(server: FakeInflux, wanted: Any) -> None:
    """Assert that everything is there and that nothing is left to do."""
    assert run(server, wanted) == []
    tokens = {token["description"]: token for token in server.tokens}
    assert len(tokens) == len(server.tokens) == len(TOKENS)
    for one in TOKENS:
        kept = tokens[one.description]
        path = wanted.token_directory / one.file
        assert path.read_text() == kept["token"] + "\n"
        assert path.stat().st_mode & 0o777 == 0o600


def test_an_empty_server_is_set_up(wanted: Any) -> None:
    server = FakeInflux()
    assert run(server, wanted) == [
        "set up",
        "made bucket hems_probe",
        "made token hems:home_assistant",
        "made token hems:hems",
    ]
    assert server.may("token-1", "write") == {"home_assistant"}
    assert server.may("token-1", "read") == set()
    assert server.may("token-2", "read") == {"home_assistant", "hems_probe"}
    assert server.may("token-2", "write") == {"hems_probe"}
    complete(server, wanted)


def test_a_second_run_changes_nothing(wanted: Any) -> None:
    server = FakeInflux()
    run(server, wanted)
    server.calls.clear()
    assert run(server, wanted) == []
    changing = [call for call in server.calls if not call.startswith("GET")]
    asks = {"POST /api/v2/signin", "POST /api/v2/signout", "POST /api/v2/write"}
    assert set(changing) <= asks


def test_check_mode_only_tells(wanted: Any) -> None:
    server = FakeInflux()
    assert run(server, wanted, check_mode=True) == ["set up"]
    assert not server.operator
    run(server, wanted)
    del server.buckets["hems_probe"]
    (wanted.token_directory / "hems").unlink()
    before = list(server.tokens)
    assert run(server, wanted, check_mode=True) == [
        "made bucket hems_probe",
        "made token hems:hems",
    ]
    assert server.tokens == before
    assert not (wanted.token_directory / "hems").exists()


@pytest.mark.parametrize(
    "request_",
    [
        "POST /api/v2/setup",
        "POST /api/v2/buckets",
        "POST /api/v2/authorizations",
        "PATCH /api/v2/authorizations",
        "DELETE /api/v2/authorizations",
    ],
)
def test_a_set_up_that_died_is_finished(wanted: Any, request_: str) -> None:
    server = FakeInflux()
    if request_.startswith(("PATCH", "DELETE")):  # only a replacement gets there
        run(server, wanted)
        (wanted.token_directory / "home_assistant").write_text("stale")
    server.crash_after = request_
    with pytest.raises(Crash):
        run(server, wanted)
    run(server, wanted)
    complete(server, wanted)


@pytest.mark.parametrize("content", [None, "", "stale", "token-2"])
def test_a_token_whose_file_does_not_hold_it_is_replaced(wanted: Any, content: str | None) -> None:
    server = FakeInflux()
    run(server, wanted)
    path = wanted.token_directory / "home_assistant"
    path.unlink()
    if content is not None:
        path.write_text(content)
    assert run(server, wanted) == ["made token hems:home_assistant"]
    assert "token-1" not in [token["token"] for token in server.tokens]
    assert path.read_text() == "token-3\n"


def test_a_token_that_may_more_is_replaced(wanted: Any) -> None:
    server = FakeInflux()
    run(server, wanted)
    read = {
        "action": "read",
        "resource": {"type": "buckets", "id": server.buckets["home_assistant"]["id"]},
    }
    server.tokens[0]["permissions"] = [*server.tokens[0]["permissions"], read]
    assert run(server, wanted) == ["made token hems:home_assistant"]
    assert server.may("token-3", "read") == set()


def test_an_inactive_token_is_replaced(wanted: Any) -> None:
    server = FakeInflux()
    run(server, wanted)
    server.tokens[1]["status"] = "inactive"
    assert run(server, wanted) == ["made token hems:hems"]


def test_other_tokens_are_left_alone(wanted: Any) -> None:
    server = FakeInflux()
    run(server, wanted)
    server.tokens.append(
        {**server.tokens[0], "id": "f" * 16, "description": "Grafana", "token": "x"}
    )
    (wanted.token_directory / "home_assistant").write_text("stale")
    run(server, wanted)
    assert "Grafana" in [token["description"] for token in server.tokens]


def test_a_retention_that_is_anothers_business_is_left_alone(wanted: Any) -> None:
    server = FakeInflux()
    others = [plan.Bucket("home_assistant", None), plan.Bucket("hours", None, 7862400)]
    run(server, replace(wanted, buckets=[*others, *wanted.buckets[1:]]))
    assert plan.retention(server.buckets["hours"]) == 0
    assert server.buckets["hours"]["retentionRules"][0]["shardGroupDurationSeconds"] == 7862400
    server.buckets["hours"]["retentionRules"] = [{"type": "expire", "everySeconds": 7776000}]
    assert run(server, replace(wanted, buckets=[*others, *wanted.buckets[1:]])) == []


def test_retention_is_corrected(wanted: Any) -> None:
    server = FakeInflux()
    run(server, wanted)
    server.buckets["hems_probe"]["retentionRules"] = []
    assert run(server, wanted) == ["set retention of bucket hems_probe"]
    assert plan.retention(server.buckets["hems_probe"]) == 86400


def test_log_in_follows_its_secret_and_its_name(wanted: Any) -> None:
    server = FakeInflux()
    run(server, wanted)
    server.username, server.password = "someone", "Other1password"
    assert run(server, wanted) == ["set the log-in's name and password"]
    assert (server.username, server.password) == ("hems", "Good1password")


def test_somebody_elses_server_is_refused_and_untouched(wanted: Any) -> None:
    server = FakeInflux()
    server.operator, server.username = "theirs", "them"
    with pytest.raises(api.InfluxdbProblem, match="was set up before") as told:
        run(server, wanted)
    assert "influxd recovery auth create-operator" in str(told.value)
    assert "nothing was changed" in str(told.value)
    assert all(call.startswith("GET") for call in server.calls)


def test_a_lesser_token_is_not_taken_for_the_operators(wanted: Any) -> None:
    server = FakeInflux()
    run(server, wanted)
    wanted.operator_token_file.write_text("token-2")
    with pytest.raises(api.InfluxdbProblem, match="does not accept the operator token"):
        run(server, wanted)


def test_a_weak_password_is_named(wanted: Any) -> None:
    wanted.password_file.write_text("onlyletters")
    server = FakeInflux()
    with pytest.raises(api.InfluxdbProblem, match="hems_secret_influxdb_password") as told:
        run(server, wanted)
    assert "three of the following character types" in str(told.value)
    assert "onlyletters" not in str(told.value)
    assert not server.operator


def test_a_weak_new_password_is_named(wanted: Any) -> None:
    server = FakeInflux()
    run(server, wanted)
    wanted.password_file.write_text("onlyletters")
    with pytest.raises(api.InfluxdbProblem, match="hems_secret_influxdb_password"):
        run(server, wanted)


def test_a_missing_secret_is_named(wanted: Any) -> None:
    wanted.operator_token_file.unlink()
    with pytest.raises(api.InfluxdbProblem, match="is missing or empty"):
        run(FakeInflux(), wanted)


def test_a_server_that_does_not_answer_is_named() -> None:
    server = FakeInflux()
    server.down = True
    with pytest.raises(api.InfluxdbProblem, match=r"did not get ready .*Connection refused"):
        api.wait_until_ready(server, URL, 0)


def test_a_page_is_no_answer() -> None:
    with pytest.raises(api.InfluxdbProblem, match="it answered 200"):
        api.wait_until_ready(lambda _: api.Answer(200, "<html>"), URL, 0)


def test_secrets_are_not_shown() -> None:
    request = api.Request(
        "GET", "/", authorization=api.token("secret-token"), cookie="secret-cookie"
    )
    assert "secret-" not in repr(request)


def test_a_token_that_nobody_asks_for_any_more_is_gone_with_its_file(wanted: Any) -> None:
    server = FakeInflux()
    gone = plan.Token(
        "hems:kettle", "influxdb_token_kettle", frozenset({"hems_probe"}), frozenset()
    )
    run(server, replace(wanted, tokens=[*TOKENS, gone]))
    assert run(server, wanted) == []  # nobody says that all of them are ours
    server.tokens.append({**server.tokens[0], "id": "f" * 16, "description": "Grafana"})
    check = replace(wanted, owned="hems:")
    expected = ["deleted token hems:kettle", "removed influxdb_token_kettle"]
    assert run(server, check, check_mode=True) == expected
    assert run(server, check) == expected
    assert run(server, check) == []
    assert {one["description"] for one in server.tokens} == {
        *(one.description for one in TOKENS),
        "Grafana",
    }
    assert not (wanted.token_directory / "influxdb_token_kettle").exists()
