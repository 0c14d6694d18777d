#!/usr/bin/python
# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Install one release of the hems package beside the others and make it the current one."""

from __future__ import annotations

import base64
import io
import os
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from ansible.module_utils import whole_file, whole_output
from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: hems_release
author: SmartCORE HEMS contributors
version_added: 0.1.0
short_description: Install one release of the hems package and make it the current one
description:
  - Each release has a directory with a virtual environment of its own; the link C(current) says
    which one runs.
  - A release counts as installed when its last step has left a mark. One that was interrupted,
    or that was made for another Python than the system's, is made again.
  - The requirements come from a hash lock; the package itself is unpacked, so that nothing has to
    be built.
  - Keeps the release that was current before, removes older ones.
options:
  directory:
    description: Where the releases are.
    type: path
    required: true
  version:
    description: The release's name, from the lookup C(hems_source).
    type: str
    required: true
  archive:
    description: The release's files, from the lookup C(hems_source).
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Install the package
  hems_release:
    directory: "{{ hems_path_opt }}"
    version: "{{ lookup('hems_source', 'files/hems').version }}"
    archive: "{{ lookup('hems_source', 'files/hems').archive }}"
"""

RETURN = r"""
current:
  description: The release that is current now.
  type: str
  returned: success
"""

MARK = ".installed"
CURRENT = "current"
# -I: a root's tool must not take modules from the caller's directory or environment.
LAUNCHER = """#!{python} -I
import sys
from hems.cli import main
sys.exit(main())
"""

Run = Callable[[list[str]], None]


class InstallError(Exception):
    """A step failed; its text is one sentence with cause and cure."""


class Releases:
    """The releases in one directory. ``run`` carries out a command or raises InstallError."""

    def __init__(self, directory: Path, run: Run, python: str = sys.executable) -> None:
        self._directory = directory
        self._run = run
        self._python = python
        self._tag = f"python{sys.version_info.major}.{sys.version_info.minor}"

    @property
    def current(self) -> str | None:
        """The release that the link names."""
        link = self._directory / CURRENT
        return link.readlink().name if link.is_symlink() else None

    def is_installed(self, version: str) -> bool:
        """Tell whether the release is complete and made for this Python."""
        try:
            return (self._directory / version / MARK).read_text().strip() == self._tag
        except (OSError, UnicodeDecodeError):
            return False

    def install(self, version: str, archive: bytes) -> None:
        """Make the release from nothing; the mark is its last file."""
        home = self._directory / version
        shutil.rmtree(home, ignore_errors=True)
        self._directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        # The daemons use what Raspberry Pi OS packages for its GPIO.
        self._run([self._python, "-m", "venv", "--system-site-packages", str(home)])
        with zipfile.ZipFile(io.BytesIO(archive)) as files:
            files.extractall(home)
        python = str(home / "bin/python")
        # Debian's own copy of a requirement must not count as installed: the lock decides.
        lock = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--ignore-installed"]
        quiet = ["--quiet", "--no-input", "--disable-pip-version-check"]
        requirements = str(home / "requirements.txt")
        self._run(
            [python, "-I", "-m", "pip", "install", *quiet, *lock, "--requirement", requirements]
        )
        package = home / "lib" / self._tag / "site-packages/hems"
        (home / "src/hems").rename(package)
        (home / "src").rmdir()
        self._run([python, "-I", "-m", "compileall", "-q", str(package)])
        launcher = home / "bin/hems"
        launcher.write_text(LAUNCHER.format(python=python))
        launcher.chmod(0o755)
        # Whatever a power cut leaves behind, it is not a mark without its release.
        os.sync()
        (home / MARK).write_text(f"{self._tag}\n")

    def switch(self, version: str) -> None:
        """Make the release the current one, in one step."""
        whole_file.link(self._directory / CURRENT, version)

    def others(self, *keep: str | None) -> list[Path]:
        """Return the releases that are none of ``keep``."""
        return sorted(
            path
            for path in self._directory.glob("[0-9]*")
            if path.is_dir() and path.name not in keep
        )


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "version": {"type": "str", "required": True},
            "archive": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )

    def run(command: list[str]) -> None:
        code, output, error = whole_output.run(command)
        if code:
            said = (error or output).strip().splitlines() or [f"exit code {code}"]
            message = (
                f"The hems package can't be installed, '{' '.join(command[:5])} …' failed "
                f"({said[-1]}): check that the box reaches the Internet and has room on its disk, "
                "and run the playbook again."
            )
            raise InstallError(message)

    os.umask(0o022)  # whatever root's is: everybody on the box may run the command
    version = module.params["version"]
    releases = Releases(Path(module.params["directory"]), run)
    before = releases.current
    installed = releases.is_installed(version)
    changed = not installed or before != version
    if changed and not module.check_mode:
        try:
            if not installed:
                releases.install(version, base64.b64decode(module.params["archive"]))
            releases.switch(version)
        except (InstallError, OSError) as error:
            module.fail_json(msg=str(error))
        # One that was only repaired leaves its predecessor where it is.
        for old in releases.others(version, before) if before != version else []:
            shutil.rmtree(old, ignore_errors=True)
    module.exit_json(changed=changed, current=releases.current)


if __name__ == "__main__":
    main()
