"""The controller's Python tooling: .venv, from the hash-locked requirements.txt."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from tests.virtual.pi import host
from tests.virtual.pi.checkout import ROOT, VENV, Failure, log_path
from tests.virtual.pi.command import logged, output

LOCK = ROOT / "requirements.txt"
STAMP = VENV / "installed-from"  # says which lock the environment was made from
PYTHON = VENV / "bin" / "python"

# molecule and ansible-lint look for Ansible's programs on PATH: also when .venv is not activated.
PATH_HOOK = """\
import os, sys; os.environ["PATH"] = f"{sys.prefix}/bin:{os.environ.get('PATH', '')}"
"""


def wanted() -> str:
    """What the stamp of an up-to-date environment says."""
    lock = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    return f"{lock} {sys.version_info[0]}.{sys.version_info[1]}"


def may_be_synchronized() -> bool:
    """Whether .venv was made from another lock by the same Python."""
    made_by = STAMP.read_text(encoding="ascii").split()[1:] if STAMP.exists() else []
    return made_by == wanted().split()[1:]


def is_current() -> bool:
    """Whether .venv holds exactly what requirements.txt locks."""
    return STAMP.exists() and STAMP.read_text(encoding="ascii") == wanted()


def require_venv_module() -> None:
    """Install Debian's half of `python3 -m venv` where it is missing."""
    if importlib.util.find_spec("ensurepip") is None:
        host.install([f"python3.{sys.version_info[1]}-venv"])


def locked(name: str) -> str:
    """The lines of requirements.txt that pin `name`, hashes included."""
    lock = LOCK.read_text(encoding="utf-8")
    match = re.search(rf"^{re.escape(name)}==(?:.*\\\n)*.*\n", lock, re.MULTILINE)
    if match is None:
        raise Failure(f"requirements.txt pins no {name}: `make lock` writes it anew")
    return match[0]


def install() -> None:
    """Bring .venv in step with the lock; from nothing it takes about half a minute.

    pip, which may be old, installs only the pinned uv; uv does the rest.
    """
    if is_current():
        return
    log = log_path("tooling")
    synchronize = may_be_synchronized()
    STAMP.unlink(missing_ok=True)
    if not synchronize:
        _begin(log)
    # a network with its own certificate authorities: trust what this machine trusts
    trusting = {**os.environ, "UV_SYSTEM_CERTS": "1"}
    sync = [str(VENV / "bin" / "uv"), "pip", "sync", "--python", str(PYTHON)]
    logged(
        [*sync, "--require-hashes", str(LOCK)],
        log,
        doing="install requirements.txt",
        environment=trusting,
    )
    _site_packages().joinpath("venv_path.pth").write_text(PATH_HOOK, encoding="ascii")
    STAMP.write_text(wanted(), encoding="ascii")


def _begin(log: Path) -> None:
    """Make an environment with the pinned uv and nothing else."""
    require_venv_module()
    if VENV.exists():
        shutil.rmtree(VENV)
    logged([sys.executable, "-m", "venv", str(VENV)], log, doing="make .venv")
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as only_uv:
        only_uv.write(locked("uv"))
        only_uv.flush()
        pip = [str(PYTHON), "-m", "pip", "install", "--quiet"]
        logged([*pip, "--require-hashes", "-r", only_uv.name], log, doing="install uv")


def _site_packages() -> Path:
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(output([str(PYTHON), "-c", code], doing="look into .venv").strip())
