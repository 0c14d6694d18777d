"""The box's label: a sheet for its papers, as SVG, and a hotspot's QR code in a terminal.

A phone's camera joins the hotspot by the first code and opens the box by the second one. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from io import StringIO
from string import Template

import segno
from segno import helpers

WIDTH, HEIGHT, EDGE = 148.0, 105.0, 8.0  # mm, A6
RIGHT = 78.0  # where the second column begins
CODE = 44.0  # mm, each side of a QR code with its quiet zone
QUIET = 4  # modules around a code that stay white (ISO/IEC 18004)
GLYPH = 0.62  # of the font size: how wide a letter is, at most on average
MONO = 0.61

_SHEET = Template("""\
<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="${width}mm" height="${height}mm" \
viewBox="0 0 $width $height">
<title>$site</title>
<rect width="$width" height="$height" fill="#fff"/>
<rect x="2" y="2" width="$inner_width" height="$inner_height" rx="3" fill="none" stroke="#767676" \
stroke-width=".3"/>
<g font-family="Arial, Helvetica, sans-serif" fill="#000">
$body</g>
</svg>
""")


@dataclass(frozen=True)
class Label:
    """What is on a label. Printed, it shows no passphrase."""

    site: str
    host: str  # with .local
    url: str
    fingerprint: str  # of the site's CA
    hotspot: str  # its name; empty: the box never opens one
    passphrase: str = field(default="", repr=False)  # empty: everybody may join it


def wifi_code(name: str, passphrase: str) -> segno.QRCode:
    """Return the code by which a phone joins a network."""
    return helpers.make_wifi(name, passphrase or None, "WPA" if passphrase else "nopass")


def in_terminal(code: segno.QRCode) -> str:
    """Return a code as lines of text, two rows of it in one."""
    lines = StringIO()
    code.terminal(out=lines, border=QUIET // 2, compact=True)
    return lines.getvalue()


def sheet(label: Label) -> str:
    """Return the label as an SVG document, to be printed as large as it says."""
    parts = [_text(EDGE, 13, label.site, 6.5, WIDTH - 2 * EDGE, weight="bold")]
    if label.hotspot:
        room = RIGHT - EDGE - 4
        parts += [
            _text(EDGE, 22, "1. No network? Scan to join the box's WiFi", 3, room),
            _code(EDGE, 24, wifi_code(label.hotspot, label.passphrase)),
            _text(EDGE, 73, label.hotspot, 3.6, room, weight="bold"),
            _text(EDGE, 78, "Passphrase:" if label.passphrase else "No passphrase", 3, room),
            _text(EDGE, 82.5, label.passphrase, 3.6, room, mono=True),
        ]
    room = WIDTH - EDGE - RIGHT
    parts += [
        _text(RIGHT, 22, "2. In your WiFi: open the box", 3, room),
        _code(RIGHT, 24, segno.make(label.url, micro=False)),
        _text(RIGHT, 73, label.host, 3.6, room, weight="bold"),
        _text(RIGHT, 78, label.url, 3, room),
        _text(EDGE, 90, "SHA-256 fingerprint of the site's CA certificate", 3, WIDTH - 2 * EDGE),
    ]
    half = len(label.fingerprint) // 2 + 1
    halves = label.fingerprint[:half], label.fingerprint[half:]
    parts += [
        _text(EDGE, 94.5 + 4 * row, text, 3, WIDTH - 2 * EDGE, mono=True)
        for row, text in enumerate(halves)
    ]
    return _SHEET.substitute(
        width=f"{WIDTH:g}",
        height=f"{HEIGHT:g}",
        inner_width=f"{WIDTH - 4:g}",
        inner_height=f"{HEIGHT - 4:g}",
        site=escape(label.site),
        body="".join(parts),
    )


def _text(
    x: float, y: float, text: str, size: float, room: float, *, weight: str = "", mono: bool = False
) -> str:
    """Return a line of text, smaller where it would be wider than its room (mm)."""
    size = min(size, room / (max(len(text), 1) * (MONO if mono else GLYPH)))
    family = ' font-family="Courier New, monospace"' if mono else ""
    bold = f' font-weight="{weight}"' if weight else ""
    place = f'x="{x:g}" y="{y:g}" font-size="{size:.2f}"'
    return f'<text {place}{family}{bold} xml:space="preserve">{escape(text)}</text>\n'


def _code(x: float, y: float, code: segno.QRCode) -> str:
    """Return a code as a path, CODE mm wide."""
    side = CODE / code.symbol_size(border=QUIET)[0]
    drawn = code.svg_inline(border=QUIET, omitsize=True, svgclass=None, lineclass=None)
    path = drawn[drawn.index("<path") : drawn.rindex("</svg>")]
    return f'<g transform="translate({x:g} {y:g}) scale({side:.5f})">{path}</g>\n'
