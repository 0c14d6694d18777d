"""New secrets for old ones: what the box makes itself is made anew, and ended where it was known.

``playbooks/rotate_secrets.yml`` calls ``hems rotate begin``, runs the whole playbook, which hands
the new secrets to whoever needs them, and calls ``hems rotate finish``. What was valid before stays
valid until then where the service can have two: a reading is refused by nobody.
"""

from __future__ import annotations

from hems import HemsError


class RotationError(HemsError):
    """A secret that was not renewed, and why: one sentence with cause and cure."""
