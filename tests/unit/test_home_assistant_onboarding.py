"""How far the onboarding is: whatever the file is, the answer is a list of steps."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from tests.unit.home_assistant_modules import ROOT  # noqa: F401  the role's shared code
from tests.unit.modules import load_module

onboarding = load_module("roles/home_assistant/library/home_assistant_onboarding.py")


@pytest.mark.parametrize(
    ("text", "done"),
    [
        (None, []),
        ('{"data": {"done": ["user", "analytics"]}}', ["user", "analytics"]),
        ("", []),
        ("\0\0\0", []),
        ('{"data": {}}', []),
    ],
)
def test_every_file_gives_steps(tmp_path: Path, text: str | None, done: list[str]) -> None:
    if text is not None:
        (tmp_path / ".storage").mkdir()
        (tmp_path / ".storage/onboarding").write_text(text)
    assert onboarding.steps(tmp_path, pwd.getpwuid(os.geteuid()).pw_name) == done
