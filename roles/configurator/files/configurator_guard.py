"""What the file editor may be asked for and which files it may touch: decisions only, no server.

hass-configurator 0.7.0 guards little by itself (read in its configurator.py): it runs shell
commands for whoever asks, holds only reading to its base path, takes forms from any web site that
the owner visits, and puts the query parameter ``loadfile`` into its page's script unquoted.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlparse

READING = frozenset({"file", "download", "listdir", "abspath", "parent", "prefs"})
WRITING = frozenset({"save", "upload", "rename", "delete", "newfolder", "newfile", "prefs"})

# Bytes of a request's body: a file of settings, not a backup. It is held in memory.
LARGEST_BODY = 16 * 1024 * 1024

# As far as nested percent-encoding is undone when looking for what is refused.
UNQUOTE_DEPTH = 4

# Nothing in it can end the string or the script that the page puts it into.
SAFE_LOADFILE = re.compile(r"[\w ./+@()-]*")

# Audit events (PEP 578) by how many of their first arguments are paths.
WRITES = {"os.remove": 1, "os.rmdir": 1, "os.mkdir": 1, "os.rename": 2}
READS = frozenset({"open", "os.listdir", "os.scandir"})
NEVER = frozenset(
    {
        "ctypes.dlopen",
        "os.chmod",
        "os.chown",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.link",
        "os.posix_spawn",
        "os.spawn",
        "os.symlink",
        "os.system",
        "os.truncate",
        "pty.spawn",
        "socket.connect",
        "subprocess.Popen",
    }
)
OPEN_FOR_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def refusal(method: str, target: str, headers: Mapping[str, str]) -> str | None:
    """Return why a request is refused, in one sentence, or None when the editor may have it.

    ``target`` is the request line's second word; ``headers`` must ignore case.
    """
    if "exec_command" in _unquoted(target).lower():
        return "Running commands is switched off on this box."
    # The editor routes by the end of what urlparse calls the path: judge the very same string.
    url = urlparse(target)
    folder, _, name = url.path.rpartition("/")
    of_interface = _unquoted(folder).lower().endswith("api")
    if method == "GET":
        if of_interface and name and name not in READING:
            return f"'{name}' is switched off on this box: use Home Assistant for it."
        loadfile = parse_qs(url.query).get("loadfile", [""])[0]
        if not SAFE_LOADFILE.fullmatch(loadfile):
            return "The parameter 'loadfile' is not a plain file name: open the file in the list."
        return None
    if method != "POST":
        return f"The method {method} is switched off on this box."
    if not folder.endswith("/api") or name not in WRITING:
        return f"'{name}' is switched off on this box: use Home Assistant for it."
    return _foreign(headers) or _unfit_body(headers)


def _unquoted(text: str) -> str:
    for _ in range(UNQUOTE_DEPTH):
        text = unquote(text)
    return text


def _foreign(headers: Mapping[str, str]) -> str | None:
    """Refuse a form that another site made the owner's browser send (Fetch metadata, RFC 6454)."""
    site = headers.get("Sec-Fetch-Site", "none")
    origin = headers.get("Origin")
    if site not in ("same-origin", "none") or (
        origin is not None and urlparse(origin).netloc.lower() != headers.get("Host", "").lower()
    ):
        return "This came from another web site: open the editor itself."
    return None


def _unfit_body(headers: Mapping[str, str]) -> str | None:
    length = headers.get("Content-Length", "")
    if not (length.isascii() and length.isdigit()):
        return "The request does not say how long it is."
    if int(length) > LARGEST_BODY:
        return f"Files of more than {LARGEST_BODY >> 20} MB don't belong here: use the backup."
    return None


def paths_written(event: str, arguments: tuple[object, ...]) -> tuple[object, ...]:
    """Return the paths that an audit event makes, changes or removes."""
    if event == "open":
        flags = arguments[2]
        return arguments[:1] if isinstance(flags, int) and flags & OPEN_FOR_WRITING else ()
    return arguments[: WRITES.get(event, 0)]


@dataclass(frozen=True)
class Fence:
    """The files that the editor may touch.

    ``base`` is the one tree that it edits, less every name that matches a ``hidden`` pattern and
    less writing below ``read_only`` (relative to base). ``scratch`` is its own; ``library`` it may
    only read.
    """

    base: Path
    hidden: tuple[str, ...]
    read_only: tuple[str, ...]
    scratch: tuple[Path, ...]
    library: tuple[Path, ...]

    def refusal(self, event: str, arguments: tuple[object, ...]) -> str | None:
        """Return why an audit event must not go on, in one sentence, or None when it may."""
        if event in NEVER:
            return "Running and connecting is switched off on this box."
        written = paths_written(event, arguments)
        read = arguments[:1] if event in READS and not written else ()
        for path in (*written, *read):
            if reason := self._closed(path, writes=bool(written)):
                return reason
        return None

    def _closed(self, path: object, *, writes: bool) -> str | None:
        if path is None or isinstance(path, int):
            return None  # the working directory, which is the base, or a file that is open already
        # What a name leads to counts, not what it says: links and dots are followed first.
        real = Path(os.path.realpath(os.fsdecode(path)))  # type: ignore[arg-type]
        if not real.is_relative_to(self.base):
            open_to_it = self.scratch if writes else (*self.scratch, *self.library)
            if any(real.is_relative_to(top) for top in open_to_it):
                return None
            return f"{real} is outside of {self.base}."
        inside = real.relative_to(self.base)
        if any(fnmatch.fnmatch(name, pattern) for name in inside.parts for pattern in self.hidden):
            return f"{inside} is Home Assistant's own and holds secrets or data: not for editing."
        # What is above ours, too: renaming it would take ours along.
        ours = any(
            inside.is_relative_to(top) or Path(top).is_relative_to(inside) for top in self.read_only
        )
        ours = ours or not inside.parts
        if writes and ours:
            return f"{inside} is the appliance's own and would be written over: use another file."
        return None
