"""docs/broken_files.md has a row for every state file that the box looks after."""

from __future__ import annotations

import pytest
from hems.state_files.table import PARTS, Row

from tests.repo.checkout import ROOT

DOCS = (ROOT / "docs/broken_files.md").read_text()
ROWS = [row for part in PARTS.values() for row in part.rows]


@pytest.mark.parametrize("row", ROWS, ids=[row.pattern for row in ROWS])
def test_a_row_says_what_is_checked_and_how_many_copies_there_are(row: Row) -> None:
    (line,) = [
        one for one in DOCS.splitlines() if one.startswith("|") and f"`{row.pattern}`" in one
    ]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert len(cells) == 4 and cells[1] and cells[3]
    assert cells[2] == (str(row.copies) if row.copies else "no")
