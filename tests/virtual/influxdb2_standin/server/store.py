"""Keeps the state in one JSON file that a power cut leaves either old or new."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .model import Authorization, Bucket, Org, Permission, State, User


def dump(state: State) -> str:
    """Return the state as JSON."""
    return json.dumps(asdict(state), indent=1)


def parse(text: str) -> State:
    """Return the state that ``dump`` wrote."""
    raw: dict[str, Any] = json.loads(text)
    return State(
        users={key: User(**one) for key, one in raw["users"].items()},
        orgs={key: Org(**one) for key, one in raw["orgs"].items()},
        buckets={key: Bucket(**one) for key, one in raw["buckets"].items()},
        authorizations={
            key: Authorization(
                **{**one, "permissions": tuple(Permission(**each) for each in one["permissions"])}
            )
            for key, one in raw["authorizations"].items()
        },
        engine_password=raw["engine_password"],
    )


class Store:
    """The state and its file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state = parse(path.read_text(encoding="utf-8")) if path.exists() else State()

    def save(self) -> None:
        """Write the state, for its owner alone, in one step."""
        handle, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(dump(self.state))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, self.path)
