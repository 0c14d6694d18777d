"""A playbook of a test's own, played on its Pi as `run.sh play` does."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.appliance.home_assistant_client import this_pi
from tests.virtual.pi import play


def changes(playbook: Path, values: Mapping[str, Any]) -> int:
    """Play it with `values` as extra variables; return how many tasks changed something."""
    ran = play.run(this_pi(), str(playbook), "-e", json.dumps(values))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (changed,) = re.findall(r"ok=\d+ +changed=(\d+)", ran.stdout)
    return int(changed)
