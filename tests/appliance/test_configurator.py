"""The file editor: it edits Home Assistant's configuration, and nothing else by any road."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.appliance.conftest import Door

pytest_plugins = ["tests.appliance.door_fixtures"]
pytestmark = pytest.mark.journal("hass-configurator")


class Editor:
    """The editor through the door, logged in."""

    def __init__(self, door: Door, cookies: dict[str, str], base: str) -> None:
        self.url = f"{door.url}/configurator/"
        self.base = base
        self.session = door.session()
        self.session.cookies.update(cookies)

    def get(self, name: str, /, **query: str) -> requests.Response:
        """Ask the editor's interface."""
        return self.session.get(f"{self.url}api/{name}", params=query, timeout=20)

    def post(self, name: str, /, **form: str) -> requests.Response:
        """Send the editor's interface a form."""
        return self.session.post(f"{self.url}api/{name}", data=form, timeout=20)

    def succeeds(self, name: str, /, **form: str) -> bool:
        """Send a form and tell whether the editor says that it went well."""
        answer = self.post(name, **form)
        return answer.ok and not answer.json()["error"]


@pytest.fixture(scope="module")
def editor(door: Door, site: dict[str, Any], owner: dict[str, str]) -> Editor:
    return Editor(door, owner, site["hems_path_home_assistant_config"])


@pytest.fixture
def folder(pi: Any, editor: Editor) -> Iterator[str]:
    """A folder in the configuration for the length of a test."""
    path = f"{editor.base}/hems_test"
    pi.check_output(f"rm -rf {path}")
    assert editor.succeeds("newfolder", path=editor.base, name="hems_test")
    yield path
    pi.check_output(f"rm -rf {path}")


def test_the_page_works_below_its_path(editor: Editor) -> None:
    page = editor.session.get(editor.url, timeout=20)
    assert page.status_code == 200 and "HASS Configurator" in page.text
    for name in ("style.css", "jquery-3.6.0.min.js", "materialize.min.js", "js-yaml.min.js"):
        assert f'"{name}"' in page.text, "the page's links are relative"
        assert editor.session.get(editor.url + name, timeout=20).status_code == 200


def test_the_page_needs_nothing_from_elsewhere(editor: Editor) -> None:
    page = editor.session.get(editor.url, timeout=20)
    loaded = re.findall(r'<(?:script[^>]* src|link[^>]* href)="([^"]+)"', page.text)
    assert len(loaded) >= 9
    for name in (*loaded, "assets/ace/1.9.6/mode-yaml.js", "assets/ace/1.9.6/theme-monokai.js"):
        assert "//" not in name
        assert editor.session.get(editor.url + name, timeout=20).status_code == 200, name
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "http" not in policy


def test_what_is_no_text_is_refused_and_stays_as_it_is(
    pi: Any, editor: Editor, folder: str
) -> None:
    path = f"{folder}/latin.yaml"
    pi.check_output(f"printf 'name: K\\374che\\n' >{path} && chmod 0644 {path}")
    answer = editor.get("file", filename=path)
    assert (answer.status_code, answer.json()["error"]) == (403, True)
    assert "no text in UTF-8" in answer.json()["message"]
    assert editor.get("file", filename=f"{folder}/none.yaml").status_code == 403
    assert editor.get("download", filename=path).content == b"name: K\xfcche\n"


def test_a_file_is_made_edited_read_renamed_and_removed(
    pi: Any, editor: Editor, folder: str
) -> None:
    text = '# naïve ✓\nsensor:\n  - name: "a & b"\n'
    assert editor.succeeds("newfile", path=folder, name="a.yaml")
    assert editor.succeeds("save", filename=f"{folder}/a.yaml", text=text)
    assert editor.get("file", filename=f"{folder}/a.yaml").content == text.encode()
    assert pi.file(f"{folder}/a.yaml").content == text.encode()
    listing = editor.get("listdir", path=folder).json()["content"]
    assert [one["name"] for one in listing] == ["a.yaml"]
    assert editor.get("download", filename=f"{folder}/a.yaml").content == text.encode()
    assert editor.succeeds("rename", src=f"{folder}/a.yaml", dstfilename="b.yaml")
    assert editor.succeeds("delete", path=f"{folder}/b.yaml")
    assert editor.succeeds("delete", path=folder)


def test_a_file_is_uploaded(pi: Any, editor: Editor, folder: str) -> None:
    content = bytes(range(256)) * 8192  # 2 MiB, twice nginx's own limit
    answer = editor.session.post(
        f"{editor.url}api/upload",
        files={"file": ("a.bin", content)},
        data={"path": folder},
        timeout=60,
    )
    assert answer.ok and not answer.json()["error"]
    assert pi.file(f"{folder}/a.bin").size == len(content)


def test_home_assistant_can_read_what_it_writes(pi: Any, editor: Editor, folder: str) -> None:
    assert editor.succeeds("save", filename=f"{folder}/a.yaml", text="a: 1")
    file = pi.file(f"{folder}/a.yaml")
    assert (file.user, file.group) == ("homeassistant", "homeassistant")


def test_no_command_is_run_through_the_door(editor: Editor) -> None:
    for name in ("exec_command", "Exec_Command", "exec%5Fcommand", "x/../exec_command"):
        answer = editor.session.post(f"{editor.url}api/{name}", data={"command": "id"}, timeout=20)
        assert answer.status_code == 403 and "uid=" not in answer.text


@pytest.mark.parametrize(
    "name", ["allowed_networks", "banned_ips", "gitadd", "init", "commit", "push", "checkout"]
)
def test_what_the_owner_does_not_need_is_off(editor: Editor, name: str) -> None:
    answer = editor.post(name, ip="127.0.0.1", method="ban", path=editor.base, network="0.0.0.0/0")
    assert answer.status_code == 403


@pytest.mark.parametrize("name", ["restart", "check_config", "reload_core", "netstat"])
def test_home_assistant_is_not_asked_without_a_token(editor: Editor, name: str) -> None:
    # Ten of these would have Home Assistant ban loopback, which is the door.
    assert editor.get(name).status_code == 403


@pytest.mark.parametrize("name", [".storage", ".storage/auth", ".cloud", "home-assistant_v2.db"])
def test_tokens_and_data_are_not_shown(editor: Editor, name: str) -> None:
    listed = editor.get("listdir", path=editor.base).json()["content"]
    assert name not in [one["name"] for one in listed]
    for way in ("file", "download"):
        for path in (f"{editor.base}/{name}", name, f"packages/../{name}"):
            answer = editor.get(way, filename=path)
            assert len(answer.text) < 200 and "credential" not in answer.text
    assert "content" not in editor.get("listdir", path=f"{editor.base}/{name}").text[:12]


def test_outside_of_the_configuration_nothing_is_read_or_written(
    pi: Any, editor: Editor, folder: str, site: dict[str, Any]
) -> None:
    secrets = site["hems_path_secrets"]
    for path in (
        "/etc/passwd",
        "../../../etc/passwd",
        f"{secrets}/door_password",
        "/proc/self/environ",
    ):
        assert "root:" not in editor.get("file", filename=path).text
        assert len(editor.get("download", filename=path).text) < 200
        assert not editor.succeeds("save", filename=path, text="x")
        assert not editor.succeeds("delete", path=path)
    for path in (f"{editor.base}/.storage", "/etc", f"{folder}/../../../../etc"):
        assert not editor.succeeds("newfile", path=path, name="hems_test")
        assert not editor.succeeds("newfolder", path=path, name="hems_test")
        answer = editor.session.post(
            f"{editor.url}api/upload",
            files={"file": ("hems_test", b"x")},
            data={"path": path},
            timeout=20,
        )
        assert answer.status_code == 403
    pi.check_output(f"ln -s /etc/passwd {folder}/link")
    assert "root:" not in editor.get("file", filename=f"{folder}/link").text
    assert pi.run(f"find /etc {editor.base}/.storage -name hems_test | grep .").rc == 1


def test_what_the_playbook_writes_is_read_only(pi: Any, editor: Editor) -> None:
    assert not editor.succeeds("save", filename=f"{editor.base}/configuration.yaml", text="x")
    ours = f"{editor.base}/packages/hems"
    before = pi.check_output(f"ls -lR --time-style=full-iso {ours}")
    assert not editor.succeeds("newfile", path=ours, name="a.yaml")
    assert not editor.succeeds("rename", src=ours, dstfilename="theirs")
    assert not editor.succeeds("rename", src=f"{editor.base}/packages", dstfilename="theirs")
    assert pi.check_output(f"ls -lR --time-style=full-iso {ours}") == before


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
)
def test_another_site_cannot_use_the_owners_browser(
    pi: Any, editor: Editor, folder: str, headers: dict[str, str]
) -> None:
    form = {"filename": f"{folder}/a.yaml", "text": "x"}
    answer = editor.session.post(f"{editor.url}api/save", data=form, headers=headers, timeout=20)
    assert answer.status_code == 403
    assert not pi.file(f"{folder}/a.yaml").exists


def test_the_editors_own_page_may(editor: Editor, folder: str) -> None:
    origin = editor.url.removesuffix("/configurator/")
    headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    form = {"filename": f"{folder}/a.yaml", "text": "x"}
    answer = editor.session.post(f"{editor.url}api/save", data=form, headers=headers, timeout=20)
    assert answer.ok and not answer.json()["error"]


def test_a_link_cannot_bring_a_script_into_the_page(editor: Editor) -> None:
    for text in ("';alert(1)//", "</script><script>", "\\"):
        answer = editor.session.get(editor.url, params={"loadfile": text}, timeout=20)
        assert answer.status_code == 403
    good = editor.session.get(editor.url, params={"loadfile": "configuration.yaml"}, timeout=20)
    assert "init_loadfile = 'configuration.yaml'" in good.text
