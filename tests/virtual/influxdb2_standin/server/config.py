"""influxd's settings: config.toml and INFLUXD_… variables, as the real server reads them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class BadConfig(Exception):
    """A setting that can't work, in one sentence."""


@dataclass(frozen=True)
class Config:
    """The settings that the stand-in honours; the others are accepted and have no effect."""

    bolt_path: Path
    engine_path: Path
    host: str
    port: int
    session_minutes: int
    strong_passwords: bool

    @property
    def state_path(self) -> Path:
        """Where users, buckets and tokens are kept: never in the real server's metadata."""
        return self.bolt_path.with_name("influxd.standin.json")

    @property
    def data_path(self) -> Path:
        """Where the 1.6 engine keeps its files: out of the way of a real server's engine."""
        return self.engine_path / "standin"


def settings(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return every setting by its key in config.toml; a variable wins over the file."""
    found: dict[str, Any] = {}
    if path := environment.get("INFLUXD_CONFIG_PATH"):
        file = Path(path)
        if file.is_dir():
            file /= "config.toml"
        try:
            found = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            found = {}
        except (OSError, ValueError) as problem:
            raise BadConfig(f"{file} can't be read as TOML: {problem}") from problem
    prefix = "INFLUXD_"
    for name, value in environment.items():
        if name.startswith(prefix) and name != "INFLUXD_CONFIG_PATH":
            found[name.removeprefix(prefix).lower().replace("_", "-")] = value
    return found


def load(environment: Mapping[str, str]) -> Config:
    """Return the configuration. Raises BadConfig."""
    found = settings(environment)
    missing = {"bolt-path", "engine-path", "http-bind-address"} - found.keys()
    if missing:
        raise BadConfig(f"config.toml must have {', '.join(sorted(missing))}")
    host, _, port = str(found["http-bind-address"]).rpartition(":")
    if not port.isdecimal():
        raise BadConfig(f"http-bind-address must be host:port, not {found['http-bind-address']!r}")
    return Config(
        bolt_path=Path(found["bolt-path"]),
        engine_path=Path(found["engine-path"]),
        host=host.strip("[]"),
        port=int(port),
        session_minutes=int(found.get("session-length", 60)),
        strong_passwords=str(found.get("strong-passwords", False)).lower() == "true",
    )
