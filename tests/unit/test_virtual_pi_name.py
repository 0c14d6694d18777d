"""A virtual Pi's name becomes a host name and a container's."""

from __future__ import annotations

import pytest

from tests.virtual.pi.checkout import Failure
from tests.virtual.pi.machine import Pi


@pytest.mark.parametrize("name", ["My Pi", "", "-pi", "pi_1", "p" * 31, "pi\n"])
def test_a_name_that_podman_would_refuse_is_refused_in_words(name: str) -> None:
    with pytest.raises(Failure, match="can't be a virtual Pi's name: take up to 30 of a-z"):
        Pi(name)
