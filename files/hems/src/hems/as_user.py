# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Do root's work in a service's own directory with that service's rights, and no more.

A directory that a service may write is the service's: it can put a link, a pipe or another
directory wherever root is about to read or write. So root does not go in there. It forks, the
child becomes that user for good, and what it finds or fails at comes back over a pipe.
"""

from __future__ import annotations

import json
import os
import pwd
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

SECONDS = 60.0  # a pipe in place of a file would make the child wait for ever
ANSWER_BYTES = 64 * 1024 * 1024


def as_user(user: str, work: Callable[[], Any], seconds: float = SECONDS) -> Any:
    """Return what ``work`` returns (plain data, as JSON knows it) when ``user`` does it.

    Only root can become another; a process that is that user already just does it. Raises the
    OSError or ValueError that the work raised, KeyError when there is no such user, TimeoutError
    after ``seconds``.
    """
    account = pwd.getpwnam(user)
    if os.geteuid() == account.pw_uid:
        return work()
    groups = os.getgrouplist(account.pw_name, account.pw_gid)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        # From here on nobody else of that user can look in: the kernel takes a process that has
        # changed its user out of its fellows' reach (PR_SET_DUMPABLE).
        code = 1
        try:
            os.close(reading)
            os.setsid()  # root's terminal is not for that user
            os.setgroups(groups)
            os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
            os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
            os.chdir("/")
            _send(writing, _outcome(work))
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    try:
        answer = _receive(reading, time.monotonic() + seconds)
    except TimeoutError:
        with suppress(PermissionError):  # a service's root may lack the capability
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        raise TimeoutError(
            f"work as user {user} took more than {seconds:.0f} s: look for a pipe or a "
            "device among its files"
        ) from None
    finally:
        os.close(reading)
    os.waitpid(child, 0)
    return _result(answer, user)


def read_text(user: str, path: Path) -> str | None:
    """Return a file's text as the user reads it, None when there is none. Raises OSError."""

    def read() -> str | None:
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    text: str | None = as_user(user, read)
    return text


def _outcome(work: Callable[[], Any]) -> dict[str, Any]:
    try:
        return {"result": work()}
    except OSError as error:
        return {"errno": error.errno, "text": error.strerror or str(error), "path": error.filename}
    except ValueError as error:
        return {"value": str(error)}


def _result(answer: bytes, user: str) -> Any:
    # Only what the child sent, and never more than plain data: it is not root's word.
    if not answer:
        raise OSError(f"the work as user {user} ended without an answer")
    found = json.loads(answer)
    if "result" in found:
        return found["result"]
    if "value" in found:
        raise ValueError(found["value"])
    raise OSError(found["errno"], found["text"], found["path"])


def _send(handle: int, outcome: dict[str, Any]) -> None:
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump(outcome, stream, default=str)


def _receive(handle: int, deadline: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    while size <= ANSWER_BYTES:
        if not select.select([handle], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise TimeoutError
        part = os.read(handle, 1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
    raise OSError("the work's answer is too long")
