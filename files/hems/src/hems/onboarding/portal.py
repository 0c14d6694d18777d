"""The captive portal: on loopback while the hotspot is open, behind nginx.

A guest's phone asks by itself whether there is Internet (Apple's hotspot-detect.html, Android's
generate_204, Windows' connecttest.txt, Firefox's canonical.html, GNOME's check_network_status.txt):
whatever is asked under another name or path is led to the portal, which is how they find it. There
is no cookie: an iPhone's sheet keeps none, so what shows that a form is ours is in the form.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from aiohttp import web

from hems.door.core import Seal
from hems.loopback import LOOPBACK
from hems.onboarding import core, pages, words
from hems.onboarding.core import SSID_BYTES, Lock, Network, Trouble
from hems.onboarding.pages import OTHER, About, Notice
from hems.posted_form import fields

FORM_SECONDS = 1800.0  # that a page may stay open
BODY_BYTES = 4096
SCAN_PAUSE = 10.0  # seconds between two searches
LEAD_SECONDS = 3.0  # that a phone has to read the answer, before the hotspot goes

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class Choice:
    """The network that a guest has chosen. Printed, it shows no passphrase."""

    ssid: bytes
    key: str = field(repr=False)
    lock: Lock | None  # None: it was not seen
    hidden: bool


@dataclass(frozen=True)
class Attempt:
    """What went wrong last time; ``reason``: NetworkManager's."""

    ssid: bytes
    trouble: Trouble
    reason: int = 0


class Portal:
    """The portal's requests and answers."""

    def __init__(
        self,
        about: About,
        address: str,
        *,
        chosen: Callable[[Choice], None],
        scan: Callable[[], Awaitable[None]],
    ) -> None:
        """``address``: where guests find it. ``chosen`` is told a network once it was answered."""
        self._about, self._address = about, address
        self._chosen, self._scan = chosen, scan
        self._seal = Seal(secrets.token_bytes(32), "form", FORM_SECONDS)
        self._scanned = float("-inf")
        self._runner: web.AppRunner | None = None
        self.networks: Sequence[Network] = ()
        self.last: Attempt | None = None

    def application(self) -> web.Application:
        """Return the web application."""
        app = web.Application(client_max_size=BODY_BYTES)
        app.router.add_get("/", self.show)
        app.router.add_post("/join", self.join)
        app.router.add_post("/scan", self.search)
        app.router.add_route("*", "/{anything:.*}", self.lead)
        return app

    async def start(self, port: int) -> None:
        """Listen, unless it does already. Raises OSError."""
        if self._runner is None:
            runner = web.AppRunner(self.application(), access_log=None)
            await runner.setup()
            try:
                await web.TCPSite(runner, LOOPBACK, port).start()
            except OSError:
                await runner.cleanup()
                raise
            self._runner = runner

    async def stop(self) -> None:
        """Listen no more."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Show the networks."""
        if not self._is_ours(request):
            return await self.lead(request)
        return self._page(request.query.get("lang", ""), request)

    async def lead(self, request: web.Request) -> web.StreamResponse:
        """Lead a phone to the portal."""
        status = 302 if request.method in ("GET", "HEAD") else 303
        place = f"http://{self._address}/"
        return web.Response(status=status, headers={**HEADERS, "Location": place})

    async def search(self, request: web.Request) -> web.StreamResponse:
        """Look for networks again."""
        given = await fields(request)
        language = given.get("lang", "")
        if not self._is_fresh(given):
            return self._page(language, request, "stale", 403)
        now = time.monotonic()
        if now - self._scanned < SCAN_PAUSE:
            return self._page(language, request, "slow_down", 429)
        self._scanned = now
        await self._scan()
        return self._page(language, request)

    async def join(self, request: web.Request) -> web.StreamResponse:
        """Take a guest's choice; the phone has its answer before the hotspot goes."""
        given = await fields(request)
        language = words.spoken(given.get("lang", ""), request.headers.get("Accept-Language", ""))
        if not self._is_fresh(given):
            return self._page(language, request, "stale", 403)
        choice = self._choice(given)
        if choice is None:
            return self._page(language, request, "choose", 400)
        lock = choice.lock or (Lock.WPA2 if choice.key else Lock.OPEN)
        trouble = core.key_problem(lock, choice.key)
        if not 0 < len(choice.ssid) <= SSID_BYTES:
            trouble = Trouble.NAME
        if trouble is not None:
            notice = Notice(words.sentence(trouble, language=language))
            return self._page(language, request, notice, 400, chosen=choice.ssid)
        asyncio.get_running_loop().call_later(LEAD_SECONDS, self._chosen, choice)
        return _page(pages.trying(self._about, core.shown(choice.ssid), language))

    def _choice(self, given: Mapping[str, str]) -> Choice | None:
        wanted, key = given.get("network", ""), given.get("key", "")
        if wanted == OTHER:
            ssid = given.get("name", "").encode(errors="replace")
            seen = {one.ssid: one.lock for one in self.networks}
            return Choice(ssid, key, seen.get(ssid), hidden=ssid not in seen)
        for one in self.networks:
            if one.ssid.hex() == wanted:
                return Choice(one.ssid, key, one.lock, hidden=False)
        return None

    def _is_ours(self, request: web.Request) -> bool:
        return request.headers.get("Host", "").partition(":")[0] == self._address

    def _is_fresh(self, given: Mapping[str, str]) -> bool:
        return self._seal.open(given.get("form", ""), time.monotonic()) is not None

    def _page(
        self,
        language: str,
        request: web.Request,
        notice: str | Notice = "",
        status: int = 200,
        *,
        chosen: bytes = b"",
    ) -> web.Response:
        language = words.spoken(language, request.headers.get("Accept-Language", ""))
        last = self.last
        told: Notice | None = None
        if isinstance(notice, Notice):
            told = notice
        elif notice:
            told = Notice(words.page(language)[notice])
        elif last is not None:
            name = core.shown(last.ssid)
            told = pages.failure(name, last.trouble, last.reason, language)
        text = pages.choose(
            self._about,
            self.networks,
            token=self._seal.close(secrets.token_urlsafe(12), time.monotonic()),
            language=language,
            notice=told,
            chosen=chosen or (last.ssid if last else b""),
        )
        return _page(text, status)


def _page(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html", headers=HEADERS)
