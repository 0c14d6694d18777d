"""InfluxDB's tokens can't be guessed fast, and whoever has a right one does not notice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hems.door import core, tokens
from hems.door.tokens import Tokens

GUESSER, OTHER = "192.0.2.1", "192.0.2.2"


class Influxdb:
    """A server that knows one token, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked, self.status = 0, 0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        right = request.headers["Authorization"] == "Token right"
        return web.Response(status=self.status or (200 if right else 401))


def play(scene: Callable[[Tokens, Influxdb], Awaitable[None]]) -> None:
    async def run() -> None:
        server = Influxdb()
        app = web.Application()
        app.router.add_get("/api/v2/buckets", server.answer)
        async with TestServer(app, host="127.0.0.1") as started:
            await scene(Tokens(started.port or 0), server)

    asyncio.run(run())


def test_guesses_at_once_are_no_more_than_the_free_tries() -> None:
    async def scene(known: Tokens, server: Influxdb) -> None:
        tries = [known.wait(f"Token {at}", GUESSER) for at in range(200)]
        waits = await asyncio.gather(*tries)
        assert server.asked == core.FREE_TRIES
        assert sum(wait > 0 for wait in waits) == 200 - core.FREE_TRIES
        # Others, and at the same address whoever is known, go on.
        assert await known.wait("Token right", OTHER) == 0
        assert await known.wait("Token right", GUESSER) == 0
        assert await known.wait("Token 200", OTHER) == 0

    play(scene)


def test_an_old_token_sent_again_and_again_counts_once() -> None:
    async def scene(known: Tokens, server: Influxdb) -> None:
        for _ in range(50):
            assert await known.wait("Token old", GUESSER) == 0
        assert server.asked == 1
        assert await known.wait("Token right", GUESSER) == 0

    play(scene)


def test_an_influxdb_that_does_not_say_slows_nobody_down() -> None:
    async def scene(known: Tokens, server: Influxdb) -> None:
        server.status = 503
        for at in range(20):
            assert await known.wait(f"Token {at}", GUESSER) == 0
        server.status = 0
        assert await known.wait("Token right", GUESSER) == 0

    play(scene)
    asyncio.run(nobody_there())


async def nobody_there() -> None:
    assert await Tokens(1).wait("Token x", GUESSER) == 0


def test_what_is_known_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST_KNOWN", 3)

    async def scene(known: Tokens, server: Influxdb) -> None:
        for at in range(4):
            await known.wait(f"Token {at}", f"192.0.2.{at}")
        assert server.asked == 4
        await known.wait("Token 3", OTHER)
        assert server.asked == 4
        await known.wait("Token 0", OTHER)
        assert server.asked == 5

    play(scene)
