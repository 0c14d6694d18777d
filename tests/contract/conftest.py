"""The server under test, and what the report says about it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.contract.server import Server, standin
from tests.virtual.influxdb2_standin import engine
from tests.virtual.pi.checkout import Failure

OPTION = "--influxdb-url"
KIND = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the caller name a server."""
    parser.addoption(
        OPTION,
        default=os.environ.get("INFLUXDB_URL", ""),
        help="a fresh real InfluxDB 2 to test the contract on, in place of the stand-in",
    )


@pytest.fixture(scope="session")
def server(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Server]:
    """The fresh server that the option names, else the stand-in, started here."""
    if url := str(pytestconfig.getoption(OPTION)).rstrip("/"):
        named = Server(url)
        try:
            fresh = named.get("/api/v2/setup").body["allowed"]
        except (OSError, KeyError, TypeError) as problem:
            pytest.exit(f"{url} is no InfluxDB 2 that answers: {problem}", returncode=3)
        if not fresh:
            pytest.exit(
                f"{url} has been set up, and the contract is written into an empty server: "
                "start a fresh one that nothing depends on",
                returncode=3,
            )
        pytestconfig.stash[KIND] = describe(named)
        yield named
        return
    try:
        program = engine.binary(engine.architecture())
    except Failure as problem:
        pytest.skip(f"the stand-in's engine can't be had: {problem}")
    with standin(tmp_path_factory.mktemp("influxdb2-standin"), program) as started:
        pytestconfig.stash[KIND] = describe(started)
        yield started


def describe(server: Server) -> str:
    """Return what the server says that it is."""
    health = server.get("/health").body
    kind = "the stand-in" if server.is_standin else "a real server"
    return f"{kind}, {health['version']} at {server.url}: {health['message']}"


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what was tested."""
    if kind := config.stash.get(KIND, ""):
        terminalreporter.write_line(f"InfluxDB contract tested on {kind}")
