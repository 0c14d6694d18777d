"""The wrapper around the editor's handler, with a stand-in for the editor that does as it does."""

from __future__ import annotations

import http.client
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest

from tests.unit.modules import ROOT, load_module


class Editor(BaseHTTPRequestHandler):
    """hass-configurator's handler in small: it answers 200 and says what it was asked."""

    refuses: type[Exception] | None = None

    def do_GET(self) -> None:
        self._say(b"")

    def do_POST(self) -> None:
        if self.refuses:
            raise self.refuses("not this file")
        self._say(self.rfile.read(int(self.headers["Content-Length"])))

    def _say(self, body: bytes) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{self.command} {self.path} ".encode() + body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        pass


@pytest.fixture
def wrapper(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """Our wrapper, around the stand-in."""
    package, module = ModuleType("hass_configurator"), ModuleType("hass_configurator.configurator")
    module.RequestHandler = Editor  # type: ignore[attr-defined]
    module.__file__ = str(tmp_path / "configurator.py")
    package.configurator = module  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "hass_configurator", package)
    monkeypatch.setitem(sys.modules, "hass_configurator.configurator", module)
    monkeypatch.syspath_prepend(str(ROOT / "roles/configurator/files"))
    return load_module("roles/configurator/files/hems_configurator.py")


@pytest.fixture
def port(wrapper: ModuleType) -> Iterator[int]:
    """Where the wrapped editor serves."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), wrapper.GuardedHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def ask(port: int, method: str, target: str, body: bytes | None = None) -> tuple[int, str]:
    """Send one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, target, body)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_the_editor_gets_what_is_allowed_whole(port: int) -> None:
    assert ask(port, "GET", "/api/listdir?path=a") == (200, "GET /api/listdir?path=a ")
    body = b"filename=a&text=" + b"x" * 1_000_000
    assert ask(port, "POST", "/api/save", body) == (200, "POST /api/save " + body.decode())


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "BREW"])
def test_a_command_is_refused_before_the_editor_hears_of_it(port: int, method: str) -> None:
    status, text = ask(port, method, "/api/exec_command", b"command=" + b"x" * 300_000)
    assert status == 403
    assert json.loads(text) == {
        "error": True,
        "message": "Running commands is switched off on this box.",
    }


@pytest.mark.parametrize(
    ("error", "status"), [(PermissionError, 403), (KeyError, 400), (AttributeError, 400)]
)
def test_what_the_editor_trips_over_becomes_an_answer(
    port: int, monkeypatch: pytest.MonkeyPatch, error: type[Exception], status: int
) -> None:
    monkeypatch.setattr(Editor, "refuses", error)
    answer = ask(port, "POST", "/api/upload", b"x")
    assert answer[0] == status
    assert "not this file" in json.loads(answer[1])["message"]


def test_a_download_that_cannot_be_read_is_said(port: int, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    assert ask(port, "GET", f"/api/download?filename={tmp_path}/a")[0] == 200
    status, text = ask(port, "GET", f"/api/download?filename={tmp_path}/none")
    assert status == 403 and "No such file" in text


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00a", "Küche".encode("latin-1"), "a: 1\n".encode("utf-16"), b"SQLite\x00\x80"],
)
def test_what_is_no_text_is_not_opened_for_editing(
    port: int, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "a.yaml").write_bytes(content)
    status, text = ask(port, "GET", f"/api/file?filename={tmp_path}/a.yaml")
    assert status == 403
    assert json.loads(text)["message"].startswith(f"{tmp_path}/a.yaml is no text in UTF-8 (byte ")
    assert ask(port, "GET", f"/api/download?filename={tmp_path}/a.yaml")[0] == 200


@pytest.mark.parametrize("query", ["", "?filename=", "?filename=%00", "?filename=/none/such"])
def test_a_file_that_cannot_be_read_is_no_content(port: int, query: str) -> None:
    status, text = ask(port, "GET", f"/api/file{query}")
    assert status == 403 and json.loads(text)["error"]


def test_text_and_images_are_opened(port: int, tmp_path: Path) -> None:
    for name, content in (
        ("a.yaml", "Küche ✓".encode()),
        ("empty", b""),
        ("a.png", b"\x89PNG\xff"),
    ):
        (tmp_path / name).write_bytes(content)
        assert ask(port, "GET", f"/api/file?filename={tmp_path}/{name}")[0] == 200, name


def test_the_page_shows_what_is_refused(wrapper: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "dev.html").write_text("<body><p></p></body></html>")
    page = wrapper.load_file("dev.html", static=True).decode()
    assert page.startswith("<body><p></p><script>") and page.endswith("</script>\n</body></html>")


def test_the_page_finds_its_assets_on_the_box(
    wrapper: ModuleType, port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "dev.html").write_bytes(b'<script src="' + wrapper.ELSEWHERE + b'ace/1/ace.js">')
    assert wrapper.load_file("dev.html", static=True) == b'<script src="assets/ace/1/ace.js">'
    assets = tmp_path / "assets"
    (assets / "ace").mkdir(parents=True)
    (assets / "ace/ace.js").write_text("ace")
    (assets / "ace/ace.txt").write_text("text")
    (tmp_path / "outside.js").write_text("secret")
    monkeypatch.setattr(wrapper, "ASSETS", assets)
    assert ask(port, "GET", "/assets/ace/ace.js?v=1") == (200, "ace")
    for name in (
        "ace/none.js",
        "ace/ace.txt",
        "ace",
        "../outside.js",
        "",
        str(tmp_path / "outside.js"),
    ):
        assert ask(port, "GET", f"/assets/{name}")[0] == 404, name


def test_files_are_read_with_their_error(wrapper: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("page")
    assert wrapper.load_file("page.html", static=True) == b"page"
    assert wrapper.load_file(str(tmp_path / "page.html").encode()) == b"page"
    with pytest.raises(FileNotFoundError):
        wrapper.load_file(str(tmp_path / "none"))


def test_the_fence_is_as_the_settings_say(wrapper: ModuleType, tmp_path: Path) -> None:
    settings = {
        "BASEPATH": str(tmp_path),
        "STATE": str(tmp_path / "state"),
        "IGNORE_PATTERN": [".*"],
        "READ_ONLY": ["packages/hems"],
    }
    fence = wrapper.build_fence(tmp_path / "settings.json", settings)
    assert fence.base == tmp_path.resolve()
    assert (fence.hidden, fence.read_only) == ((".*",), ("packages/hems",))
    assert fence.refusal("open", (str(tmp_path / ".storage"), "r", 0)) is not None
    assert fence.refusal("open", (json.__file__, "r", 0)) is None
