"""``hems-onboarding``: looks every few seconds whether the box needs its hotspot; see grid.

SIGUSR1 opens it on purpose, and so does a button that is held. Without NetworkManager or a WiFi
adapter it waits, and says nothing.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path

from hems import HemsError, hotspot_status, internet, process, settings, systemd
from hems.hotspot_status import Status
from hems.onboarding import button, grid, hotspot
from hems.onboarding.bus import Bus, SystemBus, WifiError, system_bus
from hems.onboarding.core import Trouble, hotspot_name, shown
from hems.onboarding.grid import Order, Phase, Seen, State
from hems.onboarding.hotspot import Hotspot
from hems.onboarding.network import Wifi
from hems.onboarding.onboarding_settings import Onboarding, onboarding
from hems.onboarding.pages import About
from hems.onboarding.portal import Attempt, Choice, Portal
from hems.process import Surroundings, say

LOOK_SECONDS = 2.0
ONLINE_SECONDS = 10.0  # while there is nothing to do
INTERNET_SECONDS = 20.0  # that a new network has, until its Internet must answer
REJOIN_SECONDS = 60.0  # between two tries of what is stored, where NetworkManager makes none
ASKED_SECONDS = 20.0  # that a radio which is switched off has to come up
CREDENTIAL = "hotspot"


class Daemon:
    """Feeds the grid with what it sees, and does what the grid says."""

    def __init__(
        self,
        box: settings.Appliance,
        own: Onboarding,
        passphrase: str,
        directory: Path,
        *,
        connect: Callable[[], AbstractAsyncContextManager[Bus]] = system_bus,
        default_route: Callable[[], bool] = hotspot.default_route,
        reachable: Callable[[Sequence[str]], str | None] = internet.reachable,
    ) -> None:
        """``directory``: of the status file. The last three are of the real box."""
        self._box, self._own, self._directory = box, own, directory
        self._connect, self._default_route, self._reachable = connect, default_route, reachable
        self._name = hotspot_name(box.site.name)
        self._profile = hotspot.profile(self._name, passphrase, own.address, own.channel)
        self._stack = AsyncExitStack()
        self._bus: Bus | None = None
        self._wifi: Wifi | None = None
        self._hotspot: Hotspot | None = None
        self._state, self._events = State(), Seen()
        self._asked = 0.0  # until when somebody's wish holds
        self._tried = 0.0  # when what is stored was tried
        self._choice: Choice | None = None
        self._written: Status | None = None
        self._trouble = ""
        self._checking: asyncio.Task[None] | None = None
        self.woken = asyncio.Event()
        about = About(box.site.name, self._name, f"{box.url}/")
        self.portal = Portal(about, own.address, chosen=self._take, scan=self._scan)

    def ask(self) -> None:
        """Have the hotspot opened on purpose."""
        self._asked = time.monotonic() + ASKED_SECONDS
        self.woken.set()

    async def turn(self, now: float) -> float:
        """Do what is due at ``now`` (monotonic seconds); return when to look again, in seconds."""
        seen = await self._look(now)
        self._events = Seen()
        before = self._state
        self._state, order = grid.decide(before, seen, now, self._own.times)
        if order is Order.OPEN:
            self._asked = 0.0
            await self._open(at_once=seen.joined is False)
        elif order is Order.CLOSE:
            await self._close()
        elif order is Order.JOIN:
            await self._join()
            self.woken.set()  # a guest waits for the hotspot to come back
        elif self._state.phase is Phase.RESTING and seen.stored and not seen.connecting:
            await self._rejoin(now)
        self._tell(before)
        return ONLINE_SECONDS if self._state.phase is Phase.ONLINE else LOOK_SECONDS

    async def close(self) -> None:
        """Close the hotspot and let everything go."""
        await self._close()
        await self._stack.aclose()

    async def _look(self, now: float) -> Seen:
        uplink, asked = self._default_route(), now < self._asked
        events = replace(self._events, asked=asked, wanted=self._choice is not None)
        if uplink and self._state.phase is Phase.ONLINE and not asked:
            return replace(events, uplink=True)  # nobody needs to ask NetworkManager
        try:
            radio = await (await self._connected()).look(needed=asked or not uplink)
        except WifiError:
            return replace(events, uplink=uplink)
        return replace(
            events,
            uplink=uplink or radio.uplink,
            usable=radio.usable,
            stored=radio.stored,
            connecting=radio.connecting,
            hotspot=radio.hotspot,
        )

    async def _connected(self) -> Hotspot:
        """Return the hotspot on a bus that is there. Raises WifiError."""
        lost = isinstance(self._bus, SystemBus) and not self._bus.connected
        if self._hotspot is None or lost:
            await self._stack.aclose()
            self._bus = await self._stack.enter_async_context(self._connect())
            self._wifi, self._hotspot = Wifi(self._bus), Hotspot(self._bus, self._profile)
        return self._hotspot

    async def _scan(self) -> None:
        """Look for networks; those of before stay where that fails."""
        if self._wifi is not None:
            with suppress(WifiError):
                found = await self._wifi.scan()
                own = self._name.encode()
                self.portal.networks = [one for one in found if one.ssid != own]

    async def _open(self, *, at_once: bool) -> None:
        """Open it. ``at_once``: a guest waits for it, and the networks are known."""
        try:
            if not at_once or not self.portal.networks:
                await self._scan()  # before the radio is busy with the hotspot
            await self.portal.start(self._own.port)  # a phone's first check must find it
            await (await self._connected()).open()
        except (WifiError, OSError) as error:
            self._events = replace(self._events, refused=True)
            self._say_trouble(f"The hotspot can't be opened: {error}")
        else:
            self._say_trouble("")

    async def _close(self) -> None:
        self._choice = None
        await self.portal.stop()
        if self._hotspot is not None:
            await self._hotspot.close()

    def _take(self, choice: Choice) -> None:
        if self._state.phase is Phase.OPEN:  # the window may have ended meanwhile
            self._choice = choice
            self.woken.set()

    async def _join(self) -> None:
        choice, self._choice = self._choice, None
        if choice is None or self._wifi is None:
            self._events = replace(self._events, joined=False)
            return
        self._write(Status(Phase.JOINING))
        say(f"joining '{shown(choice.ssid)}'")
        try:
            await self._wifi.join(
                choice.ssid,
                choice.key,
                choice.lock,
                hidden=choice.hidden,
                seconds=self._own.times.join,
            )
        except WifiError as error:
            trouble = error.trouble or Trouble.OTHER
            self.portal.last = Attempt(choice.ssid, trouble, error.reason)
            self._events = replace(self._events, joined=False)
            say(f"'{shown(choice.ssid)}' was not joined: {error}")
        else:
            self.portal.last = None
            self._events = replace(self._events, joined=True)
            say(f"'{shown(choice.ssid)}' is joined and stored")
            self._checking = asyncio.create_task(self._check_internet(choice.ssid))

    async def _rejoin(self, now: float) -> None:
        if self._wifi is not None and now - self._tried > REJOIN_SECONDS:
            self._tried = now
            with suppress(WifiError):
                await self._wifi.rejoin()

    async def _check_internet(self, ssid: bytes) -> None:
        """Remember for the next guest that there was no Internet behind a network."""
        deadline = time.monotonic() + INTERNET_SECONDS
        while await asyncio.to_thread(self._reachable, self._box.internet.targets) is None:
            if time.monotonic() > deadline:
                self.portal.last = Attempt(ssid, Trouble.NO_INTERNET)
                return
            await asyncio.sleep(LOOK_SECONDS)

    def _tell(self, before: State) -> None:
        state = self._state
        is_open = state.phase is Phase.OPEN and not self._events.refused
        if is_open and before.since != state.since:
            say(f"The hotspot '{self._name}' is open.")
        elif before.phase is Phase.OPEN and state.phase is not Phase.OPEN:
            say(f"The hotspot is closed ({state.phase}).")
        until = state.since + self._own.times.window if is_open else 0.0
        self._write(Status(state.phase, is_open, self._name if is_open else "", round(until, 1)))

    def _write(self, what: Status) -> None:
        if what != self._written:
            try:
                hotspot_status.write(self._directory, what)
                self._written = what
            except OSError as error:  # the hotspot matters more
                self._say_trouble(f"{self._directory} can't be written: {error}")

    def _say_trouble(self, words: str) -> None:
        if words and words != self._trouble:
            say(words)
        self._trouble = words


def passphrase(own: Onboarding, around: Surroundings) -> str:
    """Return the hotspot's passphrase; empty: it is open. Raises HemsError."""
    if own.open:
        return ""
    found = around.credential(CREDENTIAL)
    if not (8 <= len(found) <= 63 and found.isascii()):
        raise HemsError("The hotspot's passphrase has 8 to 63 characters: run the whole playbook.")
    return found


async def serve(one: Daemon, pin: int) -> None:
    """Run until systemd asks to stop; ``pin``: the button's, 0: there is none."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    loop.add_signal_handler(signal.SIGUSR1, one.ask)
    pressed = button.watch(pin, lambda: loop.call_soon_threadsafe(one.ask))
    systemd.ready()
    try:
        while True:
            systemd.feed_watchdog()
            pause = await one.turn(time.monotonic())
            with suppress(TimeoutError):
                await asyncio.wait_for(one.woken.wait(), pause)
            one.woken.clear()
    except asyncio.CancelledError:
        systemd.stopping()
    finally:
        pressed.close()
        await one.close()


def daemon(around: Surroundings) -> None:
    """Run as a service. Raises HemsError."""
    box, own = settings.appliance(around.settings), onboarding(around.settings)
    one = Daemon(box, own, passphrase(own, around), around.runtime)
    asyncio.run(serve(one, own.button))


if __name__ == "__main__":
    sys.exit(process.run(daemon))
