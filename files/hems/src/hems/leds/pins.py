"""The pins behind the LEDs: a Raspberry Pi's through lgpio, or gpiozero's mock ones elsewhere.

gpiozero 2.0.1 takes chip 4 on a Pi 5, which newer kernels number 0: the chip is looked up by its
label instead. lgpio itself comes from Raspberry Pi OS (``python3-lgpio``), since the one on PyPI
has no wheel for Debian's Python. Neither carries types, hence the Any.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import msgspec

from hems import HemsError
from hems.leds.core import Light
from hems.leds.led_settings import LedSettings

# drivers/pinctrl/pinctrl-rp1.c (Pi 5) and drivers/pinctrl/bcm/pinctrl-bcm2835.c (Pi 4 and older):
# the chips with the 40-pin header's lines. A board has others too, for its own use.
LABELS = ("pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835")
MODEL = Path("/proc/device-tree/model")
DEVICES = Path("/dev")
MOCK = "mock"
MOCK_REVISION = "c04170"  # a Raspberry Pi 5


class PinsError(HemsError):
    """The LEDs' pins can't be had."""


class Lgpio(Protocol):
    """What is used of lgpio to find a chip. Its errors are of its own kind, Exceptions."""

    def gpiochip_open(self, number: int) -> int:
        """Return a handle."""

    def gpio_get_chip_info(self, handle: int) -> list[Any]:
        """Return status, number of lines, name and label."""

    def gpiochip_close(self, handle: int) -> int:
        """Give the handle back."""


def find_chip(lgpio: Lgpio, devices: Path = DEVICES) -> tuple[int, str]:
    """Return number and label of the chip with the header's lines.

    Raises PinsError.
    """
    seen = []
    names = (path.name.removeprefix("gpiochip") for path in devices.glob("gpiochip*"))
    for number in sorted(int(name) for name in names if name.isdecimal()):
        try:
            handle = lgpio.gpiochip_open(number)
        except Exception as error:  # lgpio.error is no better
            seen.append(f"gpiochip{number}: {error}")
            continue
        label = str(lgpio.gpio_get_chip_info(handle)[3])
        lgpio.gpiochip_close(handle)
        if label in LABELS:
            return number, label
        seen.append(f"gpiochip{number}: {label}")
    raise PinsError(
        f"None of the GPIO chips has the header's lines ({', '.join(seen) or 'there is none'}): "
        f"set 'gpio' in leds.toml to 'mock' on a board that is not a Raspberry Pi."
    )


def is_raspberry_pi(model: Path = MODEL) -> bool:
    """Tell by the board's device tree."""
    try:
        return "Raspberry Pi" in model.read_text(errors="replace")
    except OSError:
        return False


def make_factory(gpio: str) -> tuple[Any, str]:
    """Return gpiozero's pin factory for a setting ``gpio``, and what it is in a few words.

    Raises PinsError.
    """
    if gpio == MOCK or (gpio == "auto" and not is_raspberry_pi()):
        return import_module("gpiozero.pins.mock").MockFactory(revision=MOCK_REVISION), MOCK
    try:
        lgpio = import_module("lgpio")
    except ImportError as error:
        message = (
            f"The GPIO can't be used ({error}): type 'sudo apt install python3-lgpio', "
            "Raspberry Pi OS has it."
        )
        raise PinsError(message) from error
    number, label = find_chip(lgpio)
    return _lgpio_factory(lgpio, number), f"lgpio, gpiochip{number} ({label})"


def _lgpio_factory(lgpio: Any, number: int) -> Any:
    pins: Any = import_module("gpiozero.pins.lgpio")
    local: Any = import_module("gpiozero.pins.local")

    def begin(factory: Any) -> None:
        local.LocalPiFactory.__init__(factory)
        factory._handle, factory._chip = lgpio.gpiochip_open(number), number
        factory.pin_class = pins.LGPIOPin

    return type("ChosenChipFactory", (pins.LGPIOFactory,), {"__init__": begin})()


@dataclass(frozen=True)
class Level:
    """One LED as its pin is."""

    pin: int
    high: bool
    lit: bool


class Leds:
    """The three LEDs; dark at first, and again when closed."""

    def __init__(self, settings: LedSettings) -> None:
        """Take the pins.

        Raises PinsError.
        """
        led: Any = import_module("gpiozero").LED
        self._factory, self.pins = make_factory(settings.gpio)
        self._numbers = msgspec.structs.asdict(settings.pins)
        try:
            self._leds = {
                name: led(number, active_high=settings.active_high, pin_factory=self._factory)
                for name, number in self._numbers.items()
            }
        except Exception as error:  # gpiozero's and lgpio's have no other base in common
            self._factory.close()
            message = f"The LEDs' pins can't be had ({error}): does another program use them?"
            raise PinsError(message) from error

    def show(self, light: Light) -> None:
        """Light what is to be lit."""
        for name, led in self._leds.items():
            led.value = getattr(light, name)

    def levels(self) -> dict[str, Level]:
        """Return what the pins say."""
        return {
            name: Level(self._numbers[name], bool(led.pin.state), bool(led.value))
            for name, led in self._leds.items()
        }

    def close(self) -> None:
        """Turn the LEDs off and give the pins back."""
        self.show(Light())
        for led in self._leds.values():
            led.close()
        self._factory.close()
