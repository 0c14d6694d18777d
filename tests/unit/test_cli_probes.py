"""The probes of ``hems status``: what counts as an answer, and what does not."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hems import probes
from hems.probes import Answer

from tests.unit.certificates import site_and_server

PORT = 1


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], list[bytes]]]:
    """A service that gives one answer; returns what it was asked."""
    ends: list[socket.socket] = []

    def serve(answer: bytes, *, close: bool = True) -> list[bytes]:
        asked: list[bytes] = []

        def connect(_address: object, timeout: float) -> socket.socket:
            client, server = socket.socketpair()
            ends.extend((client, server))
            client.settimeout(timeout)
            server.sendall(answer)
            if close:
                server.shutdown(socket.SHUT_WR)
            asked.append(b"")
            return client

        monkeypatch.setattr(probes.socket, "create_connection", connect)
        return asked

    yield serve
    for end in ends:
        end.close()


@pytest.mark.parametrize(
    ("answer", "ok", "detail"),
    [
        (b"\x20\x02\x00\x05", True, "answers"),
        (b"\x20\x02\x00\x04", True, "answers"),
        (b"\x20\x02\x00\x00", False, "lets anybody in without a password"),
        (b"\x20\x02\x00\x03", False, "refuses connections (return code 3)"),
        (b"HTTP", False, "the answer isn't MQTT"),
        (b"", False, "the answer isn't MQTT"),
    ],
)
def test_a_broker_is_well_when_it_refuses_a_stranger(
    service: Callable[..., list[bytes]], answer: bytes, ok: bool, detail: str
) -> None:
    service(answer)
    assert probes.mqtt(PORT) == Answer(ok, detail)


def test_the_greeting_is_an_mqtt_packet() -> None:
    # MQTT 3.1.1, 3.1: the length is of all that follows, the client id's of the rest.
    assert probes.MQTT_CONNECT[1] == len(probes.MQTT_CONNECT) - 2
    assert probes.MQTT_CONNECT[13] == len(probes.MQTT_CONNECT) - 14


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (b"HTTP/1.0 200 OK\r\nA: b\r\n\r\nx\r\n\r\ny", 200, b"x\r\n\r\ny"),
        (b"HTTP/1.1 301 Moved Permanently\r\n\r\n", 301, b""),
        (b"HTTP/1.1 204\r\n\r\n", 204, b""),
    ],
)
def test_http_answers_are_read(answer: bytes, status: int, body: bytes) -> None:
    assert probes.parse_http(answer) == (status, body)


@pytest.mark.parametrize(
    "answer", [b"", b"220 smtp ready\r\n", b"HTTP/2 200", b"HTTP/1.1 two\r\n\r\n"]
)
def test_what_is_not_http_is_refused(answer: bytes) -> None:
    with pytest.raises(ValueError, match="isn't HTTP"):
        probes.parse_http(answer)


def test_home_assistant_answers_with_its_own_page(service: Callable[..., list[bytes]]) -> None:
    service(b'HTTP/1.1 200 OK\r\n\r\n{"name":"Home Assistant"}')
    assert probes.http(PORT, "/manifest.json", [200], "Assistant").ok
    service(b"HTTP/1.1 200 OK\r\n\r\nWelcome to nginx!")
    assert not probes.http(PORT, "/manifest.json", [200], "Assistant").ok
    service(b"HTTP/1.1 503 Starting\r\n\r\n")
    assert probes.http(PORT, "/manifest.json", [200], "Assistant") == Answer(False, "answers 503")


@pytest.mark.parametrize(
    ("body", "ok", "detail"),
    [
        (b'{"status":"pass","version":"v2.9.1","message":"ready"}', True, "v2.9.1 ready"),
        (b'{"status":"fail","message":"disk"}', False, "disk"),
        (b"{}", False, "does not answer: 'status'"),
        (b"<html>", False, "does not answer: expecting value: line 1 column 1 (char 0)"),
    ],
)
def test_influxdb_tells_its_health(
    service: Callable[..., list[bytes]], body: bytes, ok: bool, detail: str
) -> None:
    service(b"HTTP/1.1 200 OK\r\n\r\n" + body)
    assert probes.influxdb(PORT) == Answer(ok, detail)


def test_the_door_redirects_and_the_editor_shows_something(
    service: Callable[..., list[bytes]],
) -> None:
    service(b"HTTP/1.1 301 Moved Permanently\r\n\r\n")
    assert probes.http(PORT, "/", [301, 308]).ok
    service(b"HTTP/1.1 200 OK\r\n\r\n")
    assert not probes.http(PORT, "/", [301, 308]).ok
    assert probes.http(PORT, "/").ok
    service(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
    assert not probes.http(PORT, "/").ok


def test_one_who_listens_but_never_answers_is_not_waited_for(
    service: Callable[..., list[bytes]],
) -> None:
    service(b"HTTP/1.1 200 OK\r\n", close=False)
    begin = time.monotonic()
    with pytest.raises(TimeoutError):
        probes.http_exchange(PORT, "/", timeout=0.2)
    service(b"", close=False)
    assert probes.mqtt(PORT, timeout=0.2) == Answer(False, "does not answer: timed out")
    assert time.monotonic() - begin < 2


def test_an_endless_answer_is_cut_off(service: Callable[..., list[bytes]]) -> None:
    service(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (2 * probes.ANSWER_BYTES - 50), close=False)
    status, body = probes.http_exchange(PORT, "/", timeout=2)
    assert status == 200
    assert len(body) < probes.ANSWER_BYTES


@contextmanager
def tls_service(monkeypatch: pytest.MonkeyPatch, server: Path, says: bytes = b"") -> Iterator[None]:
    """A port that shakes hands with the certificate, once, and then ``says`` something."""
    client, peer = socket.socketpair()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server)

    def shake_hands() -> None:
        try:
            with context.wrap_socket(peer, server_side=True) as served:
                if says:
                    served.recv(4096)
                    served.sendall(says)
        except OSError:
            peer.close()

    monkeypatch.setattr(probes.socket, "create_connection", lambda _address, _timeout: client)
    thread = threading.Thread(target=shake_hands)
    thread.start()
    yield
    client.close()
    thread.join(5)


@pytest.mark.parametrize(
    ("days", "name", "detail"),
    [
        (30, "cottage", "valid"),
        (-2, "cottage", "certificate has expired"),
        (30, "shed", "Hostname mismatch"),
    ],
)
def test_a_certificate_is_judged_by_the_sites_ca(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, name: str, detail: str
) -> None:
    server = site_and_server(tmp_path, days)
    with tls_service(monkeypatch, server):
        seen = probes.certificate(PORT, name, tmp_path / "ca.crt")
    assert seen.detail.startswith(detail)
    assert seen.ok == (detail == "valid")
    if seen.ok:
        assert seen.not_after == pytest.approx(time.time() + days * 86_400, abs=7_200)


def test_a_missing_ca_is_named(tmp_path: Path) -> None:
    seen = probes.certificate(PORT, "cottage", tmp_path / "ca.crt")
    assert not seen.ok
    assert (
        seen.detail
        == f"the CA's certificate {tmp_path}/ca.crt can't be used: no such file or directory"
    )


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        (b'HTTP/1.1 200 OK\r\n\r\n{"name": "Home Assistant"}', Answer(True, "answers")),
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            Answer(False, "answers 400 for /manifest.json"),
        ),
        (b"HTTP/1.1 200 OK\r\n\r\nsomebody else", Answer(False, "answers 200 for /manifest.json")),
        (b"SSH-2.0\r\n\r\n", Answer(False, "does not answer: the answer isn't HTTP")),
    ],
)
def test_home_assistant_is_asked_through_the_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: bytes, expected: Answer
) -> None:
    # An expired certificate is another issue's matter.
    with tls_service(monkeypatch, site_and_server(tmp_path, -2), says):
        asked = ("cottage.local", "/manifest.json", [200], "Assistant")
        assert probes.https(PORT, *asked, timeout=2) == expected


@pytest.mark.parametrize(("code", "ok"), [(4, True), (5, True), (0, False), (3, False)])
def test_the_broker_is_asked_by_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, ok: bool
) -> None:
    with tls_service(monkeypatch, site_and_server(tmp_path, 30), bytes([0x20, 2, 0, code])):
        assert probes.mqtts(PORT, "cottage.local", timeout=2).ok is ok


def test_a_name_without_a_network_is_no_fault_of_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> bool:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(probes.mdns, "answers", unreachable)
    assert probes.named("cottage.local").ok
    monkeypatch.setattr(probes.mdns, "answers", lambda *_: False)
    assert not probes.named("cottage.local").ok
