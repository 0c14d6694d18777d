# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""The operator's checkout: git with the operator's own settings and ssh-agent."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hems.update.core import NAMESPACE


class FleetError(Exception):
    """What an operator has to put right; its text is one sentence with cause and cure."""


class CommandError(Exception):
    """A command failed; the text is the end of what it said."""


def run(
    *command: str | Path, where: Path, given: bytes = b"", extra: Mapping[str, str] | None = None
) -> str:
    """Run a command and return its output. Raises CommandError."""
    words = [str(part) for part in command]
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8", **(extra or {})}
    done = subprocess.run(
        words, cwd=where, input=given, env=environment, capture_output=True, check=False
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
        said = "; ".join(lines[-3:]) or f"exit code {done.returncode}"
        raise CommandError(f"'{shlex.join(words[:3])} …' said: {said}")
    return done.stdout.decode("utf-8", "replace").strip()


@dataclass(frozen=True)
class Checkout:
    """Where releases are made. ``key``: of the operator, a public one when ssh-agent has it."""

    path: Path
    remote: str
    key: str = ""  # empty: git's user.signingKey

    def git(self, *words: str | Path, **how: bytes) -> str:
        """Run git. Raises CommandError."""
        return run("git", *words, where=self.path, given=how.get("given", b""))

    def has(self, ref: str) -> bool:
        """Whether the checkout knows a ref or commit."""
        try:
            self.git("rev-parse", "--verify", "--quiet", "--end-of-options", ref)
        except CommandError:
            return False
        return True

    def on_server(self, ref: str) -> str:
        """Return what the server has under a ref, or an empty text. Raises FleetError."""
        try:
            listed = self.git("ls-remote", self.remote, ref)
        except CommandError as error:
            raise FleetError(f"The server does not answer: {error}.") from error
        return listed.partition("\t")[0]

    def fetch(self, ref: str) -> None:
        """Fetch a ref under its own name. Raises FleetError."""
        try:
            self.git("fetch", "--quiet", "--no-tags", self.remote, f"+{ref}:{ref}")
        except CommandError as error:
            raise FleetError(f"{ref} can't be fetched: {error}.") from error

    def push(self, what: str, ref: str) -> None:
        """Push without force. Raises FleetError."""
        try:
            self.git("push", "--quiet", self.remote, f"{what}:{ref}")
        except CommandError as error:
            raise FleetError(
                f"The server refused {ref}; somebody may have been faster: run the playbook "
                f"again ({error})."
            ) from error

    def signing_key(self) -> Path:
        """Return the key that signs. Raises FleetError."""
        name = self.key
        if not name:
            try:
                name = self.git("config", "--type=path", "user.signingKey")
            except CommandError:
                name = ""
        path = Path(name).expanduser()
        if not name or not path.is_file():
            raise FleetError(
                f"There is no key to sign with ({name or 'none is named'}): name yours with "
                "-e signing_key=~/.ssh/id_ed25519.pub and have it in ssh-agent."
            )
        return path

    def signature(self, content: bytes) -> bytes:
        """Return the operator's signature of a ring file. Raises FleetError."""
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory, "ring.json")
            file.write_bytes(content)
            words = ["ssh-keygen", "-Y", "sign", "-n", NAMESPACE, "-f", str(self.signing_key())]
            try:
                run(*words, file, where=self.path)
            except CommandError as error:
                sentence = f"The ring file can't be signed: {error}. Is the key in ssh-agent?"
                raise FleetError(sentence) from error
            return file.with_name("ring.json.sig").read_bytes()
