"""From a Linky's labels to Home Assistant's entities, and what is remembered between."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hems.linky import announce, forget, store
from hems.linky.labels import HISTORIQUE, LABELS, STANDARD, Kind, Mode, clock_of, value_of
from hems.linky.meter import State, name_of
from hems.linky.tracker import Meter, Tracker
from hems.linky.values import read

SALT = b"salt"
STANDARD_FRAME = {
    "ADSC": "041776199277",
    "DATE": "H250101120000|",
    "NGTF": "      BASE      ",
    "LTARF": "      BASE      ",
    "EAST": "002565285",
    "EASF01": "002565285",
    "EAIT": "",
    "IRMS1": "002",
    "URMS1": "233",
    "PREF": "06",
    "SINSTS": "00420",
    "SINST1": "00420",
    "SMAXSN": "H250101093012|03381",
    "CCASN": "|",
    "PRM": "12345678901234",
    "STGE": "003A0001",
    "NEW": "1",
}


class Broker:
    """Takes what would be published."""

    def __init__(self, connected: bool = True) -> None:
        self.connected, self.sent = connected, list[announce.Message]()

    def send(self, messages: list[announce.Message]) -> bool:
        self.sent += messages
        return self.connected

    @property
    def states(self) -> list[dict[str, Any]]:
        return [json.loads(one.payload) for one in self.sent if one.topic.endswith("/state")]


def test_a_standard_frame_is_read() -> None:
    found = read(STANDARD_FRAME, SALT, 60.0)
    assert found is not None and found.damaged == ()
    reading = found.reading
    assert reading.mode is Mode.STANDARD
    assert reading.values == {
        "NGTF": "BASE",
        "LTARF": "BASE",
        "EAST": 2565285,
        "EASF01": 2565285,
        "EAIT": None,
        "IRMS1": 2,
        "URMS1": 233,
        "PREF": 6,
        "SINSTS": 420,
        "SINSTS1": 420,
        "SMAXSN": 3381,
        "CCASN": None,
    }


def test_who_the_meter_is_is_told_apart_and_not_kept() -> None:
    one, other = (read({**STANDARD_FRAME, "ADSC": n}, SALT, None) for n in ("0417", "0418"))
    assert one is not None and other is not None
    assert one.reading.meter != other.reading.meter
    assert "041776199277" not in repr(read(STANDARD_FRAME, SALT, None))
    assert "12345678901234" not in repr(read(STANDARD_FRAME, SALT, None))


@pytest.mark.parametrize("text", ["x", "-5", "1.5", "1e3", "٣", "0x10", "²", "9" * 10, "9" * 3000])
def test_what_is_no_number_is_damaged_and_left_out(text: str) -> None:
    with pytest.raises(ValueError, match="EAST"):
        value_of("EAST", text)
    found = read({**STANDARD_FRAME, "EAST": text}, SALT, None)
    assert found is not None and found.damaged == ("EAST",)
    assert "EAST" not in found.reading.values


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("H250101120000|", 0),
        ("H250101120000", 0),
        ("E250101120000|", -3600),  # summer time is an hour ahead
        (" 250101120000|", 0),  # overseas: no season
        ("h250101120000|", None),  # the meter does not trust its clock
        ("H251301120000|", None),
        ("", None),
    ],
)
def test_the_meters_clock(text: str, seconds: int | None) -> None:
    noon = 1_735_732_800
    assert clock_of(text) == (None if seconds is None else noon + seconds)


def test_what_is_no_linky_is_none() -> None:
    assert read({}, SALT, None) is None
    assert read({"hello": "world"}, SALT, None) is None


def test_every_label_has_an_entity_of_a_name_of_its_own() -> None:
    names = [name_of(label) for label in LABELS]
    assert len(set(names)) == len(names)
    shown = {"EAST", "LTARF", "PTEC"}
    assert set(announce.ENTITIES) == {name_of(one) for one in LABELS.keys() - shown} | {
        "energy",
        "power",
        "tariff",
    }
    assert not set(HISTORIQUE) & set(STANDARD)


def test_discovery_is_what_home_assistant_takes() -> None:
    found = announce.discovery(
        "hems_ha", "linky", "Linky", ["energy", "sinsts", "tariff", "unknown"], 300
    )
    assert all(message.retain for message in found)
    configs = {message.topic: json.loads(message.payload) for message in found}
    assert set(configs) == {
        f"hems_ha/sensor/linky/linky_{name}/config" for name in ("energy", "sinsts", "tariff")
    }
    energy = configs["hems_ha/sensor/linky/linky_energy/config"]
    assert energy["default_entity_id"] == "sensor.linky_energy"
    assert (energy["device_class"], energy["unit_of_measurement"], energy["state_class"]) == (
        "energy",
        "kWh",
        "total_increasing",
    )
    assert energy["expire_after"] == 300
    tariff = configs["hems_ha/sensor/linky/linky_tariff/config"]
    assert "state_class" not in tariff and "unit_of_measurement" not in tariff


def test_power_is_a_measurement_and_a_contract_is_not() -> None:
    assert Kind.APPARENT_POWER.state_class == "measurement"
    assert Kind.SUBSCRIBED_POWER.state_class == ""


def tracker(path: Path, said: list[str] | None = None) -> Tracker:
    lines = [] if said is None else said
    return Tracker(Meter("linky", "Linky", 300, "hems_ha"), path, lines.append)


def test_a_meter_is_remembered_over_a_restart(tmp_path: Path) -> None:
    broker: Any = Broker()
    first = tracker(tmp_path)
    assert first.take(broker, STANDARD_FRAME, 10.0) is True
    first.save(11.0)
    assert (tmp_path / "linky.json").stat().st_mode & 0o777 == 0o600
    assert "041776199277" not in (tmp_path / "linky.json").read_text()
    second = tracker(tmp_path)
    assert second.take(broker, {**STANDARD_FRAME, "EAST": "000000001"}, 20.0) is False
    assert second.take(broker, {**STANDARD_FRAME, "EAST": "002565300"}, 80.0) is True
    assert [state["energy"] for state in broker.states] == [2565.285, 2565.3]


def test_an_exchanged_meter_is_remembered_at_once(tmp_path: Path) -> None:
    """Or a power cut within the minutes until the next write would undo it."""
    broker: Any = Broker()
    first = tracker(tmp_path)
    first.take(broker, STANDARD_FRAME, 10.0)
    for second in range(3):
        index = f"{1000 + second:09d}"
        first.take(broker, {**STANDARD_FRAME, "ADSC": "0418", "EAST": index}, 20.0 + second)
    after_a_power_cut = tracker(tmp_path)
    assert after_a_power_cut.state.total == first.state.total == 2_565_287
    assert after_a_power_cut.state.raw["EAST"] == 1002


@pytest.mark.parametrize("salt", ["", "00" * 15, "00" * 65, "xx"])
def test_a_salt_that_nothing_can_be_hidden_with_is_refused(salt: str) -> None:
    content = json.loads(store.to_json(store.Kept()))
    with pytest.raises(store.StoreError):
        store.from_json(json.dumps(content | {"salt": salt}))


def test_a_file_that_can_not_even_be_set_aside_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "linky.json").write_text("{")

    def refuse(*_: Any) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "rename", refuse)
    said: list[str] = []
    assert tracker(tmp_path, said).take(Broker(), STANDARD_FRAME, 10.0) is True  # type: ignore[arg-type]
    assert "Read-only" in said[0]


def test_new_labels_are_announced_once(tmp_path: Path) -> None:
    broker: Any = Broker()
    one = tracker(tmp_path)
    for number in range(3):
        one.take(broker, STANDARD_FRAME, 60.0 * number)
    announced = [message.topic for message in broker.sent if message.topic.endswith("config")]
    assert len(announced) == len(set(announced))
    assert "hems_ha/sensor/linky/linky_urms1/config" in announced
    assert "hems_ha/sensor/linky/linky_ccasn/config" not in announced


@pytest.mark.parametrize("content", ["", "{", "null", "\0" * 100, '{"format": 2}', '{"format": 1}'])
def test_a_broken_file_is_set_aside_and_said(tmp_path: Path, content: str) -> None:
    path = tmp_path / "linky.json"
    path.write_text(content)
    said: list[str] = []
    one = Tracker(Meter("linky", "Linky", 300, "hems_ha"), tmp_path, said.append)
    assert one.state == State()
    assert len(said) == 1 and ".broken" in said[0]
    (aside,) = tmp_path.glob("*.broken")
    assert aside.read_text() == content


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    state = State(
        "ab", Mode.STANDARD, {"EAST": 5}, 1.5, {"EAST": 7}, 7, dropped={"jump": 2}, changed="x"
    )
    kept = store.Kept(state, bytes(range(16)), 12.5)
    store.save(tmp_path / "linky.json", kept)
    assert store.load(tmp_path / "linky.json") == (kept, "")


def test_a_meter_that_the_site_no_longer_has_is_taken_out(tmp_path: Path) -> None:
    for name in ("linky", "old"):
        store.save(tmp_path / f"{name}.json", store.Kept())
    assert [path.name for path in forget.gone(tmp_path, {"linky"})] == ["old.json"]
    assert forget.gone(tmp_path, {"linky", "old"}) == []
    messages = forget.withdrawals("hems_ha", "old")
    assert {message.payload for message in messages} == {""}
    assert all(message.retain for message in messages)
    topics = {message.topic for message in messages}
    assert len(topics) == len(announce.ENTITIES)
    assert "hems_ha/sensor/linky/old_energy/config" in topics
