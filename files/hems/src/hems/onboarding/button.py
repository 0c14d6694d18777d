"""A push button between a pin and ground that opens the hotspot when it is held."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

from hems.leds.pins import PinsError, make_factory
from hems.process import say

HOLD_SECONDS = 3.0
BOUNCE_SECONDS = 0.05


class Closeable(Protocol):
    """What is let go at the end."""

    def close(self) -> None:
        """Give the pin back."""


class _Nothing:
    def close(self) -> None:
        """There is no pin."""


class Button:
    """The button on a pin. ``held`` is called once each time, from a thread of gpiozero's."""

    def __init__(
        self, pin: int, held: Callable[[], object], factory: Any, hold: float = HOLD_SECONDS
    ) -> None:
        """Take the pin. Raises PinsError."""
        self._factory = factory
        kind: Any = import_module("gpiozero").Button
        try:
            self._button = kind(
                pin, hold_time=hold, bounce_time=BOUNCE_SECONDS, pin_factory=factory
            )
        except Exception as error:  # gpiozero's and lgpio's have no other base in common
            factory.close()
            raise PinsError(f"The button's pin can't be had ({error}): is it an LED's?") from error
        self._button.when_held = held

    def close(self) -> None:
        """Give the pin back."""
        self._button.close()
        self._factory.close()


def watch(pin: int, held: Callable[[], object]) -> Closeable:
    """Return the button on a pin; without one that can be had, what never calls."""
    if not pin:
        return _Nothing()
    try:
        return Button(pin, held, make_factory("auto")[0])
    except PinsError as error:
        say(str(error))
        return _Nothing()
