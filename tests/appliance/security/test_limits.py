"""How much an address may ask of the door, that nobody else notices, and that it ends by itself.

The attacks go against a second door, from loopback addresses that it takes for strangers.
Their figures are printed: ``pytest -s``.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.appliance.second_door import DIRECTORY, SecondDoor, whole

pytest_plugins = ["tests.appliance.door_fixtures"]
pytestmark = pytest.mark.journal("nginx")

HERE = "127.0.0.1"
ROOM = 1.05  # the bucket fills while requests are sent: how long that takes is measured
Attack = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def attack(pi: Any, second_door: SecondDoor) -> Attack:  # noqa: ARG001 - it is the second door that is attacked
    """Runs the rude client on the Pi against the second door and returns its figures."""
    program = f"{DIRECTORY}/attacker.py"
    text = Path(__file__).with_name("attacker.py").read_text()
    pi.check_output(f"printf %s {shlex.quote(text)} >{program}")
    ports = {
        name: int(pi.check_output(f"grep -oP '{pattern}' {DIRECTORY}/nginx.conf").split()[0])
        for name, pattern in {
            "https": r"listen 127\.0\.0\.1:\K\d+(?= ssl)",
            "http": r"listen 127\.0\.0\.1:\K\d+(?= default_server)",
        }.items()
    }

    def run(what: str, **how: Any) -> dict[str, Any]:
        port = ports[how.pop("to", "https")]
        if "probes" in how:
            how["probes"] = [(address, ports["https"]) for address in how["probes"]]
        arguments = shlex.quote(json.dumps({"port": port, **how}))
        found: dict[str, Any] = json.loads(pi.check_output(f"python3 {program} {what} {arguments}"))
        print(f"\n{what} from {how['source']}, {how['count']} times: {found}")
        return found

    return run


@pytest.fixture(scope="module")
def zones(pi: Any) -> dict[str, tuple[float, int]]:
    """Requests a second, and how many at once above that, by the zone's name."""
    config = whole(pi)
    found = {}
    for name, number, unit in re.findall(r"zone=(\w+):\w+ rate=(\d+)r/([sm])", config):
        burst = re.search(rf"limit_req zone={name} burst=(\d+)", config)
        assert burst, name
        found[name] = (int(number) / (60 if unit == "m" else 1), int(burst[1]))
    return found


def passed(found: dict[str, Any]) -> int:
    """Return how many requests were not refused."""
    return sum(count for status, count in found["statuses"].items() if status != "429")


TOKEN = {"Authorization": "Token x"}
FLOODS: dict[str, dict[str, Any]] = {
    "home": {"source": "127.0.1.1", "path": f"/{'a' * 4000}..%2f"},
    "files": {"source": "127.0.1.9", "path": "/static/x"},
    "pages": {"source": "127.0.1.2", "path": "/influx/", "headers": TOKEN},
    "pages, the editor's": {"source": "127.0.1.4", "path": "/configurator/"},
    "readers": {"source": "127.0.1.3", "path": "/influx/api/v2/me"},
    "writers": {
        "source": "127.0.1.5",
        "path": "/influx/api/v2/write",
        "method": "POST",
        "headers": TOKEN,
    },
    "log_in, Home Assistant's": {
        "source": "127.0.1.6",
        "path": "/auth/login_flow/x",
        "method": "POST",
    },
    "log_in, the door's": {"source": "127.0.1.7", "path": "/door/login", "method": "POST"},
    "log_in, InfluxDB's": {
        "source": "127.0.1.8",
        "path": "/influx/api/v2/signin",
        "method": "POST",
    },
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_is_bounded_and_others_do_not_notice(
    attack: Attack, zones: dict[str, tuple[float, int]], flood: str
) -> None:
    rate, burst = zones[flood.split(",", maxsplit=1)[0]]
    one = FLOODS[flood]
    found = attack("flood", count=2 * burst + 200, **one)
    assert burst <= passed(found) <= (burst + 1 + rate * found["seconds"]) * ROOM
    for other in (HERE, f"{one['source']}0"):
        assert passed(attack("flood", count=3, **one | {"source": other})) == 3


HOST, SAME_HOST, NEIGHBOUR = "2001:db8:1:2::1", "2001:db8:1:2:a:b:c:d", "2001:db8:1:3::1"


@pytest.fixture
def addresses(pi: Any) -> Iterator[None]:
    """Strangers with IPv6: documentation's addresses, on loopback for a while."""
    each = f"for one in {HOST} {SAME_HOST} {NEIGHBOUR}; do ip address"
    pi.check_output(f"{each} add $one/128 dev lo nodad; done")
    yield
    pi.check_output(f"{each} del $one/128 dev lo; done")


@pytest.mark.usefixtures("addresses")
def test_a_host_gets_no_more_by_taking_another_ipv6_address(
    attack: Attack, zones: dict[str, tuple[float, int]]
) -> None:
    _, burst = zones["log_in"]
    one = {"path": "/door/login", "method": "POST"}
    assert passed(attack("flood", source=HOST, count=burst + 20, **one)) >= burst
    assert passed(attack("flood", source=SAME_HOST, count=20, **one)) <= 1
    assert passed(attack("flood", source=NEIGHBOUR, count=20, **one)) == 20


def test_an_address_that_asks_for_less_is_answered_again(
    attack: Attack, zones: dict[str, tuple[float, int]]
) -> None:
    rate, burst = zones["home"]
    spent = attack("flood", source="127.0.2.1", path="/", count=2 * burst)
    assert passed(spent) < 2 * burst
    # A second of silence is worth as many requests as the rate says.
    assert attack("flood", source="127.0.2.1", path="/", count=1)["statuses"] in (
        {"200": 1},
        {"429": 1},
    )
    found = attack("flood", source="127.0.2.1", path="/", count=int(3 * rate))
    assert passed(found) >= 1


@pytest.mark.parametrize(
    ("source", "path", "count"),
    [
        ("127.0.3.1", "/frontend_latest/app.js", 2 * 1150),  # with its service worker, twice
        ("127.0.3.3", "/api/x", 400),  # two cold loads of a large dashboard
        ("127.0.3.2", "/influx/vendor.js", 2 * 190 + 100),  # "Load Data" twice, and the log-in
    ],
)
def test_a_cold_page_never_meets_the_limit(
    attack: Attack, owner: dict[str, str], source: str, path: str, count: int
) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in owner.items())
    found = attack("flood", source=source, path=path, count=count, headers={"Cookie": cookie})
    assert found["statuses"] == {"200": count}


def test_another_site_can_not_use_up_what_a_visitor_may_try(attack: Attack) -> None:
    one = {"source": "127.0.4.1", "path": "/auth/login_flow", "method": "POST"}
    found = attack("flood", count=100, headers={"Sec-Fetch-Site": "cross-site"}, **one)
    assert found["statuses"] == {"403": 100}
    assert attack("flood", count=20, **one)["statuses"] == {"200": 20}


@pytest.mark.parametrize(("to", "source"), [("http", "127.0.5.1"), ("https", "127.0.5.2")])
def test_slow_clients_leave_the_door_answering(attack: Attack, to: str, source: str) -> None:
    probes = [source, HERE, "127.0.5.9"]  # the very same address, the box itself, another
    found = attack("slow", to=to, source=source, count=2300, probes=probes, tls=to == "https")
    assert found["held"] == 2300
    assert max(found["slowest"].values()) < 3, "seconds"
    assert found["ended"] < found["opened"] + 40, "seconds"


def test_requests_that_never_end_are_counted(pi: Any, attack: Attack) -> None:
    limit = int(re.search(r"limit_conn open (\d+);", whole(pi))[1])  # type: ignore[index]
    found = attack("hold", source="127.0.6.1", count=limit + 50)
    assert found == {"held": limit, "refused": 50}


def test_influxdbs_tokens_are_not_guessed_fast(attack: Attack, site: dict[str, Any]) -> None:
    one = {"source": "127.0.7.1", "path": "/influx/api/v2/buckets"}
    known = f"{site['hems_path_secrets']}/influxdb_token_hems"
    assert attack("flood", count=3, token=known, **one)["statuses"] == {"200": 3}
    found = attack("flood", count=150, vary="Authorization", headers={}, **one)
    assert found["statuses"] == {"200": 5, "429": 145}, "five free tries"
    # A token that was right before goes on, and so does everybody at another address.
    assert attack("flood", count=3, token=known, **one)["statuses"] == {"200": 3}
    other = one | {"source": "127.0.7.2"}
    assert attack("flood", count=3, headers={"Authorization": "Token x"}, **other)["statuses"] == {
        "200": 3
    }
