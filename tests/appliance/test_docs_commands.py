"""The commands that README and docs give for the box work as they stand there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.repo.documented import COMMANDS, Block, all_blocks

INTERRUPTED = 124  # timeout(1)


def clean_up(pi: Any) -> None:
    """Have the database run as before, and take the copy away."""
    pi.run("systemctl start influxdb; rm -f /var/backups/influxdb.tar.gz")


@pytest.mark.journal("influxdb.service")
@pytest.mark.parametrize("block", all_blocks(COMMANDS, "tested on the box"), ids=str)
def test_the_commands_work(pi: Any, block: Block) -> None:
    if "--extract" in block.text:  # the page makes the copy before it brings it back
        [made] = [other for other in all_blocks(COMMANDS) if "--create --gzip" in other.text]
        pi.check_output(made.text)
    try:
        if block.marker.endswith("for a second"):
            # `sudo -i` and a command that listens: the lines in one root shell, then Ctrl-C
            script = block.text.replace("sudo -i\n", "", 1)
            ran = pi.run("timeout --signal=INT 3 bash -ec %s", script)
            pi.run("rm -f ~/.config/mosquitto_sub")
            assert ran.rc in (0, INTERRUPTED), ran.stderr
        else:
            ran = pi.run("set -e; set -o pipefail\n" + block.text)
            assert ran.rc == 0, f"{ran.stdout}{ran.stderr}"
    finally:
        if "influxdb.tar" in block.text:
            clean_up(pi)


@pytest.mark.journal("influxdb.service")
def test_a_copy_of_the_database_brings_its_readings_back(pi: Any, site: dict[str, Any]) -> None:
    ask, make, bring = (
        next(block.text for block in all_blocks(COMMANDS) if words in block.text)
        for words in ("SELECT last(value)", "--create --gzip", "--extract --gzip")
    )
    port = site["hems_port_influxdb"]
    again = "--retry 60 --retry-all-errors --retry-delay 1"
    ready = f"curl --silent --fail {again} 127.0.0.1:{port}/health"
    try:
        before = pi.check_output(ask)
        assert "series" in before, "there is no reading to lose"
        pi.check_output(make)
        assert pi.file("/var/backups/influxdb.tar.gz").mode == 0o600
        pi.check_output(bring)
        pi.check_output(ready)
        assert names(pi.check_output(ask)) >= names(before)
    finally:
        clean_up(pi)


def names(answer: str) -> set[str]:
    """Return the entities of an answer in InfluxDB 1's JSON."""
    import json  # noqa: PLC0415

    series = json.loads(answer)["results"][0].get("series", [])
    return {one["tags"]["entity_id"] for one in series}
