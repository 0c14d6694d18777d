"""The loop of a daemon that serves with asyncio."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress

from hems import systemd


async def until_stopped(
    status: str, pause: float, beat: Callable[[], object] = lambda: None
) -> None:
    """Tell systemd that the service is up, then do ``beat`` every ``pause`` seconds until a signal.

    systemd's watchdog is fed each time; ``status`` is a line for ``systemctl status``.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    systemd.ready(status)
    while not stop.is_set():
        beat()
        systemd.feed_watchdog()
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)
    systemd.stopping()
