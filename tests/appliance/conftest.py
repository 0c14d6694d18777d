"""What the tests on the converged box start from. HEMS_PI names the Pi (Molecule's).

Where several workers run them, HEMS_PIS names a Pi for each, by the workers' numbers.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
import testinfra

from tests.virtual.pi import substitutes
from tests.virtual.pi.checkout import INVENTORY, ROOT
from tests.virtual.pi.machine import SSH_CONFIG, Pi

# A test module that names it as plugin has imported it before.
pytest.register_assert_rewrite("tests.appliance.zigbee_box", "tests.appliance.dongle_box")

if worker := os.environ.get("PYTEST_XDIST_WORKER"):  # gw0, gw1, …
    pis = dict(enumerate(os.environ.get("HEMS_PIS", "").split()))
    if (number := int(worker.removeprefix("gw"))) not in pis:
        raise pytest.UsageError(f"HEMS_PIS names no Pi for worker {number}: name one for each")
    os.environ["HEMS_PI"] = pis[number]

# The files that take longest, first: the last one to end decides when several Pis are done.
LONGEST = (
    *("zigbee_backup", "watchdog_provisioned", "home_assistant_owner", "watchdog_credentials"),
    *("check_mode", "zigbee_faults", "clock", "watchdog_services", "zigbee_pairing", "history"),
    *("watchdog_reboots", "zigbee_path", "zigbee_dongle", "tic", "d2l", "watchdog_limits"),
    *("leds", "watchdog_disk", "reading_path", "home_assistant", "home_assistant_house"),
)
JOURNAL_LINES = 60
# modules that use the installed hems package
ON_HEMS = ("home_assistant_service", "home_assistant_setup", "mqtt_round_trip")
_PI = Pi(os.environ.get("HEMS_PI", "molecule"))


@dataclass(frozen=True)
class Door:
    """The one door, as a browser in the house's network finds it."""

    url: str  # without a slash at the end; by address, since nobody here resolves the Pi's name
    address: str
    name: str  # the host name, without `.local`
    ca: Path  # the site's CA certificate, to verify the door with

    def session(self) -> requests.Session:
        """Return an HTTP session that trusts this site's CA and nothing else."""
        session = requests.Session()
        session.trust_env = False  # else REQUESTS_CA_BUNDLE overrules `verify`
        session.verify = str(self.ca)
        return session


def pytest_report_header() -> str:
    """Say which InfluxDB the results are about."""
    return f"virtual Pi: {_PI.name}; InfluxDB: {substitutes.database()}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first; within a file the tests' order stays."""
    order = {f"test_{name}": number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


@pytest.fixture(scope="session")
def pi() -> Any:
    """The converged Pi as a testinfra host, over ssh, as root."""
    host = testinfra.get_host(f"ssh://{_PI.alias}", ssh_config=str(SSH_CONFIG), sudo=True)
    if host.run("true").rc:
        pytest.exit(
            f"the Pi '{_PI.name}' can't be reached: `molecule converge` makes the one that tests "
            "use, HEMS_PI=pi means that of `make up`",
            returncode=3,
        )
    return host


@pytest.fixture(scope="session")
def address() -> str:
    """The Pi's IPv4 address, reachable from here."""
    return _PI.address()


@pytest.fixture(scope="session")
def site() -> dict[str, Any]:
    """The inventory's variables of the Pi (`hems_*`), templates resolved."""
    wanted = (
        "vars | dict2items | selectattr('key', 'match', 'hems_(?!secret)') | items2dict | to_json"
    )
    answer = _ansible("ansible.builtin.debug", {"msg": "{{ " + wanted + " }}"}, "-c", "local")
    resolved: dict[str, Any] = json.loads(answer["msg"])
    return resolved


@pytest.fixture(scope="session")
def secret(pi: Any, site: dict[str, Any]) -> Callable[[str], str]:
    """Reads a secret's file on the Pi by its name."""

    def read(name: str) -> str:
        text: str = pi.file(f"{site['hems_path_secrets']}/{name}").content_string
        return text.removesuffix("\n")

    return read


@pytest.fixture(scope="session")
def door(
    pi: Any, site: dict[str, Any], address: str, tmp_path_factory: pytest.TempPathFactory
) -> Door:
    """Where the door is, and the CA that its certificate is from."""
    ca = tmp_path_factory.mktemp("door") / "ca.crt"
    ca.write_text(pi.file(f"{site['hems_path_tls']}/ca.crt").content_string)
    return Door(f"https://{address}", address, site["hems_hostname"], ca)


@pytest.fixture(scope="session")
def journal(pi: Any) -> Callable[[str], str]:
    """The newest lines of a unit's journal on the Pi."""
    return partial(_journal, pi)


def _journal(host: Any, unit: str) -> str:
    command = f"journalctl -u %s -n {JOURNAL_LINES} --no-pager -o short-iso"
    try:
        return str(host.run(command, unit).stdout)
    except RuntimeError as error:  # testinfra's word for an ssh that can't connect
        return f"the Pi can't be reached: {error}"


@pytest.fixture(scope="session")
def run_module(pi: Any) -> Callable[[str, dict[str, Any]], dict[str, Any]]:  # noqa: ARG001
    """Runs one of the project's Ansible modules on the Pi and returns its result."""
    return _ansible


def _ansible(module: str, arguments: dict[str, Any], *options: str) -> dict[str, Any]:
    """Run a module ad hoc on the Pi; its result, also a failed one's."""
    libraries = [ROOT / "playbooks" / "library", *ROOT.glob("roles/*/library")]
    helpers = [ROOT / "playbooks" / "module_utils", *ROOT.glob("roles/*/module_utils")]
    program = Path(sys.executable).parent / "ansible"
    command = [str(program), "-i", str(INVENTORY), "hems", "--become", "-m", module]
    if module in ON_HEMS:
        command += ["-e", "ansible_python_interpreter={{ hems_path_opt }}/current/bin/python"]
    result = subprocess.run(
        [*command, "-a", json.dumps(arguments), *options],
        cwd=ROOT,
        env={
            **os.environ,
            "HEMS_PI": _PI.name,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
            "ANSIBLE_LIBRARY": ":".join(map(str, libraries)),
            "ANSIBLE_MODULE_UTILS": ":".join(str(path) for path in helpers if path.is_dir()),
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    _, arrow, answer = result.stdout.partition(" => ")
    assert arrow, f"{shlex.join(command)} gave no result: {result.stdout}{result.stderr}"
    parsed: dict[str, Any] = json.JSONDecoder().raw_decode(answer.lstrip())[0]
    return parsed


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test of a service shows its journal: @pytest.mark.journal("nginx")."""
    report = yield
    marker = item.get_closest_marker("journal")
    host = getattr(item, "funcargs", {}).get("pi")
    if marker and host and report.when == "call" and report.failed:
        report.sections += [(f"journal of {unit}", _journal(host, unit)) for unit in marker.args]
    return report
