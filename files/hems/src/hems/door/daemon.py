"""``hems-door``: serves the door's log-in on loopback, and tells nginx who is in.

nginx asks ``/check`` before it passes anything on (its ``auth_request``): 204 means in, 401 means
out. Addresses are those that nginx sees; nobody else can reach the port.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aiohttp import web

from hems import process, services, settings, systemd
from hems.async_process import until_stopped
from hems.door import core, pages
from hems.door.ended import Ended
from hems.door.tokens import Tokens
from hems.loopback import LOOPBACK
from hems.posted_form import fields
from hems.process import Surroundings, say
from hems.services import Page

HOME_ASSISTANT = Page("/", "Home Assistant")
COOKIE = "__Host-hems-door"  # the prefix: of this host alone, and only ever by TLS (RFC 6265bis)
FORM_COOKIE = "__Host-hems-form"
BODY_BYTES = 16384

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, repr=False)
class Account:
    """The one log-in; printed, it shows nothing."""

    user: str
    password: str

    def is_right(self, user: str, password: str) -> bool:
        """Whether both are right; both are looked at in any case."""
        return core.same(user, self.user) & core.same(password, self.password)


class Door:
    """The log-in's requests and answers."""

    def __init__(
        self,
        site: str,
        account: Account,
        key: bytes,
        ended: Ended,
        *,
        links: Callable[[], Sequence[Page]],
        tokens: Tokens,
    ) -> None:
        """``links`` gives the pages behind the door as they are now."""
        self._site, self._account, self._links = site, account, links
        self._session = core.Seal(key, "session", core.SESSION_SECONDS)
        self._form = core.Seal(key, "form", core.FORM_SECONDS)
        self._ended = ended
        self._throttle = core.Throttle()
        self._tokens = tokens

    def application(self) -> web.Application:
        """Return the web application."""
        app = web.Application(client_max_size=BODY_BYTES)
        app.router.add_get("/check", self.check)
        app.router.add_get("/check-or-token", self.check_or_token)
        app.router.add_get(core.HOME, self.home)
        app.router.add_get(core.APART, self.apart)
        app.router.add_get(core.LOGIN, self.show)
        app.router.add_post(core.LOGIN, self.log_in)
        app.router.add_post(core.LOGOUT, self.log_out)
        return app

    async def check(self, request: web.Request) -> web.Response:
        """Answer whether the request that nginx holds back may go on."""
        return web.Response(status=401 if self._who(request) is None else 204)

    async def check_or_token(self, request: web.Request) -> web.Response:
        """Answer that where a token of InfluxDB's will do; 403: its address has to wait."""
        token = request.headers.get("Authorization", "")
        if not token:
            return await self.check(request)
        wait = await self._tokens.wait(token, request.headers.get("X-Real-IP", ""))
        return web.Response(status=403 if wait else 204)

    async def home(self, request: web.Request) -> web.Response:
        """Show what is behind the door, or the form."""
        if self._who(request) is None:
            return self._ask(request, core.HOME)
        return _page(pages.inside(self._site, [HOME_ASSISTANT, *self._links()]))

    async def apart(self, _: web.Request) -> web.Response:
        """Tell Home Assistant's service worker which pages are none of its business."""
        text = pages.apart([core.HOME, *(page.path for page in self._links())])
        return web.Response(text=text, content_type="text/javascript", headers=HEADERS)

    async def show(self, request: web.Request) -> web.Response:
        """Show the form; who is in already goes on."""
        wanted = core.wanted_path(request.rel_url.raw_query_string)
        if self._who(request) is None:
            return self._ask(request, wanted)
        return _go(wanted)

    async def log_in(self, request: web.Request) -> web.Response:
        """Let in who knows the password."""
        given = await fields(request)
        wanted = core.target(given.get("next", ""))
        if core.foreign(request.headers):
            return self._ask(request, wanted, pages.FOREIGN, 403)
        known = _cookie(request, FORM_COOKIE)
        fresh = self._form.open(known, time.time()) is not None
        if not fresh or not core.same(given.get("form", ""), known):
            return self._ask(request, wanted, pages.STALE, 403)
        address, now = request.headers.get("X-Real-IP", ""), time.monotonic()
        if wait := self._throttle.wait(address, now):
            return self._refuse(request, wanted, wait)
        if not self._account.is_right(given.get("user", ""), given.get("password", "")):
            say(f"wrong log-in from {address}: {self._throttle.fail(address, now)} in a row")
            if wait := self._throttle.wait(address, now):
                return self._refuse(request, wanted, wait)
            return self._ask(request, wanted, pages.WRONG, 403)
        self._throttle.succeed(address)
        answer = _go(wanted)
        session = self._session.close(secrets.token_urlsafe(16), time.time())
        _set_cookie(answer, COOKIE, session, core.SESSION_SECONDS, "Lax")
        return answer

    async def log_out(self, request: web.Request) -> web.Response:
        """End the session, also for whoever has a copy of its cookie."""
        if core.foreign(request.headers):
            return self._ask(request, core.HOME, pages.FOREIGN, 403)
        if (session := self._who(request)) is not None:
            self._ended.add(session, time.time())
        answer = _page(pages.gone(self._site))
        _set_cookie(answer, COOKIE, "", 0, "Lax")
        return answer

    def _who(self, request: web.Request) -> str | None:
        session = self._session.open(_cookie(request, COOKIE), time.time())
        return None if session is None or session in self._ended else session

    def _refuse(self, request: web.Request, wanted: str, wait: float) -> web.Response:
        answer = self._ask(request, wanted, pages.slow_down(wait), 429)
        answer.headers["Retry-After"] = str(int(wait) + 1)
        return answer

    def _ask(
        self, request: web.Request, wanted: str, notice: str = "", status: int = 200
    ) -> web.Response:
        token, now = _cookie(request, FORM_COOKIE), time.time()
        if self._form.open(token, now + core.FORM_SECONDS / 2) is None:
            token = self._form.close(secrets.token_urlsafe(16), now)
        answer = _page(pages.form(self._site, token, wanted, notice), status)
        _set_cookie(answer, FORM_COOKIE, token, core.FORM_SECONDS, "Strict")
        return answer


def _page(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html", headers=HEADERS)


def _go(target: str) -> web.Response:
    return web.Response(status=303, headers={**HEADERS, "Location": target})


def _cookie(request: web.Request, name: str) -> str:
    return core.cookies(request.headers.get("Cookie", "")).get(name, "")


def _set_cookie(answer: web.Response, name: str, value: str, seconds: int, site: str) -> None:
    answer.set_cookie(name, value, max_age=seconds, secure=True, httponly=True, samesite=site)


def links(directory: Path) -> tuple[Page, ...]:
    """Return the pages of the services in ``directory``."""
    entries = services.read_all(directory).entries
    return tuple(page for entry in entries.values() for page in entry.pages)


def build(
    appliance: settings.Appliance, around: Surroundings, entries: Path = services.DIRECTORY
) -> Door:
    """Return the log-in with the credentials and the directory that systemd gives.

    ``entries`` is the services' directory, read whenever its pages are shown. Raises HemsError.
    """
    account = Account(appliance.accounts.door, around.credential("door_password"))
    key = core.derive_key(around.credential("door_key"), account.user, account.password)
    ended = Ended(around.state / "ended.json")
    ended.load()
    tokens = Tokens(appliance.ports.influxdb)
    return Door(
        appliance.site.name, account, key, ended, links=partial(links, entries), tokens=tokens
    )


async def serve(door: Door, port: int) -> None:
    """Serve until systemd asks to stop."""
    runner = web.AppRunner(door.application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, port).start()
    await until_stopped("", (systemd.watchdog_seconds() or 60.0) / 2)
    await runner.cleanup()


def daemon(around: Surroundings) -> None:
    """Serve the log-in. Raises HemsError."""
    appliance = settings.appliance(around.settings)
    asyncio.run(serve(build(appliance, around), appliance.ports.door_login))


if __name__ == "__main__":
    sys.exit(process.run(daemon))
