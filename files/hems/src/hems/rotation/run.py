"""Renew what was asked for, under the appliance's lock; say in words what was done."""

from __future__ import annotations

from collections.abc import Callable, Collection

from hems import lock, readable_secret, whole_file
from hems.rotation import RotationError, home_assistant, kinds
from hems.rotation.influxdb import SECRET, Operator
from hems.settings import Appliance

WORK = "rotation"


def begin(
    appliance: Appliance,
    wanted: Collection[str],
    devices: Collection[str],
    say: Callable[[str], None],
) -> None:
    """Renew the kinds and the devices' passwords; the next play hands them out.

    Raises RotationError and HomeAssistantError; what was renewed until then is complete.
    """
    if words := kinds.unknown(wanted):
        raise RotationError(f"'{words[0]}' is no kind of secret: take {', '.join(kinds.KINDS)}.")
    if strangers := sorted(set(devices) - set(appliance.accounts.mqtt_devices)):
        raise RotationError(f"'{strangers[0]}' is no device of hems_mqtt_devices.")
    directory = appliance.paths.secrets
    operator = _operator(appliance)
    steps: dict[str, Callable[[], object]] = {
        kinds.OWNER: lambda: home_assistant.renew_password(appliance),
        kinds.TOKEN: lambda: home_assistant.renew_token(appliance),
        kinds.OPERATOR: operator.renew,
        kinds.TOKENS: operator.set_aside,
    }
    with lock.appliance_lock(appliance.paths.lock, WORK):
        for kind in (one for one in kinds.KINDS if one in wanted and one in steps):
            steps[kind]()
            say(kind)
        there = {path.name for path in directory.iterdir()}
        for name, length in kinds.files(wanted, devices, appliance.accounts, there).items():
            whole_file.write(directory / name, f"{readable_secret.make(length)}\n")
            say(name)


def finish(appliance: Appliance) -> int:
    """End the InfluxDB tokens that were valid beside the new ones; return how many.

    Raises RotationError.
    """
    with lock.appliance_lock(appliance.paths.lock, WORK):
        return _operator(appliance).end()


def _operator(appliance: Appliance) -> Operator:
    return Operator(appliance.ports.influxdb, appliance.paths.secrets / SECRET)
