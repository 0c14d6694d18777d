"""The probes of ``hems status``: what counts as an answer, and what does not."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hems import loopback, probes, services
from hems.loopback import LOOPBACK
from hems.probes import Answer

from tests.unit.certificates import site_and_server
from tests.unit.fake_broker import FakeBroker, listening

Serve = Callable[..., int]


@pytest.fixture
def service() -> Iterator[Serve]:
    """A port on loopback where every connection gets one answer; by TLS with a certificate."""
    ends: list[socket.socket] = []

    def answer(server: socket.socket, says: bytes, stay: bool, tls: Path | None) -> None:
        with suppress(OSError):
            while True:
                client = server.accept()[0]
                ends.append(client)
                with suppress(ssl.SSLError, ConnectionError):
                    if tls:
                        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                        context.load_cert_chain(tls)
                        client = context.wrap_socket(client, server_side=True)
                        ends.append(client)
                    if says:
                        client.recv(4096)
                        client.sendall(says)
                if not stay:
                    client.close()

    def serve(says: bytes, *, stay: bool = False, tls: Path | None = None) -> int:
        server = socket.create_server((LOOPBACK, 0))
        ends.append(server)
        threading.Thread(target=answer, args=(server, says, stay, tls), daemon=True).start()
        return int(server.getsockname()[1])

    yield serve
    for end in ends:
        end.close()


@pytest.mark.parametrize(
    ("code", "ok", "detail"),
    [
        (0x87, True, "answers"),
        (0x86, True, "answers"),
        (0x00, False, "lets anybody in without a password"),
        (0x88, False, "refuses connections (Server unavailable)"),
    ],
)
def test_a_broker_is_well_when_it_refuses_a_stranger(
    tmp_path: Path, code: int, ok: bool, detail: str
) -> None:
    with listening(FakeBroker(connack=code)) as broker:
        assert probes.mqtt(broker.port) == Answer(ok, detail)
    # An expired certificate is another issue's matter.
    with listening(FakeBroker(connack=code), site_and_server(tmp_path, -2)) as broker:
        assert probes.mqtts(broker.port, "cottage.local") == Answer(ok, detail)


def test_what_hangs_up_is_no_broker(service: Serve) -> None:
    assert not probes.mqtt(service(b"")).ok


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (b"HTTP/1.0 200 OK\r\nA: b\r\n\r\nx\r\n\r\ny", 200, b"x\r\n\r\ny"),
        (b"HTTP/1.1 301 Moved Permanently\r\n\r\n", 301, b""),
        (b"HTTP/1.1 204\r\n\r\n", 204, b""),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
            200,
            b"abc",
        ),
    ],
)
def test_http_answers_are_read(service: Serve, answer: bytes, status: int, body: bytes) -> None:
    assert loopback.exchange(service(answer), "GET", "/") == (status, body)


@pytest.mark.parametrize("answer", [b"220 smtp ready\r\n", b"HTTP/1.1 two\r\n\r\n"])
def test_what_is_not_http_is_refused(service: Serve, answer: bytes) -> None:
    with pytest.raises(ValueError, match="isn't HTTP"):
        loopback.exchange(service(answer), "GET", "/")


def test_home_assistant_answers_with_its_own_page(service: Serve) -> None:
    wanted = ("/manifest.json", [200], "Assistant")
    assert probes.http(service(b'HTTP/1.1 200 OK\r\n\r\n{"name":"Home Assistant"}'), *wanted).ok
    assert not probes.http(service(b"HTTP/1.1 200 OK\r\n\r\nWelcome to nginx!"), *wanted).ok
    starting = service(b"HTTP/1.1 503 Starting\r\n\r\n")
    assert probes.http(starting, *wanted) == Answer(False, "answers 503")


@pytest.mark.parametrize(
    ("body", "ok", "detail"),
    [
        (b'{"status":"pass","version":"v2.9.1","message":"ready"}', True, "v2.9.1 ready"),
        (b'{"status":"fail","message":"disk"}', False, "disk"),
        (b"{}", False, "does not answer: 'status'"),
        (b"<html>", False, "does not answer: expecting value: line 1 column 1 (char 0)"),
    ],
)
def test_influxdb_tells_its_health(service: Serve, body: bytes, ok: bool, detail: str) -> None:
    assert probes.influxdb(service(b"HTTP/1.1 200 OK\r\n\r\n" + body)) == Answer(ok, detail)


def test_the_door_redirects_and_the_editor_shows_something(service: Serve) -> None:
    assert probes.http(service(b"HTTP/1.1 301 Moved Permanently\r\n\r\n"), "/", [301, 308]).ok
    shown = service(b"HTTP/1.1 200 OK\r\n\r\n")
    assert not probes.http(shown, "/", [301, 308]).ok
    assert probes.http(shown, "/").ok
    assert not probes.http(service(b"HTTP/1.1 502 Bad Gateway\r\n\r\n"), "/").ok


def test_one_who_listens_but_never_answers_is_not_waited_for(service: Serve) -> None:
    begin = time.monotonic()
    with pytest.raises(TimeoutError):
        loopback.exchange(service(b"HTTP/1.1 200 OK\r\n", stay=True), "GET", "/", timeout=0.2)
    silent = Answer(False, "does not answer: timed out")
    assert probes.mqtt(service(b"", stay=True), timeout=0.2) == silent
    assert time.monotonic() - begin < 2


def test_an_answer_that_comes_drop_by_drop_is_cut() -> None:
    # http.client waits its time-out for each piece.
    with socket.create_server((LOOPBACK, 0)) as server:

        def drip() -> None:
            with suppress(OSError), server.accept()[0] as client:
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                while True:
                    client.sendall(b"x")
                    time.sleep(0.05)

        threading.Thread(target=drip, daemon=True).start()
        begin = time.monotonic()
        with pytest.raises(TimeoutError):
            loopback.exchange(server.getsockname()[1], "GET", "/", timeout=0.4)
        assert time.monotonic() - begin < 3


def test_an_endless_answer_is_cut_off(service: Serve) -> None:
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (2 * loopback.ANSWER_BYTES)
    status, body = loopback.exchange(service(endless, stay=True), "GET", "/", timeout=5)
    assert (status, len(body)) == (200, loopback.ANSWER_BYTES)


@pytest.mark.parametrize(
    ("days", "name", "detail"),
    [
        (30, "cottage", "valid"),
        (-2, "cottage", "certificate has expired"),
        (30, "shed", "Hostname mismatch"),
    ],
)
def test_a_certificate_is_judged_by_the_sites_ca(
    service: Serve, tmp_path: Path, days: int, name: str, detail: str
) -> None:
    server = site_and_server(tmp_path, days)
    ca = tmp_path / "ca.crt"
    with listening(FakeBroker(connack=0x87), server) as broker:
        door = services.Certificate("the door", service(b"", tls=server))
        mqtts = services.Certificate("the MQTT broker", broker.port, "mqtt")
        for seen in (probes.certificate(served, name, ca) for served in (door, mqtts)):
            assert seen.detail.startswith(detail)
            assert seen.ok == (detail == "valid")
            if seen.ok:
                assert seen.not_after == pytest.approx(time.time() + days * 86_400, abs=7_200)


def test_a_missing_ca_is_named(tmp_path: Path) -> None:
    door = services.Certificate("the door", 1)
    seen = probes.certificate(door, "cottage", tmp_path / "ca.crt")
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
    service: Serve, tmp_path: Path, says: bytes, expected: Answer
) -> None:
    # An expired certificate is another issue's matter.
    port = service(says, tls=site_and_server(tmp_path, -2))
    asked = ("cottage.local", "/manifest.json", [200], "Assistant")
    assert probes.https(port, *asked, timeout=5) == expected


def test_a_name_without_a_network_is_no_fault_of_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> bool:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(probes.mdns, "answers", unreachable)
    assert probes.named("cottage.local").ok
    monkeypatch.setattr(probes.mdns, "answers", lambda *_: False)
    assert not probes.named("cottage.local").ok
