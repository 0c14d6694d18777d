"""When the hotspot is open: the grid, second by second."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hems.onboarding.grid import GRID, Order, Phase, Seen, State, decide
from hems.onboarding.onboarding_settings import Times
from hypothesis import given, settings
from hypothesis import strategies as st

TIMES = Times(settle=20, known=180, window=600, pauses=(300, 600, 1200, 3600), join=28)
NOTHING = Seen()
FRESH = Seen(usable=True)  # a new box: a radio, and nothing else
AT_HOME = Seen(usable=True, stored=True)  # out of its network's reach
ONLINE = Seen(usable=True, stored=True, uplink=True)


@dataclass
class Box:
    """A box in a house: what is there, and what becomes of orders."""

    seen: Seen = NOTHING
    state: State = field(default_factory=State)
    now: float = 0.0
    orders: list[tuple[float, Order]] = field(default_factory=list)
    up: bool = False
    opens: bool = True

    def pass_time(self, seconds: float, **events: object) -> None:
        """Look every two seconds; ``events`` are in the first look only."""
        end = self.now + seconds
        while self.now < end:
            self.now += 2
            seen = replace(self.seen, hotspot=self.up, **events)  # type: ignore[arg-type]
            events = {}
            self.state, order = decide(self.state, seen, self.now, TIMES)
            if order is not None:
                self.orders.append((self.now, order))
                self.up = order is Order.OPEN and self.opens
                events = {"refused": True} if order is Order.OPEN and not self.up else {}

    @property
    def openings(self) -> list[float]:
        """Return when it was opened."""
        return [at for at, order in self.orders if order is Order.OPEN]

    @property
    def closings(self) -> list[float]:
        """Return when it was closed."""
        return [at for at, order in self.orders if order is Order.CLOSE]


def test_a_new_box_opens_it_soon_and_in_windows_with_growing_pauses() -> None:
    box = Box(FRESH)
    box.pass_time(4 * 3600)
    assert box.openings[0] == 2 + 20
    windows = [closed - opened for opened, closed in zip(box.openings, box.closings, strict=False)]
    assert set(windows) == {600}
    pauses = [after - closed for closed, after in zip(box.closings, box.openings[1:], strict=False)]
    assert pauses[:5] == [300, 600, 1200, 3600, 3600]


@pytest.mark.parametrize("late", [0, 10, 60, 300])
def test_a_radio_or_network_manager_may_be_late(late: int) -> None:
    box = Box(NOTHING)
    box.pass_time(late)
    assert (box.state.phase, box.orders) == (Phase.ABSENT, [])
    box.seen = FRESH
    box.pass_time(60)
    assert box.openings == [late + 2 + 20]


def test_a_network_that_is_stored_has_the_first_go() -> None:
    box = Box(AT_HOME)
    box.pass_time(150)
    assert box.orders == []
    box.seen = ONLINE
    box.pass_time(3600)
    assert (box.state.phase, box.orders) == (Phase.ONLINE, [])


def test_one_that_does_not_come_back_gets_one_window() -> None:
    box = Box(AT_HOME)
    box.pass_time(24 * 3600)
    assert (box.openings, box.closings) == ([182], [782])


def test_a_join_that_is_under_way_gets_more_time_but_not_for_ever() -> None:
    box = Box(replace(AT_HOME, connecting=True))
    box.pass_time(359)
    assert box.orders == []
    box.pass_time(10)
    assert box.openings == [362]


def test_it_is_never_opened_while_an_uplink_works() -> None:
    box = Box(replace(FRESH, uplink=True))
    box.pass_time(24 * 3600)
    assert (box.state.phase, box.orders) == (Phase.ONLINE, [])


def test_a_cable_that_is_plugged_in_closes_it() -> None:
    box = Box(FRESH)
    box.pass_time(100)
    box.seen = replace(FRESH, uplink=True)
    box.pass_time(2)
    assert (box.state.phase, box.up) == (Phase.ONLINE, False)


def test_a_router_that_goes_away_later_brings_it_back() -> None:
    box = Box(ONLINE)
    box.pass_time(3600)
    box.seen = AT_HOME
    box.pass_time(300)
    assert box.openings == [3600 + 2 + 180]


def test_what_is_asked_for_opens_at_once_and_for_one_window() -> None:
    box = Box(ONLINE)
    box.pass_time(100)
    box.pass_time(2, asked=True)
    assert box.openings == [102]
    box.seen = replace(ONLINE, uplink=False)  # the radio has left the house's network for it
    box.pass_time(100)
    box.seen = ONLINE  # a cable
    box.pass_time(400)
    assert box.up
    box.pass_time(200)
    assert (box.closings, box.state.phase) == ([702], Phase.ONLINE)


def test_what_is_asked_for_needs_a_radio() -> None:
    box = Box(NOTHING)
    box.pass_time(10, asked=True)
    assert box.orders == []


def test_a_guest_who_was_wrong_finds_it_again_and_then_succeeds() -> None:
    box = Box(FRESH)
    box.pass_time(100)
    box.pass_time(2, wanted=True)
    assert (box.state.phase, box.orders[-1][1]) == (Phase.JOINING, Order.JOIN)
    box.pass_time(2, joined=False)
    assert (box.state.phase, box.up) == (Phase.OPEN, True)
    box.pass_time(590)
    assert box.up, "the window is a new one"
    box.pass_time(2, wanted=True)
    box.pass_time(2, joined=True)
    assert (box.state.phase, box.up) == (Phase.ONLINE, False)


def test_a_restart_of_network_manager_or_an_adapter_that_is_pulled_starts_anew() -> None:
    box = Box(FRESH)
    box.pass_time(100)
    box.up = False
    box.pass_time(2)
    assert box.state.phase == "settling"
    box.pass_time(30)
    assert box.up
    box.seen, box.up = NOTHING, False
    box.pass_time(60)
    assert box.state.phase == "absent"
    box.seen = FRESH
    box.pass_time(30)
    assert box.up


@pytest.mark.parametrize("seen", [FRESH, AT_HOME])
def test_one_that_can_not_be_opened_is_tried_again_later(seen: Seen) -> None:
    box = Box(seen, opens=False)
    box.pass_time(700)
    assert box.state.phase is Phase.RESTING
    assert len(box.openings) == 2
    box.opens = True
    box.pass_time(500)
    assert box.up


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.builds(
                Seen,
                uplink=st.booleans(),
                usable=st.booleans(),
                stored=st.booleans(),
                connecting=st.booleans(),
            ),
            st.booleans(),
            st.floats(2, 5000),
        ),
        max_size=20,
    )
)
def test_whatever_happens_no_window_is_longer_and_none_opens_over_an_uplink(
    script: list[tuple[Seen, bool, float]],
) -> None:
    box = Box()
    for seen, asked, seconds in script:
        before = len(box.orders)
        box.seen = seen
        box.pass_time(min(seconds, 1500), asked=asked)
        fresh = [order for _, order in box.orders[before:]]
        if seen.uplink and not asked:
            assert Order.OPEN not in fresh
        if box.up:
            assert box.now - box.openings[-1] <= 600


def test_the_grid_has_a_way_out_of_every_phase() -> None:
    assert {row.phase for row in GRID} == set(Phase)
    assert {row.then for row in GRID} == set(Phase)
