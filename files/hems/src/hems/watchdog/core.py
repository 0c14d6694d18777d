"""What to do about services that don't answer: state, observation, time → decision. Pure.

Times are seconds on a monotonic clock. A unit is restarted after some misses in a row, within a
budget; one that is stopped, or that somebody works on under the appliance's lock, is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from hems.systemd import Unit
from hems.watchdog.watchdog_settings import Services

# A start that has been seen without an answer for these seconds is named, also where it may take
# longer: with two rounds' time, that is within two minutes.
NAMED_AFTER = 60.0


@dataclass(frozen=True)
class ProbeResult:
    """A service's answer in its own protocol."""

    ok: bool
    detail: str
    curable: bool = True  # whether a restart could help; a refused password is not
    code: str = ""  # the catalogue's issue that this is; empty: that the service does not answer
    needs_restart: bool = False  # even when it is well again, only a restart makes it whole


@dataclass(frozen=True)
class Observation:
    """One service as it was seen: its unit, since when that has been up, and its answer."""

    unit: Unit
    result: ProbeResult
    start: float  # seconds that it may take to answer after its unit came up


class Verb(Enum):
    """What can be done to a unit or the box."""

    RESTART = "restart"
    KILL = "kill"
    ACTIVATE = "activate"
    REBOOT = "reboot"
    STOP_HOTSPOT = "stop hotspot"


@dataclass(frozen=True)
class Action:
    """One thing to do, with its cause and what was observed."""

    verb: Verb
    subject: str
    cause: str
    observed: str


@dataclass(frozen=True)
class Memory:
    """What is remembered of one unit."""

    misses: int = 0
    down: bool = False  # confirmed: enough misses in a row, and no answer since
    stopped: bool = False
    needs_restart_since: float | None = (
        None  # when its answer last showed that it needs a restart to be whole
    )
    restarts: tuple[float, ...] = ()  # within the budget's time
    pending: float | None = None  # when our last restart was ordered, until the unit is up again
    killed: bool = False  # that restart's stop was cut short already
    detail: str = ""
    silent: float | None = None  # since when it has been seen without an answer
    late: bool = False  # its start takes so long that it is named; it is not restarted for that
    counter: int | None = None  # how often systemd had restarted it when it was last looked at
    crashes: tuple[float, ...] = ()  # when that had grown, within the budget's time

    @property
    def named(self) -> bool:
        """Whether it is an issue that it does not answer."""
        return self.down or self.late

    @property
    def doubtful(self) -> bool:
        """Whether it should be looked at again soon."""
        return self.misses > 0 and not self.down


@dataclass(frozen=True)
class State:
    """What is remembered of all units, and since when the lock has been held."""

    units: Mapping[str, Memory] = field(default_factory=dict)
    locked_since: float | None = None

    def of(self, unit: str) -> Memory:
        """Return what is remembered of a unit."""
        return self.units.get(unit, Memory())


def given_up(memory: Memory, settings: Services) -> bool:
    """Whether the unit is down and has no restart left."""
    return memory.down and len(memory.restarts) >= settings.budget


def crashing(memory: Memory, settings: Services) -> str:
    """Return that systemd has restarted the unit more often than the budget allows, else nothing.

    Such a unit may answer at every look.
    """
    if len(memory.crashes) <= settings.budget:
        return ""
    minutes = settings.budget_time / 60
    return f"systemd has started it again more than {settings.budget} times in {minutes:.0f} min"


def decide(
    state: State, observations: Iterable[Observation], now: float, locked: bool, settings: Services
) -> tuple[State, list[Action]]:
    """Return the new state and what to do now."""
    since = (state.locked_since if state.locked_since is not None else now) if locked else None
    protected = since is not None and now - since < settings.lock_patience
    units = dict(state.units)
    actions = []
    for observation in observations:
        name = observation.unit.name
        before = state.of(name)
        after, action = _judge(before, observation, now, protected, settings)
        crashes = _crashes(before, observation.unit, now, protected, settings)
        units[name] = replace(after, counter=observation.unit.restarts, crashes=crashes)
        if action is not None:
            actions.append(action)
    return State(units, since), actions


def _judge(
    memory: Memory, observation: Observation, now: float, protected: bool, settings: Services
) -> tuple[Memory, Action | None]:
    unit, result = observation.unit, observation.result
    fresh = tuple(at for at in memory.restarts if now - at < settings.budget_time)
    memory = replace(
        memory,
        restarts=fresh,
        stopped=False,
        needs_restart_since=_needs_restart_since(memory, observation, now),
    )
    if unit.is_up and result.ok:
        return _well(memory, observation, now, protected, settings)
    if unit.active == "inactive" and unit.queued:
        return memory, None  # its turn comes: at boot, every unit waits for others
    if _is_stopped(memory, unit):
        return Memory(stopped=True, restarts=fresh, detail=str(unit)), None
    if memory.pending is not None and unit.active == "deactivating":
        return _cut_short(memory, unit, now, settings)
    if unit.active == "deactivating":
        return memory, None  # on its way
    detail = result.detail if unit.is_up else str(unit)
    silent = memory.silent if memory.silent is not None else now
    memory = replace(memory, silent=silent)
    since = _start(unit)
    if since is not None and now - since < observation.start:
        return _starting(memory, unit, now - silent, detail), None
    memory = replace(memory, pending=None)
    misses = memory.misses + 1
    enough = misses >= settings.misses
    memory = replace(memory, misses=misses, detail=detail, down=memory.down or enough)
    # systemd itself starts a unit in auto-restart again, and ends a start that takes too long:
    # restarting it would only disturb that.
    curable = result.curable or not unit.is_up
    idle = unit.active != "activating" and unit.load == "loaded"
    if not enough or protected or not curable or not idle:
        return memory, None
    if len(fresh) >= settings.budget:
        return memory, None
    cause = f"{misses} misses in a row"
    memory = replace(memory, restarts=(*fresh, now), pending=now, killed=False, misses=0)
    return memory, Action(Verb.RESTART, unit.name, cause, detail)


def _start(unit: Unit) -> float | None:
    """Return when the start began that the unit is in or came up by; None: it has none."""
    if unit.is_up:
        return unit.up_since
    starts = unit.active == "activating" and unit.sub != "auto-restart"
    return unit.begun if starts else None


def _starting(memory: Memory, unit: Unit, silent: float, detail: str) -> Memory:
    if unit.is_up:
        memory = replace(memory, pending=None)
    return replace(memory, late=True, detail=detail) if silent >= NAMED_AFTER else memory


def _crashes(
    memory: Memory, unit: Unit, now: float, protected: bool, settings: Services
) -> tuple[float, ...]:
    """Return when systemd restarted the unit by itself, within the budget's time."""
    known = tuple(at for at in memory.crashes if now - at < settings.budget_time)
    before = memory.counter
    if before is None:
        return known  # a first look has nothing to compare with
    if unit.restarts < before:  # the unit was started anew, and systemd counts from 0
        before = 0
        if memory.pending is None:  # by a person or the playbook: a new beginning
            known = ()
    if protected:
        return known  # whoever holds the lock may try things
    return (*known, *[now] * (unit.restarts - before))[-settings.budget - 1 :]


def _needs_restart_since(memory: Memory, observation: Observation, now: float) -> float | None:
    if observation.result.needs_restart:
        return now
    restarted = (
        memory.needs_restart_since is not None
        and observation.unit.up_since > memory.needs_restart_since
    )
    return None if restarted else memory.needs_restart_since


def _well(
    memory: Memory, observation: Observation, now: float, protected: bool, settings: Services
) -> tuple[Memory, Action | None]:
    fresh = memory.restarts
    if memory.needs_restart_since is None or protected or len(fresh) >= settings.budget:
        return Memory(restarts=fresh, needs_restart_since=memory.needs_restart_since), None
    cause = "it is well again, and needs a restart to be whole"
    return (
        Memory(restarts=(*fresh, now), pending=now),
        Action(Verb.RESTART, observation.unit.name, cause, memory.detail),
    )


def _is_stopped(memory: Memory, unit: Unit) -> bool:
    """Whether somebody stopped the unit; one that restarts by itself gets there no other way."""
    if unit.active == "inactive":
        return unit.load in ("loaded", "masked")
    # Stopped by a person, and then ended by force since it hung.
    return unit.active == "failed" and unit.result == "timeout" and memory.pending is None


def _cut_short(
    memory: Memory, unit: Unit, now: float, settings: Services
) -> tuple[Memory, Action | None]:
    waited = now - (memory.pending or now)
    if memory.killed or waited < settings.kill_after:
        return memory, None
    cause = f"it did not stop within {waited:.0f} s"
    return replace(memory, killed=True), Action(Verb.KILL, unit.name, cause, str(unit))


def next_look(state: State, settings: Services) -> float:
    """Return after how many seconds to look again."""
    watched = state.units.values()
    soon = any(memory.doubtful or memory.pending is not None for memory in watched)
    return settings.look_again if soon else settings.look
