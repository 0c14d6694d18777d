"""The appliance's own units, as systemd has them."""

from __future__ import annotations

from hems import services
from hems.systemd import units
from hems.update import resume

OURS = ("hems-", "home-assistant", "hass-")  # units that roles bring have names like these
KINDS = ("service", "timer", "path", "socket")


def wanted() -> dict[str, bool | None]:
    """Return the appliance's units and whether each is wanted up.

    None: a job, which comes and goes. A service that just starts, or fails, is wanted.
    """
    entries = {entry.unit for entry in services.read_all(services.DIRECTORY).entries.values()}
    names = {name for name in entries if name.endswith(".service")}
    for kind in KINDS:
        paths = resume.DIRECTORY.glob(f"*.{kind}")
        names |= {one.name for one in paths if one.name.startswith(OURS) and one.is_file()}
    names -= {"hems-update.service", resume.UNIT, "NetworkManager.service"}
    found = units(sorted(names)).items()
    told = {
        name: unit.is_up or (None if unit.active != "inactive" else False) for name, unit in found
    }
    return told | {name: True for name in entries & set(told) if told[name] is None}
