"""Take over the site of the system before this one: containers on balenaOS, their data in volumes.

What the old volumes have is checked before anything of the box is touched, and what was on the box
is kept beside it. The old volumes are only ever read.
"""

from __future__ import annotations

from hems import HemsError


class BalenaError(HemsError):
    """The old system's data can't be taken over; one sentence with cause and cure."""
