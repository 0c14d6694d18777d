# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Run a command and have all that it says.

AnsibleModule.run_command may lose the end of it, or all, of a command that takes more than a
second: it stops reading when nothing came for that long and the command has ended meanwhile
(https://github.com/ansible/ansible/issues/51393). A busy Pi has such seconds.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

NOT_RUN = 127  # as shells say


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    cwd: str | None = None,
) -> tuple[int, str, str]:
    """Return exit code, stdout and stderr; ``environment`` is added to the process's own."""
    code, output, error = run_bytes(command, b"", environment=environment, cwd=cwd)
    return code, output.decode("utf-8", "replace"), error.decode("utf-8", "replace")


def run_bytes(
    command: Sequence[str],
    data: bytes,
    *,
    environment: Mapping[str, str] | None = None,
    cwd: str | None = None,
) -> tuple[int, bytes, bytes]:
    """Do the same with bytes, of which ``data`` are the command's stdin."""
    try:
        done = subprocess.run(
            command,
            input=data,
            capture_output=True,
            env={**os.environ, **(environment or {})},
            cwd=cwd,
            check=False,
        )
    except OSError as error:
        return NOT_RUN, b"", f"{command[0]} can't be run ({error.strerror}).".encode()
    return done.returncode, done.stdout, done.stderr
