"""Which dongle is taken, and what is said when that can't be told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hems.zigbee.dongle import BY_ID, DongleError, NoDongleError, choose, plugged, product

SONOFF = BY_ID / "usb-ITEAD_SONOFF_Zigbee_3.0_USB_Dongle_Plus_V2_20240122184111-if00"
SKYCONNECT = BY_ID / "usb-Nabu_Casa_SkyConnect_v1.0_3abe54797c91ed118fc3cad13b20a111-if00-port0"
OTHER = BY_ID / "usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (SONOFF.name, "Sonoff ZBDongle-E"),
        ("usb-Itead_Sonoff_Zigbee_3.0_USB_Dongle_Plus_V2_a6ee897e-if00-port0", "Sonoff ZBDongle-E"),
        # The P has another firmware (Z-Stack), which bellows can't back up.
        ("usb-Silicon_Labs_Sonoff_Zigbee_3.0_USB_Dongle_Plus_0111-if00-port0", None),
        ("usb-ITead_Sonoff_Zigbee_3.0_USB_Dongle_Plus_186ff443-if00-port0", None),
        (SKYCONNECT.name, "Home Assistant SkyConnect"),
        ("usb-Nabu_Casa_ZBT-2_10B41DE58D6C-if00", "Home Assistant Connect ZBT-2"),
        ("usb-SMLIGHT_SMLIGHT_SLZB-07_be9faa0786e1-if00-port0", "SMLIGHT SLZB-07"),
        ("usb-SMLIGHT_SMLIGHT_SLZB-07p7_be9faa0786e1-if00-port0", None),
        (OTHER.name, None),
    ],
)
def test_products_are_known_by_their_names(name: str, expected: str | None) -> None:
    assert product(name) == expected


def test_the_one_known_dongle_is_taken() -> None:
    assert choose([OTHER, SONOFF], "") == SONOFF


def test_the_sites_own_word_goes_first() -> None:
    assert choose([SKYCONNECT, SONOFF], str(SKYCONNECT)) == SKYCONNECT
    assert choose([OTHER, SONOFF], str(OTHER)) == OTHER


def test_several_are_not_guessed_at() -> None:
    with pytest.raises(DongleError, match=r"Several .* hems_zigbee_dongle\.$") as caught:
        choose([SONOFF, SKYCONNECT], "")
    assert str(SONOFF) in str(caught.value)


def test_a_missing_one_is_said_in_one_sentence() -> None:
    with pytest.raises(NoDongleError, match=r"^No known Zigbee dongle .* hems_zigbee_dongle\.$"):
        choose([OTHER], "")
    with pytest.raises(NoDongleError, match="is not plugged in"):
        choose([SONOFF], str(SKYCONNECT))


def test_a_dongle_outside_the_directory_counts_when_it_is_there(tmp_path: Path) -> None:
    by_id = tmp_path / "by-id"
    assert plugged("", by_id) == []
    by_id.mkdir()
    (by_id / "usb-one").touch()
    port = tmp_path / "ttyAMA0"
    assert plugged(str(port), by_id) == [by_id / "usb-one"]
    port.touch()
    assert plugged(str(port), by_id) == [by_id / "usb-one", port]
    assert plugged(str(by_id / "usb-one"), by_id) == [by_id / "usb-one"]
