"""The release guard: the Home Assistant that runs is the one that is installed. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hems.watchdog.core import Action, Verb


@dataclass(frozen=True)
class Guard:
    """Since when (monotonic seconds) two versions have differed, and which was acted on."""

    since: float | None = None
    acted: tuple[str, str] | None = None  # (running, installed): once for each pair


@dataclass(frozen=True)
class Versions:
    """What runs under a unit, and what is installed; empty where it isn't known."""

    unit: str
    running: str
    installed: str


def decide(
    guard: Guard, versions: Versions, now: float, locked: bool, grace: float
) -> tuple[Guard, Action | None]:
    """Return the new state and the restart to order, if it is time; ``grace`` in seconds.

    Under the appliance's lock the grace starts anew:
    whoever changes the release restarts it too.
    """
    running, installed = versions.running, versions.installed
    if not running or not installed or running == installed or locked:
        return replace(guard, since=None), None
    since = guard.since if guard.since is not None else now
    if now - since < grace or guard.acted == (running, installed):
        return replace(guard, since=since), None
    observed = f"{running} runs, {installed} is installed"
    action = Action(
        Verb.RESTART, versions.unit, "another version runs than the one installed", observed
    )
    return Guard(None, (running, installed)), action
