"""The machine with radios, one for all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.virtual.wifi.machine import Machine


@pytest.fixture(scope="session")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The box, with three routers around it."""
    one = Machine(tmp_path_factory.mktemp("machine"))
    try:
        one.start()
        yield one
    finally:
        one.stop()
