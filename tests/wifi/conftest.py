"""The machine with radios, one for all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.virtual.wifi.machine import Machine
from tests.wifi.hotspot import Phone, bare, install


@pytest.fixture(scope="session")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The box, with three routers around it."""
    one = Machine(tmp_path_factory.mktemp("machine"))
    try:
        one.start()
        yield one
    finally:
        one.stop()


@pytest.fixture(scope="session")
def phone(box: Machine) -> Phone:
    """A phone beside a box that knows no network yet, with role onboarding just installed."""
    bare(box)
    box.check("sh /opt/src/routers.sh hears wlan1")
    install(box)
    return Phone(box)
