"""Receipts of a made-up site, for every test that needs some."""

from __future__ import annotations

from pathlib import Path

from hems import whole_file
from hems.receipts import core, key
from hems.receipts.core import Look, Receipt
from hems.update.state import State

NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z
COMMIT = "4f1c" * 10
STATE = State(
    release="v1.2.2",
    commit=COMMIT,
    serials={"early": 7},
    commits={"v1.2.2": COMMIT, "v1.2.3": "5" * 40},
    result="This box is on v1.2.2, the release of ring early.",
    looked="2027-01-15T07:55:00Z",
)
LOOK = Look(
    problems=(),
    issues={"disk_filling": "warning"},
    reading=NOW - 42.4,
    disk=41.26,
    temperature=51.5,
    certificate=88,
    versions={"hems": "0.1.0-abc", "influxdb2": "2.9.1-1"},
)


def receipt(site: str = "cork_01", now: float = NOW, **changes: object) -> Receipt:
    """Return a receipt; ``state``, ``problem`` and ``look`` say what of."""
    told = {"state": STATE, "problem": "", "look": LOOK, **changes}
    return core.build(site, "early", now=now, **told)  # type: ignore[arg-type]


def sealed(made: Receipt, directory: Path, who: str = "box") -> bytes:
    """Return a receipt sealed with somebody's key, which is made at the first time."""
    private = directory / f"{who}.key"
    if not private.exists():
        whole_file.write(private, key.make())
    text = core.text_of(made)
    return core.seal(text, key.public(private.read_bytes()), key.sign(text, private))
