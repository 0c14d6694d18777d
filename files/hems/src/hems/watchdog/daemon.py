"""The watchdog's loop: look, decide, act, report. ``python -m hems.watchdog.daemon``."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hems import HemsError, lock, process, release, systemd
from hems.health import announce, dongle, store
from hems.health import history as missing
from hems.health.catalogue import Issue, issue, rank
from hems.health.debounce import Debounce
from hems.health.judge import Seen, judge
from hems.process import Surroundings, say
from hems.settings import SettingsError
from hems.systemd import SystemdError
from hems.watchdog import core, gaps, ladder, memory, network_manager, observe, startup
from hems.watchdog import release as guard
from hems.watchdog.act import Actor, utc
from hems.watchdog.core import Action, Observation, Verb
from hems.watchdog.home import Home
from hems.watchdog.outside import Outside
from hems.watchdog.set_aside import SetAside
from hems.watchdog.startup import Start
from hems.watchdog.watched import Secrets, services, tell

NOT_OURS = "not by the watchdog: a power cut, a person, or a reset after the system hung"
WAIT_SECONDS = 30.0  # between two tries to read settings that were never good
KEPT = "settings"  # directory of the settings that were good last, below the state's


class Daemon:
    """What the loop carries from one look to the next."""

    def __init__(self, start: Start, secrets: Secrets, directory: Path) -> None:
        """``directory`` is where the settings come from."""
        now = time.monotonic()
        appliance, options = start.appliance, start.options
        self._appliance, self._options, self._secrets = appliance, options, secrets
        self._kept, self._directory = start.kept, directory
        self._copies, self._changed = appliance.paths.state / KEPT, False
        self._broken: tuple[str, ...] = startup.problems(directory)
        self._actor = Actor(appliance.paths.state, options.dry_run)
        self._set_aside = SetAside(appliance.paths.notes, self._actor)
        self._outbox = announce.Outbox()
        self._entries = start.entries
        entries, name = self._entries.values(), f"{appliance.site.hostname}.local"
        self._services = services(entries, name, options.services, secrets, self._outbox)
        self._readings = {one.unit for one in self._services if one.readings}
        self._debounce = Debounce(options.health.hold_scale)
        ca = appliance.paths.tls / "ca.crt"
        self._certificates = observe.Certificates(entries, appliance.site.hostname, ca)
        self._issues: tuple[Issue, ...] = ()
        self._version, self._round_at = "", now
        self._named: set[str] = set()
        self._lasting = memory.load_lasting(appliance.paths.state)
        boot = memory.load_boot(appliance.paths.run)
        if boot is None:
            boot = self._first_start()
        self._state, self._rungs, self._guard = boot.state, boot.rungs, boot.guard
        self._tracks = dict(boot.tracks)
        self._home = Home(appliance, options.health, secrets, boot, self._lasting.keys, now=now)
        self._outside = Outside(self._entries, name, options.health.open_ports)

    @property
    def outlived(self) -> bool:
        """Whether those on the disk are others: entries, or settings that are good again."""
        return self._changed or (self._kept and not self._broken)

    def _first_start(self) -> memory.Boot:
        own = self._actor.has_rebooted()
        cause = "the watchdog rebooted it" if own else NOT_OURS
        self._actor.note("start", "box", cause, f"ladder at step {self._lasting.step}")
        return memory.Boot(rungs=ladder.Rungs(step=self._lasting.step))

    def look(self) -> float:
        """Do one look and return after how many seconds the next one is due."""
        now = time.monotonic()
        locked = self._is_locked()
        observations = self._observations()
        locked = locked or self._is_locked()  # the probes took their time
        self._state, actions = core.decide(
            self._state, observations, now, locked, self._options.services
        )
        for action in actions:
            self._actor.carry_out(action)
        self._follow(observations, now, locked)
        systemd.feed_watchdog()
        named = {unit for unit, known in self._state.units.items() if known.named}
        if now >= self._round_at or named != self._named:  # what is new is told at once
            self._named = named
            self._round_at = now + self._options.services.look
            self._round(observations, now, locked)
        self._save()
        pause = core.next_look(self._state, self._options.services)
        return min(pause, max(0.0, self._round_at - now))

    def _follow(self, observations: list[Observation], now: float, locked: bool) -> None:
        """Write down what faults cost; who holds the lock knows what it does."""
        for observation in observations:
            name = observation.unit.name
            if name in self._readings:
                track, gap = gaps.follow(self._tracks.get(name, gaps.Track()), observation, now)
                self._tracks[name] = track
                if gap is not None and not locked and not self._options.dry_run:
                    self._actor.note_gap(name, gap)

    def _is_locked(self) -> bool:
        return observe.is_locked(self._appliance.paths.lock)

    def _observations(self) -> list[Observation]:
        try:
            return observe.observations(self._services)
        except SystemdError as error:  # the Internet is looked after all the same
            say(str(error))
            return []

    def _round(self, observations: list[Observation], now: float, locked: bool) -> None:
        appliance, options = self._appliance, self._options
        reachable = observe.reachable(appliance.internet.targets)
        unit = appliance.home_assistant.unit
        up = any(
            observation.unit.name == unit and observation.result.ok for observation in observations
        )
        view = self._home.look(now, up)
        inside = view.inside
        self._outside.look(observations, now)
        installed = observe.installed_version(options.release.home_assistant)
        locked = locked or self._is_locked()
        if self._home.deep.learnt != self._lasting.keys:
            self._lasting = replace(self._lasting, keys=dict(self._home.deep.learnt))
            self._keep(self._lasting)
        self._climb(reachable, now, locked)
        self._watch_release(guard.Versions(unit, view.running, installed), now, locked)
        systemd.feed_watchdog()
        found = startup.entries(self._directory, self._copies)
        if not locked:  # a play writes them for the release that it brings, and starts this anew
            self._broken = (*startup.problems(self._directory), *found.problems)
        self._changed = found.entries != self._entries
        seen = Seen(
            services=observe.judged(self._services, self._state, observations, options.services),
            internet=reachable,
            inside=inside,
            broken=self._broken,
            blind=(*startup.lacking(self._secrets), *self._home.asked.blind),
            mute=view.mute,
            silence=view.silence,
            installed=installed if up else "",  # what is down runs no version
            vitals=observe.measured(appliance.paths.state),
            dongle=dongle.look(appliance, inside.entries) if inside else None,
            certificates=self._certificates.look(now),
            lost=self._home.lost,
            meter=self._home.meter,
            recording=self._home.deep.recording,
            unstored=self._home.unstored,
            blocked=self._outside.blocked,
            exposed=self._outside.exposed,
            failed=self._outside.failed,
            set_aside=self._set_aside.look(),
            tls_problem=observe.told(appliance.paths.tls_problem),
            update_problem=observe.told(appliance.paths.update_problem),
            reported=observe.reported(self._entries.values(), now),
            gaps=missing.read(appliance.paths.history).words,
        )
        issues = judge(seen, options.health)
        full = any(item.kind.code == "disk_full" for item in issues)
        self._home.heal(full, now, locked, self._actor.carry_out)
        self._report(self._debounce.open(issues, now, utc()))

    def _climb(self, reachable: bool | None, now: float, locked: bool) -> None:
        options = self._options.internet
        seen, hotspot = ladder.Network(reachable, network_manager.available()), observe.hotspot()
        # A guest of the hotspot is about to bring the Internet back: the outage goes on counting.
        held = locked or bool(hotspot)
        rungs, action = ladder.decide(self._rungs, seen, now, held, options)
        if action is not None and action.verb is Verb.REBOOT:
            self._reboot(rungs, action)
        else:
            before, self._rungs = self._rungs, rungs
            if action is not None:
                self._actor.carry_out(action)
            elif rungs.step != before.step:
                self._lasting = replace(self._lasting, step=0)
                self._keep(self._lasting)
        self._rungs, action = ladder.hotspot(self._rungs, hotspot, now, options)
        if action is not None:
            self._actor.carry_out(action)

    def _reboot(self, rungs: ladder.Rungs, action: Action) -> None:
        """Reboot, unless somebody has just begun to work on the box; meanwhile, nobody begins."""
        with lock.kept_free(self._appliance.paths.lock) as free:
            if free:
                self._rungs = rungs
                self._actor.carry_out(action, before=self._remember_reboot)

    def _keep(self, lasting: memory.Lasting) -> None:
        try:
            memory.save_lasting(self._appliance.paths.state, lasting)
        except OSError as error:  # a full disk must not stop the healing
            say(f"the wait before the next reboot can't be saved: {error}")

    def _remember_reboot(self) -> None:
        self._lasting = replace(self._lasting, step=self._rungs.step)
        memory.save_lasting(self._appliance.paths.state, self._lasting)

    def _watch_release(self, versions: guard.Versions, now: float, locked: bool) -> None:
        if versions.running not in ("", self._version):
            self._version = versions.running
            self._actor.note_version(f"Home Assistant {versions.running} runs")
        grace = self._options.release.grace
        self._guard, action = guard.decide(self._guard, versions, now, locked, grace)
        if action is not None:
            words = f"restarted Home Assistant: {action.observed}"
            self._actor.carry_out(action, before=lambda: self._actor.note_version(words))

    def _report(self, issues: tuple[Issue, ...]) -> None:
        ranked = tuple(sorted(issues, key=rank))
        self._say_changes(ranked)
        box = self._appliance
        store.write(box.paths.run / store.FILE, ranked, time.monotonic(), utc())
        changed = ranked != self._issues
        self._issues = ranked
        about = (box.mqtt.discovery, box.site.name, release(), f"{box.url}/")
        self._outbox.put(announce.discovery(*about), announce.state(ranked))
        if changed and self._secrets.mqtt:
            tell(box.ports.mqtt, self._secrets.mqtt, self._outbox)

    def _say_changes(self, issues: tuple[Issue, ...]) -> None:
        before = {item.key for item in self._issues}
        after = {item.key for item in issues}
        for item in issues:
            if item.key not in before:
                say(f"issue {item.kind.code} opened: {item}")
        for item in self._issues:
            if item.key not in after:
                say(f"issue {item.kind.code} closed: {item.kind.title} {item.subject}".rstrip())

    def _save(self) -> None:
        boot = memory.Boot(
            dict(self._state.units),
            self._rungs,
            self._guard,
            self._home.asked.refused,
            self._home.aftermath,
            self._tracks,
        )
        memory.save_boot(self._appliance.paths.run, boot)


def _start(directory: Path, state: Path, run: Path, ended: threading.Event) -> Start | None:
    """Return the settings; without any that could ever be used, wait for them, and say so."""
    while not ended.is_set():
        try:
            return startup.load(directory, state / KEPT)
        except SettingsError as error:
            systemd.feed_watchdog()
            seen = issue("settings_broken", str(error))
            try:
                store.write(run / store.FILE, [seen], time.monotonic(), utc())
            except OSError as failure:
                say(str(failure))
            say(str(error))
        ended.wait(WAIT_SECONDS)
    return None


def daemon(around: Surroundings, arguments: Sequence[str] = sys.argv[1:]) -> None:
    """Run until SIGTERM. ``arguments``: the directories of what lasts, and of this boot."""
    state, run = (Path(one) for one in arguments)
    ended = threading.Event()
    process.on_stop(ended.set)
    systemd.ready("looking after the box")
    start = _start(around.settings, state, run, ended)
    if start is None:
        return
    watchdog = Daemon(start, startup.read_secrets(around), around.settings)
    while not ended.is_set() and not watchdog.outlived:  # systemd starts it anew
        systemd.feed_watchdog()
        try:
            pause = watchdog.look()
        except (HemsError, OSError) as error:
            say(str(error))
            pause = start.options.services.look_again
        ended.wait(pause)
    systemd.stopping()


if __name__ == "__main__":
    sys.exit(process.run(daemon))
