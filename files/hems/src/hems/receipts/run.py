"""Make a receipt and send it: what hems-receipt.service runs, hourly and after each update.

While the server is away the newest receipt waits on the card. That is no failure of the unit: the
watchdog tells it when it has lasted for days.
"""

from __future__ import annotations

import ssl
import sys
import time
from pathlib import Path

import msgspec

from hems import HemsError, settings
from hems.message import Message
from hems.mqtt import Account, AccountRefused, Broker, BrokerError, deliver
from hems.process import Surroundings, run, say
from hems.receipts import gather, key, receipts_settings, status
from hems.receipts.core import build, seal, text_of, topic
from hems.receipts.receipts_settings import Receipts
from hems.update.state import State, utc

STATE, KEY, PASSWORD, TOKEN = "update_state", "receipt_key", "receipt_password", "influxdb_token"
SECONDS = 60.0  # that the server may take


def make(where: Surroundings, options: Receipts) -> bytes:
    """Return a receipt of this moment, sealed. Raises HemsError."""
    appliance = settings.appliance(where.settings)
    token, private = optional(where, TOKEN), where.credential(KEY).encode() + b"\n"
    seen = gather.look(appliance, token, options.packages, where.settings / "services.d")
    made = build(
        options.site,
        appliance.site.ring,
        now=time.time(),
        state=updater(optional(where, STATE)),
        problem=problem(options.problem),
        look=seen,
    )
    text = text_of(made)
    return seal(text, key.public(private), key.sign(text, where.credential_file(KEY)))


def updater(text: str) -> State:
    """Return what the updater remembers; what can't be read is nothing."""
    try:
        return msgspec.json.decode(text, type=State) if text else State()
    except msgspec.MsgspecError:
        return State()


def problem(path: Path) -> str:
    """Return the updater's sentence for the watchdog."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def optional(where: Surroundings, name: str) -> str:
    """Return a credential that a box may lack."""
    try:
        return where.credential(name)
    except HemsError:
        return ""


def send(sealed: bytes, options: Receipts, broker: Broker, password: str) -> str:
    """Have the server keep a receipt; return what is in the way, or an empty text."""
    message = Message(topic(options.site), sealed, retain=True)
    server = f"The fleet server {options.server}:{options.port}"
    try:
        deliver(broker, Account(options.site, password), [message], timeout=SECONDS)
    except AccountRefused as error:
        return (
            f"{server} {error}: give this site and the server the same "
            "hems_secret_receipt_password, and play both."
        )
    except ssl.SSLError as error:
        return f"{server} shows a certificate that is not its own ({error}): see hems_fleet_ca."
    except BrokerError as error:
        return f"{server} {error}: is it up, and can the box reach it?"
    return ""


def receipt(where: Surroundings, directory: Path = status.DIRECTORY) -> None:
    """Make one and send it. Raises HemsError when none can be made or kept."""
    options = receipts_settings.read(where.settings)
    before = status.read(directory)
    try:
        status.queue(make(where, options), directory)
    finally:  # one that waits is sent even when no newer one can be made
        sealed = status.newest(directory)
        now = utc(time.time())
        wrong = "There is no receipt to send: 'journalctl -u hems-receipt' says why."
        if sealed:
            wrong = send(sealed, options, options.broker(), where.credential(PASSWORD))
        if wrong != before.problem:
            say(wrong or "The fleet server has the receipt.")
        delivered = before.delivered if wrong else now
        status.write(status.Status(before.begun or now, delivered, bool(wrong), wrong), directory)


if __name__ == "__main__":
    sys.exit(run(receipt))
