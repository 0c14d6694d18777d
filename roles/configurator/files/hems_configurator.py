# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Run hass-configurator behind a guard: no commands, one tree of files, no foreign forms.

Started by hass-configurator.service with the path of its settings (JSON: the editor's own keys,
and "STATE" and "READ_ONLY" of this wrapper).
"""

from __future__ import annotations

import io
import json
import mimetypes
import sys
import tempfile
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlparse

from configurator_guard import LARGEST_BODY, Fence, paths_written, refusal
from hass_configurator import configurator

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler as Editor
else:
    Editor = configurator.RequestHandler


# Where the page would load its text area, icons and style from, and where we keep them instead.
ELSEWHERE = b"https://cdnjs.cloudflare.com/ajax/libs/"
ASSETS = Path(sys.prefix, "share/assets")
KINDS = {".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2"}

# The page ignores an answer that is not 200: what was refused would look like nothing at all.
END = b"</body>"
SHOW_REFUSALS = b"""<script>
$(document).ajaxError(function(event, answer) {
    var words = (answer.responseJSON || {}).message || answer.statusText;
    Materialize.toast($("<div>").append($("<pre>").text(words)), 8000);
});
</script>
"""


class Unreadable(Exception):
    """A file that the editor must not show; the text is one sentence."""


class GuardedHandler(Editor):
    """The editor's handler, asked only for what the guard lets through."""

    def parse_request(self) -> bool:
        """Judge a request as soon as it is read, whatever its method."""
        if not super().parse_request():
            return False
        reason = refusal(self.command, self.path, self.headers)  # type: ignore[arg-type]
        if reason is None:
            return True
        self._drain()
        self._answer(HTTPStatus.FORBIDDEN, reason)
        return False

    def do_GET(self) -> None:  # noqa: N802 - http.server's name
        """Let the editor answer, save for assets and files that can't be read.

        As the file's content, with 200, it would send the reason why it could not read it: saving
        that would overwrite the file.
        """
        url = urlparse(self.path)
        _, is_asset, name = url.path.partition("/assets/")
        if is_asset:
            self._send_asset(ASSETS / name)
            return
        if url.path.endswith(("/api/download", "/api/file")):
            try:
                readable(parse_qs(url.query), to_edit=url.path.endswith("/api/file"))
            except Unreadable as error:
                self._answer(HTTPStatus.FORBIDDEN, str(error))
                return
        super().do_GET()  # type: ignore[misc]

    def do_POST(self) -> None:  # noqa: N802 - http.server's name
        """Let the editor answer; what it trips over becomes an answer, too."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.rfile = io.BytesIO(body)
        try:
            super().do_POST()  # type: ignore[misc]
        except PermissionError as error:
            self._answer(HTTPStatus.FORBIDDEN, str(error))
        except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
            self._answer(HTTPStatus.BAD_REQUEST, f"The editor could not do that: {error}.")

    def _send_asset(self, path: Path) -> None:
        real = path.resolve()
        if not (real.is_relative_to(ASSETS.resolve()) and real.suffix in KINDS and real.is_file()):
            self._answer(HTTPStatus.NOT_FOUND, "There is no such file.")
            return
        content = real.read_bytes()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", KINDS[real.suffix])
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "max-age=86400")
        self.end_headers()
        self.wfile.write(content)

    def _drain(self) -> None:
        # A client that still sends when the connection closes would not read the answer.
        length = self.headers.get("Content-Length", "")
        if length.isascii() and length.isdigit():
            self.rfile.read(min(int(length), LARGEST_BODY))

    def _answer(self, status: HTTPStatus, reason: str) -> None:
        # In the editor's own form, so that its page shows the sentence.
        print(f"{status.value} {self.command}: {reason}", file=sys.stderr)
        self.send_response(status)
        self.send_header("Content-Type", "text/json")
        self.end_headers()
        self.wfile.write(json.dumps({"error": True, "message": reason}).encode())


def load_file(filename: str | bytes, static: bool = False) -> bytes:
    """Read a file for the editor; its own version hides why it could not."""
    path = Path(filename.decode() if isinstance(filename, bytes) else filename)
    if not static:
        return path.read_bytes()
    # Its page runs in Home Assistant's own origin: nobody else's scripts belong there.
    page = (Path(configurator.__file__).parent / path).read_bytes().replace(ELSEWHERE, b"assets/")
    head, end, tail = page.rpartition(END)
    return head + SHOW_REFUSALS + end + tail if end and path.suffix == ".html" else page


def readable(query: Mapping[str, Sequence[str]], *, to_edit: bool) -> None:
    """Raise Unreadable unless the file of a request can be read, and edited as text if it is to be.

    An image is shown by the browser, not edited.
    """
    name = unquote(query.get("filename", [""])[0])
    kind = (mimetypes.guess_type(name)[0] or "").partition("/")[0]
    if not name:
        raise Unreadable("The request names no file.")
    try:
        content = load_file(name)
        if to_edit and kind != "image":
            content.decode()
    except UnicodeDecodeError as error:
        raise Unreadable(
            f"{name} is no text in UTF-8 (byte {error.start + 1}) and is not opened, since saving "
            "would destroy it: download it, and upload it again as UTF-8."
        ) from error
    except (OSError, ValueError) as error:
        raise Unreadable(
            f"{name} can't be read: {getattr(error, 'strerror', None) or error}."
        ) from error


def build_fence(settings_path: Path, settings: dict[str, Any]) -> Fence:
    """Return the fence that the settings describe."""
    return Fence(
        base=Path(settings["BASEPATH"]).resolve(),
        hidden=tuple(settings["IGNORE_PATTERN"]),
        read_only=tuple(settings["READ_ONLY"]),
        scratch=(Path(settings["STATE"]).resolve(), Path(tempfile.gettempdir()).resolve()),
        library=tuple(
            Path(path).resolve()
            for path in (sys.prefix, sys.base_prefix + "/lib", Path(__file__).parent, settings_path)
        ),
    )


def watch(fence: Fence) -> None:
    """Stop every access that the fence refuses, wherever in the editor it is made (PEP 578)."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if reason := fence.refusal(event, arguments):
            raise PermissionError(reason)
        if written := paths_written(event, arguments):
            print(f"{event}: {', '.join(map(str, written))}", file=sys.stderr)

    sys.addaudithook(hook)


def main() -> None:
    """Serve until stopped."""
    settings_path = Path(sys.argv[1])
    settings = json.loads(settings_path.read_text())
    # An absolute name: the editor's preferences are no part of Home Assistant's configuration.
    configurator.PREFS_FILENAME = f"{settings['STATE']}/preferences.json"
    configurator.load_file = load_file
    configurator.RequestHandler = GuardedHandler
    mimetypes.init()  # reads the system's tables, which the fence leaves outside
    watch(build_fence(settings_path, settings))
    configurator.main()


if __name__ == "__main__":
    main()
