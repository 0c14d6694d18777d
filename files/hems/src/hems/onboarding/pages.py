"""The portal's pages. They need no JavaScript, no cookie and no storage, and load nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from string import Template

from hems.onboarding import words
from hems.onboarding.core import Lock, Network, Trouble, shown

OTHER = "other"  # instead of a network's bytes: one that hides its name
IMPOSSIBLE = {Lock.ENTERPRISE: "enterprise", Lock.WEP: "wep"}

_FRAME = Template((resources.files(__package__) / "page.html").read_text(encoding="utf-8"))
_NETWORK = Template("""\
<label class="net"><input type="radio" name="network" value="$value"$state required>
<span>$name<small>$about</small></span>
<svg width="20" height="16" aria-hidden="true" fill="currentColor">$bars</svg></label>
""")
_FORM = Template("""\
<h1>$title</h1>
<p>$intro</p>
$notice<form method="post" action="/join" autocomplete="off">
<input type="hidden" name="form" value="$token">
<input type="hidden" name="lang" value="$language">
<fieldset><legend>$networks</legend>
$none$list<label class="net"><input type="radio" name="network" value="other" id="other" required>
<span>$hidden</span></label>
<div class="other"><label class="field" for="name">$name</label>
<input class="text" id="name" name="name" maxlength="32" autocapitalize="none" autocorrect="off"
 autocomplete="off" spellcheck="false"></div>
</fieldset>
<div class="secret"><label class="field" for="key">$passphrase</label>
<input class="text" id="key" name="key" maxlength="64" autocapitalize="none" autocorrect="off"
 autocomplete="off" spellcheck="false" aria-describedby="hint">
<small id="hint">$hint</small>
<label class="tick" for="show"><input type="checkbox" id="show">$show</label></div>
<button class="main">$connect</button>
</form>
<form method="post" action="/scan">
<input type="hidden" name="form" value="$token">
<input type="hidden" name="lang" value="$language">
<button>$scan</button>
</form>
<nav aria-label="$languages">$choices</nav>
""")
_TRYING = Template("""\
<h1>$trying</h1>
<p>$leaves</p>
<p>$worked<br><a href="$url">$url</a></p>
<p>$failed</p>
""")
_BAR = '<rect x="{x}" y="{y}" width="4" height="{height}" opacity="{opacity}"/>'


@dataclass(frozen=True)
class Notice:
    """What a person is told above the form; both in the page's language."""

    text: str
    title: str = ""


@dataclass(frozen=True)
class About:
    """What the pages tell of the box: its site, its hotspot, and its address in the house."""

    site: str
    hotspot: str
    url: str


def failure(name: str, trouble: Trouble, reason: int, language: str) -> Notice:
    """Return what went wrong last time."""
    title = Template(words.page(language)["last"]).substitute(name=name)
    return Notice(words.sentence(trouble, reason, language), title)


def choose(
    about: About,
    networks: Sequence[Network],
    *,
    token: str,
    language: str,
    notice: Notice | None = None,
    chosen: bytes = b"",
) -> str:
    """Return the page with the networks. ``chosen``: the one that is ticked already."""
    texts = words.page(language)
    said = {name: escape(text) for name, text in texts.items()}
    rows = "".join(_row(one, texts, ticked=one.ssid == chosen) for one in networks)
    intro = Template(said["intro"]).substitute(site=escape(about.site))
    body = _FORM.substitute(
        said,
        intro=intro,
        notice=_notice(notice),
        token=escape(token),
        language=language,
        none="" if networks else f"<p>{said['none']}</p>\n",
        list=rows,
        languages=said["language"],
        choices=_choices(language),
    )
    return _page(about.site, texts["title"], body, language)


def trying(about: About, name: str, language: str) -> str:
    """Return the page that a guest sees last, before the hotspot goes."""
    texts = words.page(language)
    values = {"name": escape(name), "hotspot": escape(about.hotspot)}
    said = {
        key: Template(escape(texts[key])).substitute(values)
        for key in ("trying", "leaves", "worked", "failed")
    }
    body = _TRYING.substitute(said, url=escape(about.url, quote=True))
    return _page(about.site, Template(texts["trying"]).substitute(name=name), body, language)


def _row(one: Network, texts: Mapping[str, str], *, ticked: bool) -> str:
    impossible = IMPOSSIBLE.get(one.lock)
    lock = texts[impossible or ("open" if one.lock is Lock.OPEN else "locked")]
    signal = Template(texts["signal"]).substitute(strength=one.strength)
    return _NETWORK.substitute(
        value=one.ssid.hex(),
        state=" disabled" if impossible else " checked" if ticked else "",
        name=escape(shown(one.ssid)),
        about=escape(f"{lock} · {signal}"),
        bars=_bars(one.strength),
    )


def _bars(strength: int) -> str:
    lit = min(4, strength // 25 + 1)
    return "".join(
        _BAR.format(
            x=5 * number,
            y=12 - 4 * number,
            height=4 + 4 * number,
            opacity=1 if number < lit else 0.25,
        )
        for number in range(4)
    )


def _choices(language: str) -> str:
    current = ' aria-current="true"'
    return "\n".join(
        f'<a href="/?lang={code}" lang="{code}" hreflang="{code}"'
        f"{current if code == language else ''}>{name}</a>"
        for code, name in words.LANGUAGES.items()
    )


def _notice(notice: Notice | None) -> str:
    if notice is None:
        return ""
    title = f"<strong>{escape(notice.title)}</strong>" if notice.title else ""
    return f'<div class="notice" role="alert">{title}<p>{escape(notice.text)}</p></div>\n'


def _page(site: str, title: str, body: str, language: str) -> str:
    return _FRAME.substitute(site=escape(site), title=escape(title), body=body, language=language)
