"""What a full disk leaves behind in Home Assistant, and the one restart that cures it. Pure.

Home Assistant does not start its recorder, or an integration that can't write, again by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hems.watchdog.core import Action, Verb

GRACE_SECONDS = 90.0  # with room, for what recovers by itself
REFUSED_SECONDS = 900.0  # until a restart is tried again that systemd refused


@dataclass(frozen=True)
class Aftermath:
    """Whether the disk was full, and since when (monotonic s) there has been room again."""

    full: bool = False
    room_since: float | None = None


def again(now: float) -> Aftermath:
    """Return the state after a restart that systemd refused at ``now``: it is still due."""
    return Aftermath(full=True, room_since=now + REFUSED_SECONDS - GRACE_SECONDS)


def decide(
    state: Aftermath,
    full: bool,
    faults: tuple[str, ...] | None,
    now: float,
    *,
    locked: bool,
    unit: str,
) -> tuple[Aftermath, Action | None]:
    """Return the new state and the restart of ``unit``, Home Assistant's, if it is time.

    ``faults`` are what does not work in Home Assistant; None: it does not say.
    """
    if full:
        return Aftermath(full=True), None
    if not state.full:
        return state, None
    since = state.room_since if state.room_since is not None else now
    state = replace(state, room_since=since)
    if faults is None or now - since < GRACE_SECONDS:
        return state, None
    if not faults:
        return Aftermath(), None
    if locked:
        return state, None
    cause = "the disk was full, and there is room again"
    return Aftermath(), Action(Verb.RESTART, unit, cause, "; ".join(faults))
