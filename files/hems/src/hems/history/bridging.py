"""Bridge what nobody measured: find the pauses of counters, write their points, mend the hours."""

from __future__ import annotations

import hashlib

from hems.history import HistoryError, bridge, statistics
from hems.history.cause import NOT_KNOWN, unheard
from hems.history.compare import SECOND
from hems.history.fill import History, utc
from hems.history.influxdb import batches
from hems.history.ledger import BRIDGED, Gap
from hems.home_assistant import REFUSED, Access, HomeAssistant, HomeAssistantError

TOKEN = "refused_token"  # progress: of which Home Assistant's refusal is known
NO_TOKEN = (
    "Home Assistant refuses the box's own token, or there is none: "
    "run the whole playbook, it makes a new one."
)
UNHEARD = "the meter was not heard"
LATE = 900 * SECOND  # Home Assistant's own hour is made by then


def bridge_pauses(history: History, access: Access) -> list[Gap]:
    """Bridge each pause of which the ledger does not know yet, and return what was bridged.

    Points first, hours then, the ledger last: a run that is killed is done again, and writes the
    same. Raises HistoryError.
    """
    found = []
    away = history.recorder.pauses()
    for entity, unit in history.recorder.counters().items():
        for pause in bridge.pauses(history.recorder.heard(entity), away):
            settled = pause.end + max(LATE, history.limits.settle * SECOND) <= history.now
            if settled and not history.ledger.bridged(entity, pause.begin):
                found.append(_one(history, access, entity, unit, pause))
    return found


def _one(history: History, access: Access, entity: str, unit: str, pause: bridge.Pause) -> Gap:
    lines = list(bridge.lines(entity, unit, pause))
    for batch in batches(lines, history.limits.batch):
        history.influxdb.write(batch)
    hours = _mend(history, access, entity, unit, pause)
    cause = unheard(pause.begin, pause.end, history.disturbed)
    known = Gap(
        entity,
        pause.begin,
        pause.end,
        len(lines),
        UNHEARD if cause == NOT_KNOWN else cause,
        BRIDGED,
        found=utc(history.now),
        closed=utc(history.now),
        filled=len(lines),
        detail=f"{pause.after - pause.before:.3f} {unit} spread evenly; "
        f"{hours} hours of Home Assistant's statistics mended",
    )
    [kept] = history.ledger.add([known])
    return kept


def _mend(history: History, access: Access, entity: str, unit: str, pause: bridge.Pause) -> int:
    # A refused token is never sent again: ten of them would get the box banned from itself.
    mark = int.from_bytes(hashlib.sha256(access.token.encode()).digest()[:7])
    if not access.token or history.ledger.progress(TOKEN) == mark:
        raise HistoryError(NO_TOKEN)
    try:
        with HomeAssistant(access) as home_assistant:
            return statistics.mend(home_assistant, entity, unit, pause)
    except HomeAssistantError as error:
        if error.code in REFUSED:
            history.ledger.advance(TOKEN, mark)
        raise HistoryError(str(error)) from error
