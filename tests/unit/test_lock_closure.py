"""The lock's generator: which integrations count, and what the lock on disk was made from."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.modules import ROOT, load_module

ROLE = ROOT / "roles/home_assistant/files"
LOCK = ROLE / "opt/home-assistant/home-assistant-requirements.txt"
closure = load_module("roles/home_assistant/files/lock/closure.py")

BOOTSTRAP = """
CORE_INTEGRATIONS = {"homeassistant"}
LOGGING_AND_HTTP_DEPS_INTEGRATIONS = {"logger", "sentry"}
FRONTEND_INTEGRATIONS = {"frontend"}
STAGE_0_INTEGRATIONS = (
    ("logging, http deps", LOGGING_AND_HTTP_DEPS_INTEGRATIONS, None),
    ("recorder", {"recorder"}, 60),
)
DISCOVERY_INTEGRATIONS = ("dhcp", "usb")
STAGE_1_INTEGRATIONS = {*DISCOVERY_INTEGRATIONS, "cloud"}
DEFAULT_INTEGRATIONS = {"backup", *(BASE_PLATFORMS - {"calendar"})}
UNREADABLE = {compute() for _ in ()}
"""
PLATFORMS = """
class EntityPlatforms(StrEnum):
    \"\"\"Available entity platforms.\"\"\"
    CALENDAR = "calendar"
    SENSOR = "sensor"
"""


def manifest(**keys: Any) -> dict[str, Any]:
    return {"requirements": [], **keys}


def test_what_starts_anyway_is_read_from_the_source() -> None:
    assert closure.bootstrap_integrations(BOOTSTRAP, PLATFORMS) == {
        "backup",
        "cloud",
        "dhcp",
        "frontend",
        "homeassistant",
        "logger",
        "recorder",
        "sensor",
        "sentry",
        "usb",
    }


def test_a_set_that_is_gone_is_named() -> None:
    with pytest.raises(closure.ClosureError, match="no STAGE_1_INTEGRATIONS"):
        closure.bootstrap_integrations(BOOTSTRAP.replace("STAGE_1_INTEGRATIONS", "X"), PLATFORMS)


def test_closure_follows_dependencies_and_discovery() -> None:
    manifests = {
        "zha": manifest(dependencies=["usb"], after_dependencies=["onboarding"], zeroconf=["_x"]),
        "usb": manifest(dependencies=["websocket_api"]),
        "websocket_api": manifest(),
        "onboarding": manifest(dependencies=["usb"]),  # a ring must end
        "zeroconf": manifest(),
        "speaker": manifest(homekit={}),
        "other": manifest(),
    }
    assert closure.closure(["zha"], manifests) == [
        "onboarding",
        "usb",
        "websocket_api",
        "zeroconf",
        "zha",
    ]
    assert "zeroconf" in closure.closure(["speaker"], manifests)


def test_an_after_dependency_may_be_missing_but_a_dependency_may_not() -> None:
    manifests = {"a": manifest(after_dependencies=["custom"]), "b": manifest(dependencies=["gone"])}
    assert closure.closure(["a"], manifests) == ["a"]
    with pytest.raises(closure.ClosureError, match="gone is not in this release"):
        closure.closure(["b"], manifests)


def test_requirements_are_named_once() -> None:
    manifests = {"a": manifest(requirements=["X==1", "b==2"]), "b": manifest(requirements=["X==1"])}
    assert closure.requirements(["a", "b"], manifests) == ["b==2", "X==1"]


def test_constraints_leave_out_what_is_overridden() -> None:
    lines = ["# why", "", "PyMicro_VAD==1.0.1", "aiohttp==3.14.5  # pinned"]
    assert closure.constraints(lines, ["pymicro-vad==2.1.0"]) == ["aiohttp==3.14.5"]


def test_the_lock_was_made_from_what_the_repository_says_now() -> None:
    versions = yaml.safe_load((ROOT / "inventory/pilot/group_vars/all/versions.yml").read_text())
    version = versions["hems_version_home_assistant"]
    data = (ROLE / "lock/closure.toml").read_bytes()
    made_from = hashlib.sha256(version.encode() + data).hexdigest()
    head = LOCK.read_text().splitlines()[1]
    assert head == f"# homeassistant {version}, made from {made_from}", "run `make lock`"


def test_every_integration_that_we_configure_is_in_the_lock() -> None:
    listed = set(tomllib.loads((ROLE / "lock/closure.toml").read_text())["integrations"])
    templates = Path(ROOT / "roles/home_assistant/templates/var/lib/home-assistant")
    named = {
        name
        for path in templates.rglob("*.yaml.j2")
        for name in re.findall(r"^([a-z_]+)(?: \w+)?:", path.read_text(), re.MULTILINE)
    }
    always = {"automation", "homeassistant", "logger", "scene", "script"}
    ours = {path.name for path in (ROLE / "custom_components").iterdir()}
    assert named - always - ours <= listed
