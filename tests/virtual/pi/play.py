"""Running Ansible from .venv against a virtual Pi."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.virtual.pi import progress
from tests.virtual.pi.checkout import INVENTORY, ROOT, STATE, VENV, Failure, log_path
from tests.virtual.pi.machine import Pi
from tests.virtual.pi.podman import podman

SITE = ROOT / "playbooks" / "site.yml"
# What decides how site.yml leaves a Pi.
INPUTS = ("playbooks", "roles", "files", "inventory/virtual", "inventory/pilot/group_vars/all")
MADE_BY_TOOLS = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}


def command(playbook: str, *arguments: str) -> list[str]:
    """The command line that plays `playbook` on the virtual inventory."""
    return [str(VENV / "bin" / "ansible-playbook"), "-i", str(INVENTORY), playbook, *arguments]


def environment(pi: Pi) -> dict[str, str]:
    """The environment that points the virtual inventory's host at `pi`."""
    return {
        **os.environ,
        "HEMS_PI": pi.name,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "PATH": f"{VENV}/bin:{os.environ['PATH']}",
    }


def run(pi: Pi, playbook: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Play it on `pi`, asking nobody; what it said is in the result."""
    return subprocess.run(
        command(playbook, *arguments),
        cwd=ROOT,
        env=environment(pi),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def of_roles(*names: str) -> str:
    """Return a playbook that plays these roles alone on a box that is an appliance already."""
    roles = "".join(f"    - ansible.builtin.import_role: {{name: {name}}}\n" for name in names)
    return f"\n- hosts: hems\n  become: true\n  gather_facts: false\n  tasks:\n{roles}"


def _nothing() -> None:
    pass


class Story:
    """What a person wants to know of a running play: the role, and at its end the error."""

    def __init__(self) -> None:
        self.role = self.task = ""
        self._where, self._cause = "", "and gave no reason"
        self._said: list[str] = []  # on stderr by a command that failed, as YAML folded it
        self._listening = False

    @property
    def error(self) -> str:
        """The last error: where, and why."""
        cause = self._cause
        if self._said and cause == "non-zero return code":
            cause = " ".join(self._said).strip("'").replace("''", "'")
        return f"{self._where}{cause}"

    def read(self, line: str) -> str | None:
        """Take one line of ansible-playbook's output; return a role's name when it begins."""
        self._listening = self._listening and line.startswith(" " * 8)
        if line.startswith("TASK ["):
            self.task = line[len("TASK [") :].split("]", maxsplit=1)[0]
            role, colon, _ = self.task.partition(" : ")
            if colon and role != self.role:
                self.role = role
                return role
        elif line.startswith("[ERROR]: "):
            self._cause = line.removeprefix("[ERROR]: ").strip()
            for wrapping in ("Task failed: ", "Module failed: ", "Action failed: "):
                self._cause = self._cause.removeprefix(wrapping)
            self._where = f"in '{self.task}': " if self.task else "at its start: "
            self._said = []
        elif line.startswith("    stderr: ") or self._listening:
            self._listening = True
            self._said.append(line.strip().removeprefix("stderr: "))
        return None


def converge(pi: Pi) -> None:
    """Run playbooks/site.yml on `pi`, naming each role as it begins; its output goes to a log."""
    log = log_path(f"site-{pi.name}")
    returned, story = follow(command(str(SITE)), log, environment(pi))
    if returned:
        raise Failure(f"playbooks/site.yml stopped {story.error} (all of it: {log})")
    note_converged(pi)


def follow(
    line: Sequence[str],
    log: Path,
    variables: dict[str, str],
    between: Callable[[], None] = _nothing,
) -> tuple[int, Story]:
    """Run a command that runs Ansible, naming each role as it begins; its output goes to `log`.

    Returns its exit code, and the error if there was one. `between` is called at each role.
    """
    story = Story()
    with (
        log.open("w", buffering=1, encoding="utf-8") as stream,
        subprocess.Popen(
            line,
            cwd=ROOT,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as playing,
    ):
        for said in playing.stdout or ():
            stream.write(said)
            if role := story.read(said):
                progress.detail(role)
                between()
    return playing.returncode, story


def note_converged(pi: Pi) -> None:
    """Remember that `pi` is as site.yml leaves it."""
    _stamp(pi).write_text(_fingerprint(pi), encoding="ascii")


def is_converged(pi: Pi) -> bool:
    """Whether site.yml has run to its end on this very Pi, and what it reads is as then."""
    stamp = _stamp(pi)
    return stamp.exists() and stamp.read_text(encoding="ascii") == _fingerprint(pi)


def _stamp(pi: Pi) -> Path:
    return STATE / f"converged-{pi.name}"


def _fingerprint(pi: Pi) -> str:
    form = "{{.Id}}"
    container = podman("inspect", "--format", form, pi.container, doing="look at the Pi").strip()
    return f"{container} {inputs()}"


def inputs() -> str:
    """The hash of all that site.yml reads: what decides how it leaves a Pi."""
    digest = hashlib.sha256()
    for name in INPUTS:
        for path in sorted((ROOT / name).rglob("*")):
            if path.is_file() and not _is_ignored(path):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                line = f"{path.relative_to(ROOT)} {os.access(path, os.X_OK)} {content}\n"
                digest.update(line.encode())
    return digest.hexdigest()


def _is_ignored(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    made_by_tools = any(part in MADE_BY_TOOLS or part.endswith(".egg-info") for part in parts)
    return made_by_tools or path.name == "README.md"
