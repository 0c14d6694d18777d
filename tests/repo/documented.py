"""The commands of README and docs, and what the comment above each block says about its test.

Above every block of commands stands one of

    <!-- tested on the controller, on an inventory with my_home, with ARGUMENTS: why -->
    <!-- tested on the box -->                  it ends with 0; "for a second" where it runs on
    <!-- tested: tests/… -->                    by that test
    <!-- tested: make test … -->                by the whole of them
    <!-- needs … -->                            what no test has

so that a reader of the Markdown knows what is proven.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.repo.checkout import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(
    r"(?:^ *<!-- (?P<marker>[^>]*?) -->\n)?"
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
# Pictures and a command's output are blocks without a language.
COMMANDS, DATA = "sh", "yaml"


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: str
    line: int
    language: str
    marker: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """Yield a page's blocks, their indent taken away."""
    text = page.read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        lines = match["text"].splitlines()
        yield Block(
            str(page.relative_to(ROOT)),
            text.count("\n", 0, match.start("text")),
            match["language"],
            match["marker"] or "",
            "\n".join(line.removeprefix(match["indent"]) for line in lines),
        )


def all_blocks(language: str, marker: str = "") -> list[Block]:
    """Return the blocks of a language whose marker begins so."""
    return [
        block
        for page in PAGES
        for block in blocks(page)
        if block.language == language and block.marker.startswith(marker)
    ]
