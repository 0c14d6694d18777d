#!/usr/bin/env python3
"""Write the role's two hash locks: Home Assistant's and that of uv, which installs it.

Run by ``make lock``. Takes the version from the inventory and the integrations from closure.toml,
reads the manifests of exactly that release, and lets uv resolve one lock for amd64 and arm64.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[3]
sys.path.insert(0, str(ROOT))

from roles.home_assistant.files.lock import closure  # noqa: E402

# Copied to the Pi as it is.
OUTPUT = HERE.parent / "opt/home-assistant"
VERSIONS = ROOT / "inventory/pilot/group_vars/all/versions.yml"
# Home Assistant's own lower bound; any newer 3.14 may run it.
PYTHON = "3.14.2"
MARKERS = [f"sys_platform == 'linux' and platform_machine == '{m}'" for m in ("x86_64", "aarch64")]


def version_of(name: str) -> str:
    """Return a version from the inventory (which is YAML, but needs no parser for this)."""
    match = re.search(rf"^{name}:\s*([^\s#]+)", VERSIONS.read_text(), re.MULTILINE)
    if match is None:
        sys.exit(f"{VERSIONS} does not name {name}: add it.")
    return match[1]


def uv(*arguments: str, cwd: Path) -> None:
    """Run the controller's pinned uv; its own words say which requirement cannot be had."""
    command = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    result = subprocess.run(
        [command, *arguments], check=False, cwd=cwd, capture_output=True, text=True
    )
    if result.returncode:
        sys.exit(f"The lock was not written: uv could not resolve it.\n{result.stderr.strip()}")


def data_hash(version: str) -> str:
    """Return what the lock depends on, as one hash; a unit test compares it with the lock's."""
    return hashlib.sha256(version.encode() + (HERE / "closure.toml").read_bytes()).hexdigest()


def read_wheel(version: str, work: Path) -> Path:
    """Unpack the release's wheel (60 MB, from uv's cache the second time)."""
    target = work / "wheel"
    uv(
        *("pip", "install", "--quiet", "--no-deps", "--target", str(target)),
        *("--python-version", PYTHON, "--python-platform", "linux", "--only-binary", ":all:"),
        f"homeassistant=={version}",
        cwd=work,
    )
    return target / "homeassistant"


def wanted(data: dict[str, Any], wheel: Path) -> tuple[list[str], list[str]]:
    """Return the integrations' requirements and the constraints they are resolved under."""
    manifests = {
        path.parent.name: json.loads(path.read_text())
        for path in wheel.glob("components/*/manifest.json")
    }
    started = closure.bootstrap_integrations(
        (wheel / "bootstrap.py").read_text(),
        (wheel / "generated/entity_platforms.py").read_text(),
    )
    domains = closure.closure((started - set(data["skip"])) | set(data["integrations"]), manifests)
    lines = closure.requirements(domains, manifests)
    for name in data["auth_modules"]:
        source = (wheel / f"auth/mfa_modules/{name}.py").read_text()
        lines += sorted(closure.assigned_sets(source, {})["REQUIREMENTS"])
    constraints = closure.constraints(
        (wheel / "package_constraints.txt").read_text().splitlines(), data["overrides"]
    )
    return lines + data["extras"], constraints


def compile_lock(lines: list[str], output: Path, header: str, work: Path, *options: str) -> None:
    """Resolve ``lines`` into one hash lock for both machines; keeps pins that still fit."""
    project = {"environments": MARKERS, "required-environments": MARKERS}
    (work / "pyproject.toml").write_text(
        "[tool.uv]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in project.items())
    )
    (work / "requirements.in").write_text("\n".join(lines) + "\n")
    if output.exists():
        shutil.copy(output, work / output.name)
    uv(
        *("pip", "compile", "--quiet", "--universal", "--python-version", PYTHON),
        *("--no-python-downloads", "--generate-hashes", "--no-header", "--no-annotate"),
        *("--only-binary", ":all:", *options),
        *("requirements.in", "--output-file", output.name),
        cwd=work,
    )
    output.write_text(header + (work / output.name).read_text())


def main() -> None:
    """Resolve both locks and say how many packages they hold."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    data = tomllib.loads((HERE / "closure.toml").read_text())
    version = version_of("hems_version_home_assistant")
    head = "# Written by `make lock`; do not edit.\n"
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        lines, constraints = wanted(data, read_wheel(version, work))
        (work / "constraints.txt").write_text("\n".join(constraints) + "\n")
        (work / "overrides.txt").write_text("\n".join(data["overrides"]) + "\n")
        options = ["--constraints", "constraints.txt", "--overrides", "overrides.txt"]
        for package in data["source_only"]:
            options += ["--no-binary", package]
        output = OUTPUT / "home-assistant-requirements.txt"
        header = f"{head}# homeassistant {version}, made from {data_hash(version)}\n"
        compile_lock([f"homeassistant=={version}", *lines], output, header, work, *options)
        compile_lock([f"uv=={data['uv']}"], OUTPUT / "uv-requirements.txt", head, work)
    count = len(re.findall(r"^[a-z0-9].*==", output.read_text(), re.MULTILINE))
    print(f"{output.relative_to(ROOT)}: {count} packages for Home Assistant {version}")


if __name__ == "__main__":
    main()
