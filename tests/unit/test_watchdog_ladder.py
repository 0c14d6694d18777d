"""The ladder when the Internet is gone, over scripted days of a box that really reboots."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hems.watchdog import ladder
from hems.watchdog.core import Verb
from hems.watchdog.ladder import Network, Rungs
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.watchdog_settings import SETTINGS

OPTIONS = SETTINGS.internet
LOOK = SETTINGS.services.look
HOUR = 3600.0
BOOT_SECONDS = 40.0


@dataclass
class Box:
    """A box whose watchdog looks every 30 s.

    ``time`` is true time; monotonic time starts anew at each boot, and the step is all that
    outlives one. There is no wall clock in it, since the ladder is never given one.
    """

    time: float = 0.0
    monotonic: float = 20.0
    rungs: Rungs = field(default_factory=Rungs)
    disk: int = 0
    locked: bool = False
    done: list[tuple[float, Verb, bool | None]] = field(default_factory=list)

    def look(self, internet: bool | None, network_manager: bool = True) -> None:
        seen = Network(internet, network_manager)
        before = self.rungs.step
        self.rungs, action = ladder.decide(self.rungs, seen, self.monotonic, self.locked, OPTIONS)
        if self.rungs.step != before:
            self.disk = self.rungs.step
        self.pass_time(LOOK)
        if action is not None:
            self.done.append((self.time, action.verb, internet))
            if action.verb is Verb.REBOOT:
                self.boot()

    def boot(self) -> None:
        self.time += BOOT_SECONDS
        self.monotonic, self.rungs = 20.0, Rungs(step=self.disk)

    def pass_time(self, seconds: float) -> None:
        self.time += seconds
        self.monotonic += seconds

    def stay(self, internet: bool | None, seconds: float) -> None:
        end = self.time + seconds
        while self.time < end:
            self.look(internet)

    @property
    def reboots(self) -> list[float]:
        return [at for at, verb, _ in self.done if verb is Verb.REBOOT]

    def verbs(self) -> list[Verb]:
        return [verb for _, verb, _ in self.done]


def test_an_outage_climbs_the_ladder_in_order() -> None:
    box = Box()
    box.stay(False, 1800 + LOOK)
    assert box.verbs() == [Verb.ACTIVATE, Verb.RESTART, Verb.REBOOT]
    times = [at for at, _, _ in box.done]
    expected = [OPTIONS.activate, OPTIONS.restart, OPTIONS.reboot[0]]
    assert all(0 <= at - due <= 2 * LOOK for at, due in zip(times, expected, strict=True))


def test_a_box_without_network_manager_only_reboots() -> None:
    box = Box()
    while box.time < 1800 + LOOK:
        box.look(False, network_manager=False)
    assert box.verbs() == [Verb.REBOOT]


def test_reboots_that_do_not_help_come_ever_later() -> None:
    box = Box()
    box.stay(False, 5 * 24 * HOUR)
    gaps = [later - earlier for earlier, later in zip(box.reboots, box.reboots[1:], strict=False)]
    hours = [round(gap / HOUR) for gap in gaps]
    assert hours[:6] == [1, 2, 4, 8, 16, 24]
    assert set(hours[6:]) <= {24}


def test_ten_minutes_of_internet_start_the_ladder_anew() -> None:
    box = Box()
    box.stay(False, 1800 + LOOK)
    box.stay(True, OPTIONS.clear + LOOK)
    assert box.disk == 0
    box.stay(False, 1800 + LOOK)
    assert len(box.reboots) == 2


def test_a_short_return_of_the_internet_does_not_forget_the_step() -> None:
    box = Box()
    box.stay(False, 1800 + LOOK)
    assert len(box.reboots) == 1
    for _ in range(20):
        box.stay(True, OPTIONS.clear / 2)
        box.stay(False, OPTIONS.reboot[0])  # would be enough at the ladder's foot
    assert len(box.reboots) == 1


def test_under_the_lock_nothing_is_done() -> None:
    box = Box(locked=True)
    box.stay(False, 10 * HOUR)
    assert box.done == []
    box.locked = False
    box.look(False)
    assert box.verbs() == [Verb.REBOOT]


def test_a_box_that_can_not_ask_does_nothing() -> None:
    box = Box()
    box.stay(None, 48 * HOUR)
    assert box.done == []


def test_a_refused_reboot_is_not_asked_for_again_at_once() -> None:
    rungs = Rungs(gone_since=0.0)
    seen = Network(False, True)
    rungs, action = ladder.decide(
        replace(rungs, activated=True, restarted=True), seen, 1800.0, False, OPTIONS
    )
    assert action is not None and action.verb is Verb.REBOOT
    verbs = []
    for now in range(1830, 1800 + 3600, 30):
        rungs, action = ladder.decide(rungs, seen, float(now), False, OPTIONS)
        verbs += [action.verb] if action else []
    assert Verb.REBOOT not in verbs


def test_a_hotspot_that_was_left_open_is_stopped_after_ten_minutes() -> None:
    rungs, stops = Rungs(), []
    for now in range(0, 1200, 30):
        rungs, action = ladder.hotspot(rungs, "u-1", float(now), OPTIONS)
        stops += [now] if action else []
    assert stops == [630]


def test_a_hotspot_that_somebody_closes_is_left_alone() -> None:
    rungs = Rungs()
    for now in range(0, 3600, 30):
        rungs, action = ladder.hotspot(rungs, "u-1" if now % 600 < 540 else "", float(now), OPTIONS)
        assert action is None


def test_one_that_is_opened_anew_between_two_looks_is_another() -> None:
    rungs = Rungs()
    for now in range(0, 3600, 30):  # a guest tries one passphrase after the other
        rungs, action = ladder.hotspot(rungs, f"u-{now // 540}", float(now), OPTIONS)
        assert action is None


events = st.one_of(
    st.tuples(st.just("internet"), st.sampled_from([True, False, None]), st.floats(0, 4 * HOUR)),
    st.tuples(st.just("lock"), st.booleans(), st.floats(0, 4 * HOUR)),
    st.tuples(st.just("power cut"), st.booleans(), st.floats(0, 4 * HOUR)),
    st.tuples(st.just("daemon restart"), st.booleans(), st.floats(0, 4 * HOUR)),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(events, max_size=25))
def test_no_two_reboots_are_closer_than_the_ladder_says(
    script: list[tuple[str, bool | None, float]],
) -> None:
    box, internet = Box(), False
    step_before: list[int] = []
    for kind, value, seconds in script:
        if kind == "internet":
            internet = value  # type: ignore[assignment]
        elif kind == "lock":
            box.locked = bool(value)
        elif kind == "power cut":
            box.boot()
        else:
            box.rungs = Rungs(step=box.rungs.step)  # the file of this boot was lost too
        end = box.time + seconds
        while box.time < end:
            count, step = len(box.reboots), box.rungs.step
            box.look(internet)
            if len(box.reboots) > count:
                step_before.append(step)
                assert internet is False
                assert not box.locked
    for index in range(1, len(box.reboots)):
        gap = box.reboots[index] - box.reboots[index - 1]
        assert gap >= ladder.wait(step_before[index], OPTIONS)
        # A lower step than the last time's needs ten minutes of Internet between.
        if step_before[index] <= step_before[index - 1]:
            assert gap >= OPTIONS.clear + OPTIONS.reboot[0]


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=60))
def test_with_internet_there_is_never_anything_to_do(pauses: list[float]) -> None:
    box = Box()
    for pause in pauses:
        box.look(True)
        box.pass_time(pause)
    assert box.done == []
