"""What the hotspot's daemon starts from, and what it reads and tells."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import msgspec
import pytest
from hems import HemsError
from hems import hotspot_status as status
from hems.hotspot_status import Status
from hems.leds.pins import PinsError, make_factory
from hems.onboarding import button
from hems.onboarding.button import Button
from hems.onboarding.core import hotspot_name
from hems.onboarding.daemon import passphrase
from hems.onboarding.hotspot import has_default_route
from hems.process import Surroundings

from tests.unit.onboarding_house import OWN


def test_a_way_out_is_seen_in_the_kernels_tables() -> None:
    head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n"
    lan = "eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    out = "eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
    nowhere = (
        f"{'0' * 32} 00 {'0' * 32} 00 {'0' * 32} ffffffff 00000001 00000000 00200200       lo\n"
    )
    out6 = nowhere.replace("lo", "wlan0")
    assert not has_default_route(head + lan, nowhere)
    assert has_default_route(head + lan + out, "")
    assert has_default_route("", nowhere + out6)
    assert not has_default_route("", "")


def test_the_passphrase_is_a_credential(tmp_path: Path) -> None:
    where = Surroundings({"CREDENTIALS_DIRECTORY": str(tmp_path)})
    with pytest.raises(HemsError, match="can't be read"):
        passphrase(OWN, where)
    (tmp_path / "hotspot").write_text("short\n")
    with pytest.raises(HemsError, match="8 to 63"):
        passphrase(OWN, where)
    (tmp_path / "hotspot").write_text("a passphrase\n")
    assert passphrase(OWN, where) == "a passphrase"
    assert passphrase(msgspec.structs.replace(OWN, open=True), Surroundings({})) == ""


def test_the_hotspots_name_fits_into_32_bytes() -> None:
    assert hotspot_name("Cork 1") == "HEMS-Cork 1"
    assert hotspot_name("Ó" * 20) == "HEMS-" + "Ó" * 13


def test_a_status_that_is_not_there_or_broken_is_none(tmp_path: Path) -> None:
    assert status.read(tmp_path) == Status()
    for broken in ("", "[]", '{"phase": 1}', json.dumps({"format": 1})):
        (tmp_path / status.FILE).write_text(broken)
        assert status.read(tmp_path) == Status()


def test_a_button_that_is_held_asks_once(capsys: pytest.CaptureFixture[str]) -> None:
    factory, _ = make_factory("mock")
    asked = threading.Event()
    one = Button(23, asked.set, factory, hold=0.05)
    pin = factory.pin(23)
    pin.drive_low()
    assert asked.wait(10)
    pin.drive_high()
    one.close()
    button.watch(0, asked.set).close()
    assert capsys.readouterr().err == ""


def test_a_button_that_is_let_go_asks_nothing() -> None:
    factory, _ = make_factory("mock")
    asked = threading.Event()
    one = Button(23, asked.set, factory, hold=30)
    factory.pin(23).drive_low()
    factory.pin(23).drive_high()
    assert not asked.wait(0.2)
    one.close()


def test_a_pin_that_can_not_be_had_is_said_and_stops_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(_: str) -> None:
        raise PinsError("The GPIO can't be used.")

    monkeypatch.setattr(button, "make_factory", lacking)
    button.watch(23, lambda: None).close()
    assert capsys.readouterr().err == "The GPIO can't be used.\n"
