"""Backups that go to S3. Debian's moto stands for a server, which is on the Pi itself.

It answers a wrong key as S3 does, but no right one once it looks at keys: until then it takes any.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.appliance import backup_places
from tests.appliance.backup_places import ALL_BACK, EVERYTHING, FORGETTING, ask, sentence
from tests.appliance.waiting import LONG, wait_until

pytestmark = LONG

SERVER, PORT = "hems-test-s3", 8997
REPOSITORY = f"s3:http://127.0.0.1:{PORT}/backups/hems"


@pytest.fixture(scope="module", autouse=True)
def server(pi: Any) -> Iterator[None]:
    """Have a server with an empty bucket."""
    with backup_places.tree(pi, "python3-moto", "python3-flask-cors"):
        try:
            pi.check_output(
                f"systemd-run -q --collect --unit={SERVER} /usr/bin/moto_server -p {PORT}"
            )
            address = f"tcp://127.0.0.1:{PORT}"
            wait_until(lambda: pi.socket(address).is_listening, 60, "S3 listens")
            pi.check_output(f"curl -sS --fail -X PUT http://127.0.0.1:{PORT}/backups")
            yield
        finally:
            backup_places.stop(pi, SERVER)


def test_a_tree_goes_there_is_read_back_and_comes_back(pi: Any) -> None:
    assert ask(pi, EVERYTHING.replace("REPOSITORY", repr(REPOSITORY))) == ALL_BACK


def test_what_is_not_kept_is_forgotten(pi: Any) -> None:
    assert ask(pi, FORGETTING.replace("REPOSITORY", repr(REPOSITORY))) == ["2026-01-04"]


def test_a_bucket_that_is_not_there_is_told_at_once(pi: Any) -> None:
    place = REPOSITORY.replace("backups", "another")
    begun = f"begun = time.monotonic(); text = said(at({place!r}).id)"
    text, seconds = ask(pi, f"{begun}\nprint(json.dumps([text, time.monotonic() - begun]))")
    assert f"There is no bucket of the name in {place}: make one" in sentence(text)
    assert seconds < 60, "restic alone tries for a quarter of an hour"


def test_a_wrong_key_is_told_at_once(pi: Any) -> None:
    pi.check_output(
        "curl -sS --fail -H 'Content-Type: text/plain' -d 0 "
        f"http://127.0.0.1:{PORT}/moto-api/reset-auth"
    )
    # It is asked without a key first, which moto then does not understand.
    text, seconds = ask(
        pi,
        f"""
restic.reach.look = lambda *_: None
begun = time.monotonic()
text = said(at({REPOSITORY!r}).id)
print(json.dumps([text, time.monotonic() - begun]))""",
    )
    assert "refuses the box: look at hems_backup_account, its password" in sentence(text)
    assert seconds < 60
