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
def test_a_copy_of_the_database_brings_back_what_it_held(pi: Any, site: dict[str, Any]) -> None:
    make, bring = (
        next(block.text for block in all_blocks(COMMANDS) if words in block.text)
        for words in ("--create --gzip", "--extract --gzip")
    )
    server = f"http://127.0.0.1:{site['hems_port_influxdb']}"
    token = f"sed 's/^/Authorization: Token /' {site['hems_path_secrets']}/influxdb_token_hems"
    patience = "--retry 60 --retry-all-errors --retry-delay 1"
    curl = f"{token} | curl --silent --show-error --fail {patience} --header @- {server}"
    write = f"{curl}/api/v2/write?org=hems\\&bucket=hems_probe --data-binary"
    ask = f"{curl}/query --get --data-urlencode db=hems_probe --data-urlencode"
    try:
        pi.check_output(f"{write} 'docs_copy,when=before value=1'")
        pi.check_output(make)
        assert pi.file("/var/backups/influxdb.tar.gz").mode & 0o077 == 0
        pi.check_output(f"{write} 'docs_copy,when=after value=1'")
        pi.check_output(bring)
        found = pi.check_output(f"{ask} 'q=SHOW TAG VALUES FROM docs_copy WITH KEY = \"when\"'")
    finally:
        clean_up(pi)
    assert '"before"' in found and '"after"' not in found
