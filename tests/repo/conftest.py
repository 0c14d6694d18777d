"""What the repository's rules look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.repo.checkout import tracked


@pytest.fixture(scope="session")
def files() -> list[Path]:
    """Every file of the project, committed or not, that git does not ignore."""
    return tracked()
