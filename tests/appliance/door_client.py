"""Logs in at the door as a browser does."""

from __future__ import annotations

import re

import requests

LOGIN = "/door/login"
COOKIE = "__Host-hems-door"


def log_in(url: str, session: requests.Session, user: str, password: str) -> requests.Response:
    """Open the door's log-in page, fill in its form, and return the answer to that."""
    page = session.get(f"{url}{LOGIN}?next=/influx/", timeout=20)
    assert page.status_code == 200, page.text
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    form = {**hidden, "user": user, "password": password}
    return session.post(f"{url}{LOGIN}", data=form, timeout=20, allow_redirects=False)
