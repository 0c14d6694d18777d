"""The pages of the door's log-in. They work without JavaScript and load nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from html import escape
from importlib import resources
from string import Template

from hems.door.core import HOME, LOGIN, LOGOUT
from hems.services import Page

WRONG = "That user name or password is not right. On the box, “sudo hems passwords” shows both."
STALE = "This page was open for too long, or the browser keeps no cookies. Please try again."
FOREIGN = "This came from another web site. Please log in here."
LOGGED_OUT = "You are logged out."

_FRAME = Template((resources.files(__package__) / "page.html").read_text(encoding="utf-8"))
_FORM = Template("""\
<h1>Log in</h1>
$notice<form method="post" action="$action">
<input type="hidden" name="form" value="$form">
<input type="hidden" name="next" value="$target">
<label for="user">User name</label>
<input id="user" name="user" autocomplete="username" autocapitalize="none" autocorrect="off"
 spellcheck="false" maxlength="100" required>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password"
 maxlength="200" required>
<button>Log in</button>
</form>
<p class="small">For what has no log-in of its own. Home Assistant has
<a href="/">its own log-in</a>.</p>
""")
_INSIDE = Template("""\
<h1>You are logged in</h1>
<ul>
$links</ul>
<form method="post" action="$action"><button>Log out</button></form>
""")


_APART = Template("""\
addEventListener("fetch", (event) => {
  const path = new URL(event.request.url).pathname + "/";
  if ($paths.some((part) => path.startsWith(part))) event.stopImmediatePropagation();
});
""")


def slow_down(seconds: float) -> str:
    """Return what an address is told that has to wait."""
    return f"Too many wrong log-ins from your address. Please wait {math.ceil(seconds)} seconds."


def form(site: str, token: str, target: str, notice: str = "") -> str:
    """Return the page with the form; ``notice`` says why it is shown again."""
    told = f'<p class="notice" role="alert">{escape(notice)}</p>\n' if notice else ""
    body = _FORM.substitute(
        notice=told, action=LOGIN, form=escape(token), target=escape(target, quote=True)
    )
    return _page(site, "Log in", body)


def inside(site: str, links: Sequence[Page]) -> str:
    """Return the page of one who is logged in."""
    rows = "".join(f'<li><a href="{one.path}">{escape(one.title)}</a></li>\n' for one in links)
    return _page(site, "Logged in", _INSIDE.substitute(links=rows, action=LOGOUT))


def apart(paths: Sequence[str]) -> str:
    """Return what is put before Home Assistant's service worker: it hears of none of ``paths``."""
    return _APART.substitute(paths=json.dumps(paths))


def gone(site: str) -> str:
    """Return the page after the log-out."""
    body = f'<h1>{LOGGED_OUT}</h1>\n<p><a href="{HOME}">Log in again</a></p>\n'
    return _page(site, "Logged out", body)


def _page(site: str, title: str, body: str) -> str:
    return _FRAME.substitute(site=escape(site), title=escape(title), body=body)
