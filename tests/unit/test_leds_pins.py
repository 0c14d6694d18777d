"""The pins: which chip, which levels, and dark at the end. gpiozero is real, lgpio is not."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hems.leds import pins
from hems.leds.core import Light
from hems.leds.led_settings import LedSettings, leds
from hems.leds.pins import Leds, PinsError, find_chip, is_raspberry_pi, make_factory
from hems.settings import SettingsError, parse

TOML = """
gpio = "{gpio}"
active_high = {active_high}
log = "/var/lib/home-assistant/home-assistant.log"
[pins]
home_assistant = 17
internet = 27
error = {error}
"""


def configured(*, gpio: str = "mock", active_high: bool = True, error: int = 22) -> LedSettings:
    text = TOML.format(gpio=gpio, active_high=str(active_high).lower(), error=error)
    return parse(text, LedSettings, "leds.toml")


class Board(SimpleNamespace):
    """lgpio as far as gpiozero and find_chip use it, on chips with these labels."""

    SET_PULL_NONE = SET_PULL_UP = SET_PULL_DOWN = BOTH_EDGES = RISING_EDGE = FALLING_EDGE = 0

    def __init__(self, labels: dict[int, str]) -> None:
        super().__init__()
        self.labels = labels
        self.levels: dict[tuple[int, int], int] = {}
        self.outputs: set[int] = set()
        self.open: list[int] = []

    def gpiochip_open(self, number: int) -> int:
        if number not in self.labels:
            raise RuntimeError("can not open gpiochip")
        self.open.append(number)
        return number

    def gpiochip_close(self, handle: int) -> int:
        self.open.remove(handle)
        return 0

    def gpio_get_chip_info(self, handle: int) -> list[Any]:
        return [0, 54, f"gpiochip{handle}", self.labels[handle]]

    def gpio_claim_input(self, _handle: int, number: int, _flags: int = 0) -> None:
        self.outputs.discard(number)

    def gpio_claim_output(self, handle: int, number: int, level: int = 0) -> None:
        self.outputs.add(number)
        self.levels[handle, number] = level

    def gpio_get_mode(self, _handle: int, number: int) -> int:
        return 2 if number in self.outputs else 0

    def gpio_read(self, handle: int, number: int) -> int:
        return self.levels.get((handle, number), 0)

    def gpio_write(self, handle: int, number: int, level: int) -> None:
        self.levels[handle, number] = int(level)


def devices(directory: Path, *names: str) -> Path:
    for name in names:
        (directory / name).touch()
    return directory


@pytest.mark.parametrize(
    ("labels", "chosen"),
    [
        ({0: "pinctrl-rp1", 10: "gpio-brcmstb@107d508500"}, (0, "pinctrl-rp1")),
        ({0: "gpio-brcmstb@107d508500", 4: "pinctrl-rp1"}, (4, "pinctrl-rp1")),
        ({0: "pinctrl-bcm2711", 1: "raspberrypi-exp-gpio"}, (0, "pinctrl-bcm2711")),
    ],
    ids=["Pi 5", "Pi 5 with a kernel before 6.6.45", "Pi 4"],
)
def test_the_chip_is_found_by_its_label(
    tmp_path: Path, labels: dict[int, str], chosen: tuple[int, str]
) -> None:
    board = Board(labels)
    there = devices(tmp_path, *(f"gpiochip{number}" for number in labels), "gpiochipX", "gpiomem0")
    assert find_chip(board, there) == chosen
    assert board.open == []


def test_a_board_without_the_header_is_named(tmp_path: Path) -> None:
    with pytest.raises(PinsError, match=r"\(there is none\): set 'gpio' in leds.toml to 'mock'"):
        find_chip(Board({}), tmp_path)
    there = devices(tmp_path, "gpiochip0", "gpiochip1")
    with pytest.raises(PinsError, match=r"gpiochip0: INT34C5:00, gpiochip1: can not open"):
        find_chip(Board({0: "INT34C5:00"}), there)


def test_a_raspberry_pi_is_known_by_its_device_tree(tmp_path: Path) -> None:
    model = tmp_path / "model"
    assert not is_raspberry_pi(model)
    model.write_bytes(b"Raspberry Pi 5 Model B Rev 1.0\0")
    assert is_raspberry_pi(model)


def test_a_raspberry_pi_without_lgpio_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pins, "is_raspberry_pi", lambda: True)
    monkeypatch.setitem(sys.modules, "lgpio", None)
    with pytest.raises(PinsError, match="sudo apt install python3-lgpio"):
        make_factory("auto")


@pytest.mark.parametrize("active_high", [True, False])
def test_mock_pins_show_what_is_lit(active_high: bool) -> None:
    pytest.importorskip("gpiozero")
    lamps = Leds(configured(active_high=active_high))
    assert lamps.pins == "mock"
    lamps.show(Light(home_assistant=True, error=True))
    seen = lamps.levels()
    assert {name: level.pin for name, level in seen.items()} == {
        "home_assistant": 17,
        "internet": 27,
        "error": 22,
    }
    assert [level.lit for level in seen.values()] == [True, False, True]
    assert [level.high for level in seen.values()] == [active_high, not active_high, active_high]
    lamps.close()


def test_a_raspberry_pis_lines_are_driven_on_the_chosen_chip(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("gpiozero")
    board = Board({0: "gpio-brcmstb", 4: "pinctrl-rp1"})
    monkeypatch.setitem(sys.modules, "lgpio", board)
    monkeypatch.delitem(sys.modules, "gpiozero.pins.lgpio", raising=False)
    monkeypatch.setattr("gpiozero.pins.local.get_pi_revision", lambda: 0xC04170)
    there = devices(tmp_path, "gpiochip0", "gpiochip4")
    monkeypatch.setattr(pins, "find_chip", lambda lgpio: find_chip(lgpio, there))
    lamps = Leds(configured(gpio="lgpio"))
    assert lamps.pins == "lgpio, gpiochip4 (pinctrl-rp1)"
    assert board.open == [4]
    lamps.show(Light(internet=True))
    assert {line: level for line, level in board.levels.items() if level} == {(4, 27): 1}
    lamps.close()
    assert not any(board.levels.values()) and board.open == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (TOML.format(gpio="mock", active_high="true", error=17), "Two LEDs have the same pin"),
        (TOML.format(gpio="mock", active_high="true", error=40), "key 'pins.error'"),
        (TOML.format(gpio="sysfs", active_high="true", error=22), "key 'gpio'"),
    ],
)
def test_wrong_settings_are_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "leds.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        leds(tmp_path)
    assert sentence.lower() in str(caught.value).lower()
    assert "\n" not in str(caught.value)
