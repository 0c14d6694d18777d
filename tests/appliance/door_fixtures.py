"""Fixtures of the tests that talk to the door: ``pytest_plugins`` names this module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.appliance.conftest import Door
from tests.appliance.twin import Twin, running_twin


@pytest.fixture(scope="module")
def twin(pi: Any, site: dict[str, Any], door: Door) -> Iterator[Twin]:
    """The door's configuration before fake upstreams."""
    with running_twin(pi, site, door.session()) as one:
        yield one


@pytest.fixture(scope="module")
def owner(site: dict[str, Any], secret: Callable[[str], str]) -> tuple[str, str]:
    """The door's log-in."""
    return site["hems_door_username"], secret("door_password")
