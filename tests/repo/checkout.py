"""The checkout as the repository's rules look at it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]


class _Loader(yaml.SafeLoader):
    """Reads a Vault value as some text."""


_Loader.add_constructor("!vault", lambda _loader, node: str(node.value))


def read_yaml(path: Path) -> Any:
    """Return the file's data."""
    return yaml.load(path.read_text(), Loader=_Loader)


def tracked() -> list[Path]:
    """Return every file of the project, committed or not, that git does not ignore."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return sorted(path for name in listing.stdout.splitlines() if (path := ROOT / name).is_file())


def roles() -> list[Path]:
    """Return the roles' directories."""
    return sorted(path.parent.parent for path in (ROOT / "roles").glob("*/tasks/main.yml"))
