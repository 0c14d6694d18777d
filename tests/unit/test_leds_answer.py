"""Whether Home Assistant answers: asked on a real socket, without waiting."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from hems.leds.answer import TIMEOUT_SECONDS, HomeAssistant, judge

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n{"name": "Home Assistant"}\n'


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def port(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def proceed(client: HomeAssistant, seconds: float = 5) -> None:
    """Do what the daemon does, until the request is over or the time is."""
    deadline = time.monotonic() + seconds
    while (client.reading or client.writing) and time.monotonic() < deadline:
        reading, writing = client.reading, client.writing
        ready = select.select(
            [reading] if reading else [], [writing] if writing else [], [], seconds
        )
        if ready[0] or ready[1]:
            client.proceed()


def serve(listener: socket.socket, *parts: bytes) -> None:
    def answer() -> None:
        peer, _ = listener.accept()
        with peer:
            asked = peer.recv(1000)
            assert asked.startswith(b"GET /manifest.json HTTP/1.0\r\nHost: 127.0.0.1:")
            assert b"Authorization" not in asked
            for part in parts:
                peer.sendall(part)
                time.sleep(0.01)

    threading.Thread(target=answer, daemon=True).start()


def test_an_answer_in_pieces_is_an_answer(server: socket.socket) -> None:
    serve(server, ANSWER[:5], ANSWER[5:40], ANSWER[40:])
    client = HomeAssistant(port(server))
    client.ask(0)
    proceed(client)
    assert client.answers
    assert client.reading is client.writing is None


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 502 Bad Gateway\r\n\r\nHome Assistant is away",
        b"HTTP/1.1 200 OK\r\n\r\nsomething else listens here",
        b"SSH-2.0-OpenSSH_10.0\r\n\r\nHome Assistant",
        b"",
    ],
)
def test_another_answer_is_none(server: socket.socket, answer: bytes) -> None:
    serve(server, answer)
    client = HomeAssistant(port(server))
    client.answers = True
    client.ask(0)
    proceed(client)
    assert not client.answers
    assert not judge(answer)


def test_nobody_listens(server: socket.socket) -> None:
    number = port(server)
    server.close()
    client = HomeAssistant(number)
    client.answers = True
    client.ask(0)
    proceed(client)
    assert not client.answers


def test_one_that_listens_and_never_answers_is_given_up(server: socket.socket) -> None:
    client = HomeAssistant(port(server))
    client.answers = True
    client.ask(100)
    proceed(client, 0.1)
    first = client.reading
    assert client.answers, "it still has time"
    client.ask(100 + TIMEOUT_SECONDS - 1)
    assert client.reading is first, "one request at a time"
    client.ask(100 + TIMEOUT_SECONDS)
    assert not client.answers
    proceed(client, 0.1)
    assert client.reading not in (None, first), "the next one is under way"
    client.close()
    client.proceed()


def test_an_endless_answer_is_cut(server: socket.socket) -> None:
    serve(server, b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 32768] * 3)
    client = HomeAssistant(port(server))
    client.ask(0)
    proceed(client)
    assert not client.answers
    assert client.reading is None
