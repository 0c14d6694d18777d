"""Finds the answer to a request."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path

from .access import Access, need
from .accounts import Accounts
from .authorizations import Authorizations
from .config import Config
from .engine import Engine
from .http import NO_CONTENT, Answer, ApiError, Request, not_here
from .model import Authorization
from .pages import Pages
from .people import People
from .points import Points
from .query import Query
from .resources import Resources
from .store import Store

Open = Callable[[Request], Answer]
Closed = Callable[[Authorization, Request, str], Answer]

# What the real server has below /api/v2/, and the stand-in does not.
REAL_ONLY = {
    "query": "Flux",
    "tasks": "Tasks",
    "backup": "Backup",
    "restore": "Restore",
    "remotes": "Replication",
    "replications": "Replication",
}
_OTHERS = """
annotations checks dashboards documents flags labels notebooks notificationEndpoints
notificationRules resources scrapers sources stacks telegraf telegrafs templates variables views
"""
REAL_ONLY |= dict.fromkeys(_OTHERS.split(), "The web interface's part of the API")


class App:
    """The server without its socket."""

    def __init__(self, config: Config, engine: Engine, state_path: Path) -> None:
        store = Store(state_path)
        accounts = Accounts(engine, store.state)
        if accounts.begin():
            store.save()
        self._access = Access(store.state, config.session_minutes * 60)
        self._lock = threading.Lock()
        pages, people = Pages(config), People(store, accounts, self._access, config)
        tokens, resources = Authorizations(store, accounts), Resources(store, accounts)
        points, query = Points(engine, accounts, store.state), Query(engine, accounts, store.state)

        def settings(who: Authorization, _request: Request, _id: str) -> Answer:
            for action in ("read", "write"):
                need(who, action, "users")
            return pages.config()

        self._pages = pages
        self._open: dict[tuple[str, str], Open] = {
            ("GET", "/ready"): lambda _: pages.ready(),
            ("GET", "/health"): lambda _: pages.health(),
            ("GET", "/ping"): lambda _: NO_CONTENT,
            ("HEAD", "/ping"): lambda _: NO_CONTENT,
            ("GET", "/metrics"): lambda _: pages.metrics(),
            ("GET", "/api/v2/setup"): lambda _: people.may_set_up(),
            ("POST", "/api/v2/setup"): people.set_up,
            ("POST", "/api/v2/signin"): people.sign_in,
            ("POST", "/api/v2/signout"): people.sign_out,
        }
        # Points travel beside each other; everything else changes the state, one request at a time.
        self._parallel: dict[tuple[str, str], Closed] = {
            ("POST", "/api/v2/write"): lambda who, request, _: points.write(who, request),
            ("POST", "/api/v2/delete"): lambda who, request, _: points.delete(who, request),
        }
        self._first: dict[tuple[str, str], Callable[[Authorization, Request], Answer]] = {
            ("POST", "/write"): points.write_1x,
            ("GET", "/query"): query.run,
            ("POST", "/query"): query.run,
        }
        self._closed: dict[tuple[str, str], Closed] = {
            ("GET", "me"): lambda who, _, __: people.me(who),
            ("GET", "users"): lambda who, request, _: people.users(who, request),
            ("GET", "users/:id"): lambda who, _, id_: people.user(who, id_),
            ("PATCH", "users/:id"): lambda who, request, id_: people.rename(who, id_, request),
            ("POST", "users/:id/password"): lambda who, request, id_: people.set_password(
                who, id_, request
            ),
            ("GET", "orgs"): lambda who, request, _: resources.orgs(who, request),
            ("POST", "orgs"): lambda who, request, _: resources.create_org(who, request),
            ("GET", "orgs/:id"): lambda who, _, id_: resources.org(who, id_),
            ("GET", "buckets"): lambda who, request, _: resources.buckets(who, request),
            ("POST", "buckets"): lambda who, request, _: resources.create_bucket(who, request),
            ("GET", "buckets/:id"): lambda who, _, id_: resources.bucket(who, id_),
            ("PATCH", "buckets/:id"): lambda who, request, id_: resources.change_bucket(
                who, id_, request
            ),
            ("DELETE", "buckets/:id"): lambda who, _, id_: resources.delete_bucket(who, id_),
            ("GET", "dbrps"): lambda who, request, _: resources.dbrps(who, request),
            ("GET", "authorizations"): lambda who, request, _: tokens.list(who, request),
            ("POST", "authorizations"): lambda who, request, _: tokens.create(who, request),
            ("GET", "authorizations/:id"): lambda who, _, id_: tokens.get(who, id_),
            ("PATCH", "authorizations/:id"): lambda who, request, id_: tokens.change(
                who, id_, request
            ),
            ("DELETE", "authorizations/:id"): lambda who, _, id_: tokens.delete(who, id_),
            ("GET", "config"): settings,
        }

    def answer(self, request: Request) -> Answer:
        """Return the answer, an error's too."""
        try:
            return self._route(request)
        except ApiError as problem:
            return problem.answer()

    def _route(self, request: Request) -> Answer:
        key = (request.method, request.path)
        if page := self._open.get(key):
            with self._lock:
                return page(request)
        if first := self._first.get(key):
            return first(self._access.who_1x(request), request)
        if parallel := self._parallel.get(key):
            return parallel(self._access.who(request), request, "")
        if not request.path.startswith("/api/"):
            return self._pages.page()
        who = self._access.who(request)
        rest = request.path.removeprefix("/api/v2/")
        kind = rest.partition("/")[0]
        if kind in REAL_ONLY:
            raise not_here(REAL_ONLY[kind])
        return self._resource(who, request, rest)

    def _resource(self, who: Authorization, request: Request, rest: str) -> Answer:
        parts = rest.split("/")
        id_ = parts[1] if len(parts) > 1 else ""
        form = re.sub(r"^([^/]+)/[^/]+", r"\1/:id", rest)
        if handler := self._closed.get((request.method, form)):
            with self._lock:
                return handler(who, request, id_)
        allowed = sorted(method for method, path in self._closed if path == form)
        if (request.method, rest) in {("GET", "write"), ("GET", "delete")}:
            raise ApiError("method not allowed", "allow: OPTIONS, POST")
        if allowed or rest == "me/password":
            return Answer(405)
        raise ApiError("not found", "path not found")
