"""Small modules: a newcomer reads one in a sitting."""

from __future__ import annotations

from pathlib import Path

LIMIT = 300


def test_python_modules_stay_small(files: list[Path]) -> None:
    long = {
        str(file): lines
        for file in files
        if file.suffix == ".py" and (lines := len(file.read_text().splitlines())) > LIMIT
    }
    assert long == {}
