"""What to do when the Internet is gone: the ladder. State, observation, time → decision. Pure.

Durations count from when this boot first saw the Internet gone, on a monotonic clock: neither an
NTP step nor a suspended clock shortens one. How many reboots did not help is the step; it is kept
on disk, since each reboot starts the clock anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hems.watchdog.core import Action, Verb
from hems.watchdog.watchdog_settings import Internet

NETWORK_MANAGER = "NetworkManager.service"
CONNECTION = "connection"
BOX = "box"


@dataclass(frozen=True)
class Network:
    """The network as it was seen."""

    internet: bool | None  # None: the box can't tell, and nothing is decided from that
    network_manager: bool  # whether there is one


@dataclass(frozen=True)
class Rungs:
    """Where on the ladder the box stands. Times are monotonic seconds of this boot."""

    step: int = 0  # reboots since there was Internet for long enough
    gone_since: float | None = None
    back_since: float | None = None
    activated: bool = False  # in this outage
    restarted: bool = False
    hotspot: str = ""  # the one that is open, by its connection's UUID
    hotspot_since: float | None = None


def wait(step: int, settings: Internet) -> float:
    """Return how long the Internet must be gone until reboot number ``step + 1``."""
    return settings.reboot[min(step, len(settings.reboot) - 1)]


def decide(
    rungs: Rungs,
    seen: Network,
    now: float,
    locked: bool,
    settings: Internet,
) -> tuple[Rungs, Action | None]:
    """Return the new state and the one thing to do now, if any.

    While the lock is held nothing is done, and the outage goes on counting.
    """
    if seen.internet is None:
        return replace(rungs, gone_since=None, back_since=None), None
    if seen.internet:
        back = rungs.back_since if rungs.back_since is not None else now
        step = 0 if now - back >= settings.clear else rungs.step
        return (
            replace(
                rungs, step=step, gone_since=None, back_since=back, activated=False, restarted=False
            ),
            None,
        )
    since = rungs.gone_since if rungs.gone_since is not None else now
    rungs = replace(rungs, gone_since=since, back_since=None)
    if locked:
        return rungs, None
    return _climb(rungs, seen.network_manager, now - since, settings)


def _climb(
    rungs: Rungs, network_manager: bool, gone: float, settings: Internet
) -> tuple[Rungs, Action | None]:
    observed = f"none of the targets has answered for {gone:.0f} s"
    if gone >= wait(rungs.step, settings):
        cause = f"no Internet (reboot {rungs.step + 1} of this outage)"
        # Should the reboot be refused, the wait starts anew: no second one right behind it.
        after = Rungs(step=rungs.step + 1)
        return after, Action(Verb.REBOOT, BOX, cause, observed)
    if network_manager and not rungs.activated and gone >= settings.activate:
        action = Action(Verb.ACTIVATE, CONNECTION, "no Internet", observed)
        return replace(rungs, activated=True), action
    if network_manager and not rungs.restarted and gone >= settings.restart:
        action = Action(Verb.RESTART, NETWORK_MANAGER, "no Internet", observed)
        return replace(rungs, restarted=True), action
    return rungs, None


def hotspot(
    rungs: Rungs, active: str, now: float, settings: Internet
) -> tuple[Rungs, Action | None]:
    """Return the new state and the order to stop a hotspot that has been active for too long.

    ``active``: the connection's UUID, another one each time that hems-onboarding opens it; empty:
    there is none.
    """
    if not active:
        return replace(rungs, hotspot="", hotspot_since=None), None
    known = active == rungs.hotspot and rungs.hotspot_since is not None
    since = rungs.hotspot_since if known and rungs.hotspot_since is not None else now
    rungs = replace(rungs, hotspot=active)
    if now - since <= settings.hotspot:
        return replace(rungs, hotspot_since=since), None
    observed = f"active for {now - since:.0f} s"
    action = Action(Verb.STOP_HOTSPOT, "hotspot", "it was left open", observed)
    return replace(rungs, hotspot_since=now), action  # tried again only after the same time
