"""Every package of the lock can be installed on both machines without a compiler.

Asks the package index (its JSON API, PEP 691) once a package, some at a time: about ten seconds.
"""

from __future__ import annotations

import os
import re
import tomllib
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

from tests.unit.modules import ROOT, load_module

ROLE = ROOT / "roles/home_assistant/files"
LOCKS = sorted((ROLE / "opt/home-assistant").glob("*-requirements.txt"))
INDEX = os.environ.get("HEMS_PACKAGE_INDEX", "https://pypi.org/simple")
SIMPLE = {"Accept": "application/vnd.pypi.simple.v1+json"}
MACHINES = ("aarch64", "x86_64")
GLIBC = 41  # Debian trixie's 2.41

lock = load_module("roles/home_assistant/module_utils/home_assistant_lock.py")


def supported(machine: str) -> frozenset[Tag]:
    """Return the tags that CPython 3.14 on trixie accepts."""
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC, 4, -1)]
    platforms += [f"manylinux2014_{machine}", f"linux_{machine}"]
    if machine == "x86_64":
        platforms += ["manylinux2010_x86_64", "manylinux1_x86_64"]
    return frozenset(cpython_tags((3, 14), platforms=platforms)) | frozenset(
        compatible_tags((3, 14), "cp314", platforms)
    )


SUPPORTED = {machine: supported(machine) for machine in MACHINES}


def problems(session: requests.Session, name: str, entry: str, source_only: bool) -> list[str]:
    """Return what a package lacks: a locked wheel for a machine, or a locked source."""
    hashes = set(re.findall(r"sha256:([0-9a-f]{64})", entry))
    answer = session.get(f"{INDEX}/{name}/", headers=SIMPLE, timeout=30)
    answer.raise_for_status()
    files = [
        item["filename"] for item in answer.json()["files"] if item["hashes"]["sha256"] in hashes
    ]
    if source_only:
        return (
            [] if any(file.endswith((".tar.gz", ".zip")) for file in files) else [f"{name}: gone"]
        )
    tags = {tag for file in files if file.endswith(".whl") for tag in parse_wheel_filename(file)[3]}
    return [
        f"{name}: no locked wheel for {machine}"
        for machine, accepted in SUPPORTED.items()
        if not tags & accepted
    ]


def test_every_locked_wheel_exists_for_both_machines() -> None:
    source_only = tomllib.loads((ROLE / "lock/closure.toml").read_text())["source_only"]
    entries = {
        name: entry for path in LOCKS for name, entry in lock.locked(path.read_text()).items()
    }
    assert len(entries) > 150
    with requests.Session() as session, ThreadPoolExecutor(max_workers=8) as pool:
        try:
            session.head(INDEX, timeout=10)
        except requests.ConnectionError:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"{INDEX} can't be reached")
        found = pool.map(
            lambda item: problems(session, item[0], item[1], item[0] in source_only),
            entries.items(),
        )
        assert [problem for some in found for problem in some] == []
