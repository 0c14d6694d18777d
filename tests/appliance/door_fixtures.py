"""Fixtures of the tests that talk to the door: ``pytest_plugins`` names this module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.appliance.conftest import Door
from tests.appliance.door_client import COOKIE, log_in
from tests.appliance.second_door import SecondDoor, running_second_door


@pytest.fixture(scope="module")
def second_door(pi: Any, site: dict[str, Any], door: Door) -> Iterator[SecondDoor]:
    """The door's configuration before fake upstreams, and with the real log-in."""
    with running_second_door(pi, site, door.session()) as one:
        yield one


@pytest.fixture(scope="module")
def account(site: dict[str, Any], secret: Callable[[str], str]) -> tuple[str, str]:
    """The door's user name and password."""
    return site["hems_door_username"], secret("door_password")


@pytest.fixture(scope="module")
def owner(door: Door, account: tuple[str, str]) -> dict[str, str]:
    """The cookie of who is logged in at the door."""
    answer = log_in(door.url, door.session(), *account)
    assert answer.status_code == 303, answer.text
    return {COOKIE: answer.cookies[COOKIE]}
