"""What `make test` runs once more, and what not."""

from __future__ import annotations

import pytest

from tests.virtual.pi import suite


def test_what_is_one_piece_is_tried_again_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    monkeypatch.setattr(suite, "Job", lambda name, *_, **__: begun.append(name))
    monkeypatch.setattr(suite.radios, "reason_to_skip", lambda: "")
    for part in ("power-cuts", "wifi-image", "lint"):
        suite._again(part)
    assert begun == ["power-cuts_again", "wifi-image"], "lint has no report of single tests"
