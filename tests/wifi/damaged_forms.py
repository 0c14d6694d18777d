"""Sends damaged forms to the portal, from a phone: `python3 damaged_forms.py TOKEN`.

Prints the HTTP statuses that it was answered. Standard library only.
"""

from __future__ import annotations

import random
import sys
import urllib.error
import urllib.parse
import urllib.request

PORTAL = "http://10.42.0.1/"
FORMS = 100
KINDS = (
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=none-such",
    "multipart/form-data; boundary=x",
    "text/plain",
)


def body(token: str) -> bytes:
    """Return a form that no browser would send; none of them is a network that can be joined."""
    junk = random.randbytes(random.randrange(300))
    fields: dict[str, bytes | str] = {
        "form": random.choice([token, token[:-1] + "~", ""]),
        "network": random.choice(["other", "", "ff", "0" * 70]),
        "name": random.choice([junk[:50], b"x" * 40]),
        "key": random.choice([junk[:7], b"short"]),
    }
    form = urllib.parse.urlencode(fields).encode()
    return random.choice([junk, b"x" * 9000, form, form])


def send(token: str) -> int:
    """Send one; the status of its answer."""
    place = PORTAL + random.choice(["join", "scan", "join?x=" + "y" * 900])
    request = urllib.request.Request(place, body(token), {"Content-Type": random.choice(KINDS)})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


if __name__ == "__main__":
    random.seed(11)
    print(*sorted({send(sys.argv[1]) for _ in range(FORMS)}))
