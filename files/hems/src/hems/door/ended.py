"""The sessions that a log-out ended, kept in a file: a restart must not revive them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from hems import whole_file
from hems.door import core
from hems.process import say


@dataclass
class Ended:
    """Their ids, with when that was (Unix seconds)."""

    path: Path
    _known: dict[str, float] = field(default_factory=dict)

    def load(self) -> None:
        """Read the file; one that can't be read is started anew, and the journal says so."""
        try:
            known = json.loads(self.path.read_text(encoding="utf-8"))
            self._known = {str(key): float(at) for key, at in known.items()}
        except FileNotFoundError:
            return
        except (OSError, ValueError, AttributeError, TypeError) as error:
            say(f"{self.path} can't be read ({error}): sessions ended before may be used again")

    def __contains__(self, session: str) -> bool:
        return session in self._known

    def add(self, session: str, now: float) -> None:
        """Remember a session; on a full disk only until the next restart."""
        self._known = core.prune(self._known | {session: now}, now)
        try:
            whole_file.write(self.path, json.dumps(self._known), mode=0o600)
        except OSError as error:
            say(f"{self.path} can't be written: {error}")
