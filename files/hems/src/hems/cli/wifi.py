"""``hems wifi``: the networks in range, joining one and forgetting one, and the hotspot."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable

from hems import hotspot_status as status
from hems import settings, systemd
from hems.label import in_terminal, wifi_code
from hems.onboarding.bus import WifiError, failed, system_bus
from hems.onboarding.core import SSID_BYTES, Lock, Trouble, shown
from hems.onboarding.network import Wifi

UNIT = "hems-onboarding.service"
OPEN_SECONDS = 75.0  # it looks for networks first
PAUSE_SECONDS = 0.5

VERBS = {
    "status": "show the current network and the stored ones",
    "scan": "list the networks in range",
    "join": "join a network; asks for the passphrase, or reads it from stdin",
    "forget": "delete a stored network",
    "open": "open the box's hotspot now, to choose a network with a phone",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's words."""
    verbs = parser.add_subparsers(metavar="VERB", dest="verb", required=True)
    for name, summary in VERBS.items():
        verb = verbs.add_parser(name, help=summary, description=f"wifi {name}: {summary}.")
        if name in ("join", "forget"):
            verb.add_argument("name", help="the network's name")
        if name == "join":
            verb.add_argument(
                "--hidden", action="store_true", help="it does not broadcast its name"
            )


def run(options: argparse.Namespace) -> int:
    """Do what the word says. Raises WifiError."""
    ways: dict[str, Callable[[Wifi, argparse.Namespace], Awaitable[int]]] = {
        "status": _status,
        "scan": _scan,
        "join": _join,
        "forget": _forget,
    }
    if options.verb == "open":
        return _open()

    async def go() -> int:
        async with system_bus() as bus:
            return await ways[options.verb](Wifi(bus), options)

    return asyncio.run(go())


async def _status(wifi: Wifi, _: argparse.Namespace) -> int:
    stored = sorted({shown(ssid) for ssid in (await wifi.stored()).values()})
    now = await wifi.current()
    print(f"connected  {f'{now.name}  {now.strength} %  {now.lock}' if now else 'to no network'}")
    print(f"stored     {', '.join(stored) or 'none'}")
    print(f"hotspot    {_hotspot(status.read())}")
    return 0


async def _scan(wifi: Wifi, _: argparse.Namespace) -> int:
    found = await wifi.scan()
    for one in found:
        print(f"{one.strength:3} %  {one.lock:<10}  {one.name}")
    if not found:
        print("No network is in range.")
    return 0


async def _join(wifi: Wifi, options: argparse.Namespace) -> int:
    ssid = options.name.encode()
    if not 0 < len(ssid) <= SSID_BYTES:
        raise failed(Trouble.NAME)
    seen = {one.ssid: one.lock for one in await wifi.scan()}
    lock = seen.get(ssid)
    if lock is None and not options.hidden:
        raise WifiError(
            f"'{options.name}' is not in range: 'hems wifi scan' lists the networks; --hidden "
            "joins one that does not broadcast its name."
        )
    key = "" if lock in (Lock.OPEN, Lock.ENTERPRISE, Lock.WEP) else _passphrase()
    # Who is connected by WiFi loses this terminal now; what was begun must come to its end.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    await wifi.join(ssid, key, lock, hidden=options.hidden)
    print(f"The box is connected to '{options.name}', and will reconnect after a restart.")
    return 0


def _passphrase() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Passphrase: ")
    return sys.stdin.readline().removesuffix("\n")


async def _forget(wifi: Wifi, options: argparse.Namespace) -> int:
    if not await wifi.forget(options.name.encode()):
        raise WifiError(
            f"'{options.name}' is not stored: 'hems wifi status' lists the stored networks."
        )
    print(f"'{options.name}' is deleted.")
    return 0


def _hotspot(seen: status.Status) -> str:
    if seen.open:
        left = max(0.0, seen.until - time.monotonic())
        return f"'{seen.name}' is open for {left / 60:.0f} minutes more"
    return "closed" if seen.phase else "never opened: hems-onboarding does not run"


def _open() -> int:
    if os.geteuid():
        raise WifiError("Only root may do this: put 'sudo' before it.")
    if not (seen := status.read()).phase:
        raise WifiError(f"The hotspot is not looked after: 'systemctl status {UNIT}' says why.")
    if not seen.open:
        print("Who is connected by WiFi loses the connection now.", flush=True)
        systemd.signal(UNIT, "SIGUSR1")
    deadline = time.monotonic() + OPEN_SECONDS
    while not (seen := status.read()).open:
        if time.monotonic() > deadline:
            raise WifiError(f"The hotspot did not open: 'journalctl -u {UNIT}' says why.")
        time.sleep(PAUSE_SECONDS)
    key = hotspot_passphrase(settings.appliance())
    print(f"{_hotspot(seen)}. {f'Its passphrase: {key}' if key else 'It has no passphrase.'}")
    if sys.stdout.isatty():
        print(
            f"A phone's camera joins it by this:\n{in_terminal(wifi_code(seen.name, key))}", end=""
        )
    return 0


def hotspot_passphrase(box: settings.Appliance) -> str:
    """Return the hotspot's passphrase; empty: it has none."""
    secret = box.paths.secrets / "hotspot"
    return secret.read_text(encoding="ascii").strip() if secret.is_file() else ""
