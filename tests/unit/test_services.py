"""The services' entries: what the roles render, what is refused, and what takes nothing down."""

from __future__ import annotations

from pathlib import Path

import pytest
from hems import probes, services
from hems.health.catalogue import KINDS, SEVERITIES
from hems.settings import SettingsError
from hems.watchdog import startup

from tests.unit.service_entries import entries

GOOD = """
title = "Example"
unit = "example.service"
[probe]
kind = "http"
port = 4711
[health]
code = "example_down"
severity = "warning"
blink = 9
title = "The example does not answer"
meaning = "Nothing is missed."
"""


def test_every_role_says_what_its_services_are() -> None:
    found = entries()
    assert {"mosquitto", "influxdb", "home_assistant", "nginx", "door", "discovery"} <= set(found)
    assert list(found)[:3] == ["mosquitto", "discovery", "influxdb"]
    doors = {(one.port, one.protocol, one.sources) for e in found.values() for one in e.doors}
    assert doors == {
        (10022, "tcp", ("lan",)),
        (10080, "tcp", ("lan", "hotspot")),
        (10443, "tcp", ("lan",)),
        (18883, "tcp", ("lan", "hotspot")),
        (17845, "tcp", ("lan",)),
        (5353, "udp", ("lan",)),
    }
    assert {door.port for door in entries(mosquitto_lan_enabled=False)["mosquitto"].doors} == set()


def test_every_issue_of_a_service_says_everything_to_everybody() -> None:
    kinds = [services.kind_of(one, e.unit) for e in entries().values() for one in e.healths]
    assert len({kind.code for kind in kinds}) == len(kinds)
    for kind in kinds:
        assert kind.severity in SEVERITIES and kind.code not in KINDS
        for words in (kind.meaning, kind.does, kind.cure):
            assert words.endswith(".") and "\n" not in words, kind.code
        assert kind.title and not kind.title.endswith(".")


def test_the_page_explains_every_code() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/health.md").read_text()
    for entry in entries().values():
        for one in entry.healths:
            assert f"| `{one.code}` | {one.severity} | {one.blink} | {one.title} |" in page


def test_the_cure_names_the_unit_where_the_entry_says_none() -> None:
    kind = services.parse_entry(GOOD, "example.toml").kind
    assert kind is not None
    assert kind.cure == "'hems why' and 'journalctl -u example' say what happened."


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("title", "titel", "unknown key 'titel'"),
        ('"http"', '"htp"', "key 'probe.kind'"),
        ("4711", "99999", "key 'probe.port'"),
        ("blink = 9", "blink = 0", "key 'health.blink'"),
        ('"warning"', '"notice"', "key 'health.severity'"),
        ("example.service", "--help", "key 'unit'"),
        ("example.service", "example@.service", "key 'unit'"),
        ('"example.service"', "'example.service'", "write the unit on a line of its own"),
        ("example_down", "disk_full", "the code 'disk_full' is the box's own"),
        ("[health]", "[[doors]]", "doors[0].code"),
        ("Nothing is missed.", "Nothing is missed", "key 'health.meaning'"),
    ],
)
def test_a_mistake_is_one_sentence_with_file_and_key(old: str, new: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        services.parse_entry(GOOD.replace(old, new, 1), "/etc/hems/services.d/example.toml")
    sentence = str(caught.value)
    assert said in sentence
    assert sentence.startswith("/etc/hems/services.d/example.toml: ")
    assert "\n" not in sentence


def test_an_entry_without_words_can_not_be_watched() -> None:
    text = GOOD[: GOOD.index("[health]")]
    with pytest.raises(SettingsError, match=r"add \[health\], or watched = false"):
        services.parse_entry(text, "example.toml")
    assert services.parse_entry(f"watched = false\n{text}", "example.toml").kind is None


def test_what_somebody_else_left_there_takes_nothing_down(tmp_path: Path) -> None:
    (tmp_path / "example.toml").write_text(GOOD)
    (tmp_path / "broken.toml").write_bytes(b"\xff\x00")
    (tmp_path / "directory.toml").mkdir()
    (tmp_path / "loop.toml").symlink_to(tmp_path / "loop.toml")
    (tmp_path / "example-2.toml").write_text(GOOD)
    (tmp_path / "example-3.toml").write_text(GOOD.replace("example.service", "other.service"))
    (tmp_path / ".draft.toml").write_text("x")
    (tmp_path / "README").write_text("no entry")
    found = services.read_all(tmp_path)
    assert list(found.entries) == ["example"]
    assert len(found.problems) == 5
    for name in ("broken", "directory", "loop", "example-2", "example-3"):
        assert sum(f"{tmp_path}/{name}.toml" in one for one in found.problems) == 1, name
    assert "\n" not in "".join(found.problems)


def test_a_box_without_entries_has_none(tmp_path: Path) -> None:
    assert services.read_all(tmp_path / "gone") == services.Found({})


def test_the_watchdog_goes_on_with_what_an_entry_said_last(tmp_path: Path) -> None:
    directory, kept = tmp_path / "etc", tmp_path / "kept"
    (directory / "services.d").mkdir(parents=True)
    file = directory / "services.d/example.toml"
    file.write_text(GOOD)
    startup.keep_entries(directory, kept)
    file.write_text("")
    found = startup.entries(directory, kept)
    assert found.entries["example"].title == "Example"
    assert len(found.problems) == 1 and str(file) in found.problems[0]
    startup.keep_entries(directory, kept)  # of what can't be used, the copy stays
    assert startup.entries(directory, kept) == found
    file.unlink()
    assert startup.entries(directory, kept) == services.Found({})
    startup.keep_entries(directory, kept)
    assert list((kept / "services.d").iterdir()) == []


def test_every_kind_of_probe_can_be_asked() -> None:
    asked = {type(one.probe): probes.question(one.probe, "box.local") for one in entries().values()}
    without = {kind for kind, question in asked.items() if question is None}
    assert without == {services.UnitState, services.NetworkManager}


def test_the_checker_that_the_roles_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "example.toml"
    file.write_text(GOOD)
    monkeypatch.setattr("sys.argv", ["services", str(file)])
    assert services.main() == 0
    file.write_text(GOOD.replace("[probe]", "[prob]"))
    assert services.main() == 1
    assert "unknown key 'prob'" in capsys.readouterr().err
