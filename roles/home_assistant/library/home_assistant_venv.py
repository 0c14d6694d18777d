#!/usr/bin/python
# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Install one release of Home Assistant into a venv of its own and switch to it when complete."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from ansible.module_utils import whole_file, whole_output
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.home_assistant_lock import (
    STAMP,
    choose,
    extra_problem,
    locked,
    outdated,
    stamp_key,
    stamp_of,
    writable_locks,
)

DOCUMENTATION = r"""
module: home_assistant_venv
author: SmartCORE HEMS contributors
version_added: 0.1.0
short_description: Install Home Assistant from a hash lock into a versioned venv
description:
  - Installs uv from its own hash lock, a Python 3.14 by uv (unless an interpreter is named), and
    every locked package; compiles bytecode; then points the link C(current) at the new venv.
  - A venv is made for each combination of version, lock, extra requirements and Python. Its stamp
    is written last, so an interrupted installation is done again.
  - The venv before the current one stays for going back; older ones are removed.
options:
  root:
    description: Directory of the venvs; holds the locks of Home Assistant and uv.
    type: path
    required: true
  version:
    description: Home Assistant's version, which the lock must hold.
    type: str
    required: true
  python:
    description: A Python 3.14 to use; empty to let uv fetch one (checked against uv's SHA-256).
    type: str
    default: ""
  python_version:
    description: The Python that uv fetches.
    type: str
    required: true
  uv_root:
    description: Directory of uv and the Pythons that it fetched.
    type: path
    required: true
  extra_requirements:
    description: Pinned packages (name==version) for an owner's custom integrations.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Install Home Assistant
  home_assistant_venv:
    root: /opt/home-assistant
    version: 2026.10.4
    python_version: 3.14.10
    uv_root: /opt/uv
"""

RETURN = r"""
venv:
  description: The venv that C(current) points to.
  type: str
  returned: always
"""

LOCK = "home-assistant-requirements.txt"
# What builds the locked packages that are published as source only.
BUILD_TOOLS = ("setuptools",)


class InstallError(Exception):
    """What stops the installation, in one sentence."""


class Installer:
    """Runs uv; every command that fails ends the play in words."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.root = Path(module.params["root"])
        self.uv_root = Path(module.params["uv_root"])
        self.uv = self.uv_root / "installer/bin/uv"
        cache = os.environ.get("UV_CACHE_DIR")
        # Ours holds what an interrupted run has fetched, and goes when the venv is complete.
        self.own_cache = None if cache else self.uv_root / "cache"
        self.environment = {
            "UV_CACHE_DIR": cache or str(self.own_cache),
            "UV_PYTHON_INSTALL_DIR": str(self.uv_root / "python"),
            "UV_SYSTEM_CERTS": "1",  # a site's own CA is in the system's store
            "UV_NO_CONFIG": "1",
            "UV_PYTHON_DOWNLOADS": "manual",
            # A busy Pi may take more than uv's 60 seconds for one large file of numpy's.
            "UV_COMPILE_BYTECODE_TIMEOUT": "900",
        }

    def run(self, what: str, *command: str | Path) -> str:
        """Run a command; return its standard output."""
        code, out, err = whole_output.run(
            [str(part) for part in command], environment=self.environment, cwd="/"
        )
        if code:
            reason = " ".join((err or out).split())[-400:] or f"nothing, exit code {code}"
            raise InstallError(
                f"{what} failed; check network and disk, then run the playbook again. "
                f"It said: {reason}"
            )
        return str(out)

    def provide_uv(self) -> None:
        """Install uv from its lock, once a lock."""
        lock = (self.root / "uv-requirements.txt").read_text()
        key = stamp_key(lock, [], "")
        home = self.uv.parent.parent
        if stamp_of(home) == key:
            return
        shutil.rmtree(home, ignore_errors=True)
        self.run("Making uv's venv", "python3", "-m", "venv", home)
        pip: list[str | Path] = [
            home / "bin/python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
        ]
        options = ["--require-hashes", "--only-binary", ":all:", "--disable-pip-version-check"]
        self.run("Installing uv", *pip, *options, "-r", self.root / "uv-requirements.txt")
        (home / STAMP).write_text(key)

    def interpreter(self) -> Path:
        """Return the Python to use, fetching it if none is named."""
        if named := self.module.params["python"]:
            if not Path(named).exists():
                raise InstallError(f"home_assistant_python: there is no {named} on this Pi.")
            return Path(named)
        version = self.module.params["python_version"]
        self.run(f"Fetching Python {version}", self.uv, "python", "install", "--no-bin", version)
        found = self.run("Finding Python", self.uv, "python", "find", "--managed-python", version)
        return Path(found.strip())

    def install(self, venv: Path, python: Path, lock: str, key: str) -> None:
        """Fill a venv; its stamp is the last thing written."""
        shutil.rmtree(venv, ignore_errors=True)
        self.run("Making the venv", self.uv, "venv", "--quiet", "--python", python, venv)
        pip: list[str | Path] = [
            self.uv,
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--compile-bytecode",
        ]
        pip += ["--python", venv / "bin/python"]
        tools = venv / "build-tools.txt"
        tools.write_text("".join(locked(lock)[name] for name in BUILD_TOOLS))
        self.run("Installing the build tools", *pip, "--require-hashes", "-r", tools)
        options = ["--no-build-isolation", "--require-hashes"]
        self.run("Installing Home Assistant", *pip, *options, "-r", self.root / LOCK)
        if extras := self.module.params["extra_requirements"]:
            extra_file = venv / "extra.txt"
            extra_file.write_text("\n".join(extras) + "\n")
            self.run("Installing the extra requirements", *pip, "-r", extra_file)
        self.link_ffmpeg(venv)
        version = self.run("Starting Home Assistant once", venv / "bin/hass", "--version").strip()
        if version != self.module.params["version"]:
            raise InstallError(
                f"The lock holds Home Assistant {version}, but hems_version_home_assistant says "
                f"{self.module.params['version']}: run `make lock`."
            )
        (venv / STAMP).write_text(key)

    def link_ffmpeg(self, venv: Path) -> None:
        """Give Home Assistant the ffmpeg that imageio-ffmpeg carries."""
        binaries = list(venv.glob("lib/python*/site-packages/imageio_ffmpeg/binaries/ffmpeg-*"))
        if len(binaries) != 1:
            raise InstallError("imageio-ffmpeg carries no ffmpeg for this machine: see the lock.")
        (venv / "bin/ffmpeg").symlink_to(binaries[0])


def switch(link: Path, venv: Path) -> None:
    """Point the link at the venv in one step."""
    whole_file.link(link, venv.name)


def run(module: AnsibleModule) -> dict[str, Any]:
    """Install what is missing; return Ansible's result."""
    installer = Installer(module)
    root, extras = installer.root, module.params["extra_requirements"]
    if module.check_mode and not (root / LOCK).exists():
        return {"changed": True, "venv": str(root / module.params["version"])}
    lock = (root / LOCK).read_text()
    if problem := extra_problem(extras, lock):
        raise InstallError(problem)
    key = stamp_key(lock, extras, module.params["python"] or module.params["python_version"])
    venv, complete = choose(root, module.params["version"], key)
    link = root / "current"
    before = link.resolve() if link.is_symlink() else venv
    changed = not complete or before != venv
    if changed and not module.check_mode:
        if not complete:
            installer.provide_uv()
            installer.install(venv, installer.interpreter(), lock, key)
        switch(link, venv)
        for path in outdated(root, {venv, before}):
            shutil.rmtree(path)
        if installer.own_cache:
            shutil.rmtree(installer.own_cache, ignore_errors=True)
    writable = writable_locks(root, installer.uv_root)
    for path in [] if module.check_mode else writable:
        path.chmod(0o644)
    return {"changed": changed or bool(writable), "venv": str(venv)}


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "root": {"type": "path", "required": True},
            "version": {"type": "str", "required": True},
            "python": {"type": "str", "default": ""},
            "python_version": {"type": "str", "required": True},
            "uv_root": {"type": "path", "required": True},
            "extra_requirements": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**run(module))
    except InstallError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"Home Assistant was not installed: {error}. Run the playbook again.")


if __name__ == "__main__":
    main()
