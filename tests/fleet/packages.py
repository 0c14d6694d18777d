"""An archive of Debian packages on the box itself, of a label that its settings name."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.fleet.box import Box

LABEL = "HEMS scenario"
SOURCES = "/etc/apt/sources.list.d/scenario.list"
ARCHIVE = "/srv/scenario"
# Of spec.json: name, version, depends, files (path: text), conffiles, postinst. Written on the box,
# whose dpkg-deb it needs; the index has every version that was ever built.
BUILD = r"""
import hashlib, json, os, pathlib, shutil, subprocess, sys
archive, label = pathlib.Path(sys.argv[1]), sys.argv[2]
spec = json.loads((archive / "spec.json").read_text())
root = archive / "root"
shutil.rmtree(root, ignore_errors=True)
(root / "DEBIAN").mkdir(parents=True)
control = f"Package: {spec['name']}\nVersion: {spec['version']}\nArchitecture: all\n"
control += f"Depends: {spec['depends']}\n" if spec["depends"] else ""
control += "Maintainer: scenario <scenario@example.org>\nDescription: of a test\n"
(root / "DEBIAN/control").write_text(control)
for path, text in spec["files"].items():
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)
kept = [path for path in spec["files"] if path.startswith("/etc/")]
(root / "DEBIAN/conffiles").write_text("".join(f"{path}\n" for path in kept))
(root / "DEBIAN/postinst").write_text(f"#!/bin/sh\n{spec['postinst']}\n")
(root / "DEBIAN/postinst").chmod(0o755)
deb = archive / f"{spec['name']}_{spec['version']}_all.deb"
subprocess.run(["dpkg-deb", "--build", str(root), str(deb)], check=True, capture_output=True)
content = deb.read_bytes()
entry = control + f"Filename: ./{deb.name}\nSize: {len(content)}\n"
entry += f"SHA256: {hashlib.sha256(content).hexdigest()}\n\n"
index = archive / "Packages"
index.write_text((index.read_text() if index.exists() else "") + entry)
digest = hashlib.sha256(index.read_bytes()).hexdigest()
head = f"Label: {label}\nSuite: scenario\nDate: Thu, 01 Jan 2026 00:00:00 UTC\n"
release = f"{head}SHA256:\n {digest} {index.stat().st_size} Packages\n"
(archive / "Release").write_text(release)
"""


@dataclass
class Archive:
    """The archive, which apt trusts for as long as the scenario runs."""

    box: Box

    def begin(self) -> None:
        """Have apt know it."""
        line = f"deb [trusted=yes] copy:{ARCHIVE} ./"  # fetched as by http
        fetched = "/var/cache/apt/archives/scenario-*"  # of an earlier run, by the same names
        self.box.check(f"rm -rf {ARCHIVE} {fetched} && mkdir -p {ARCHIVE}")
        self.box.check(f"echo '{line}' >{SOURCES}")

    def end(self) -> None:
        """Remove it, and what came from it."""
        self.box.check("dpkg --purge --force-all $(dpkg-query -W 'scenario-*' | cut -f1); true")
        self.box.check(f"rm -rf {ARCHIVE} {SOURCES} && apt-get -q update")

    def add(
        self,
        name: str,
        version: str,
        files: dict[str, str] | None = None,
        postinst: str = ":",
        depends: str = "",
    ) -> None:
        """Have a version of a package in the archive."""
        told = {"name": name, "version": version, "files": files or {}, "depends": depends}
        spec = json.dumps(told | {"postinst": postinst})
        self.box.check(f"cat >{ARCHIVE}/spec.json", spec)
        build = f"python3 - {ARCHIVE} '{LABEL}'"
        self.box.check(build, BUILD)

    def versions(self) -> dict[str, str]:
        """Return what is wholly installed of it."""
        shown = "'${db:Status-Abbrev} ${Package} ${Version}\\n'"
        told = self.box.check(f"dpkg-query --show --showformat={shown} 'scenario-*'; true")
        lines = [line.split() for line in told.splitlines()]
        return {name: version for status, name, version in lines if status == "ii"}
