"""What a destination's name says, and the sentence for each of its machine's answers."""

from __future__ import annotations

import shlex

import pytest
from hems.backup import destination

from tests.unit.backup_place import KEY, KNOWN, backup_at

PLACE = "sftp:box@nas.local:/backups/hems"
CHANGED = """@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
Host key for [nas.local]:22 has changed and you have requested strict checking.
Host key verification failed."""


@pytest.mark.parametrize(
    ("repository", "words"),
    [
        (PLACE, ["-lbox", "--", "nas.local"]),
        ("sftp:nas.local:hems", ["--", "nas.local"]),
        ("sftp:a@b@nas.local:hems", ["-la@b", "--", "nas.local"]),
        ("sftp://box@nas.local:2222//backups", ["-p2222", "-lbox", "--", "nas.local"]),
        ("sftp://nas.local/backups", ["--", "nas.local"]),
        ("sftp://[::1]:23/backups", ["-p23", "--", "::1"]),
        ("sftp:-oProxyCommand=x:hems", ["--", "-oProxyCommand=x"]),
    ],
)
def test_a_name_says_which_machine_it_is(repository: str, words: list[str]) -> None:
    assert destination.ssh_machine(repository) == words


def test_ssh_asks_nobody_believes_no_stranger_and_does_not_wait_for_ever() -> None:
    words = destination.ssh_options("/k", "/h")
    assert words[:2] == ["-i", "/k"] and "-oUserKnownHostsFile=/h" in words
    assert {"-oBatchMode=yes", "-oStrictHostKeyChecking=yes", "-oIdentitiesOnly=yes"} < set(words)
    assert any(word.startswith("-oServerAliveInterval=") for word in words)
    assert shlex.join(words) == " ".join(words)


@pytest.mark.parametrize(
    ("said", "words", "is_passing"),
    [
        ("Host key verification failed.", f"is not in {KNOWN}: put there", False),
        ("No ED25519 host key is known for nas.local", f"is not in {KNOWN}", False),
        (CHANGED, f"has another host key than {KNOWN} says", False),
        ("box@nas: Permission denied (publickey).", f"does not take the key {KEY}: add", False),
        ("subsystem request failed on channel 0", "gives the account no sftp", False),
        ("ssh: connect to host nas port 22: Connection refused", "(ssh: connect to host", True),
        (
            "ssh: Could not resolve hostname nas: Name or service not known",
            "can't be reached",
            True,
        ),
        (
            "Connection closed by 192.168.1.5 port 22\r\n",
            "can't be reached (Connection closed",
            True,
        ),
        ("", "can't be reached (it said nothing)", True),
    ],
)
def test_what_ssh_says_is_one_sentence_with_a_cure(said: str, words: str, is_passing: bool) -> None:
    found = destination.ssh_problem(said, backup_at(PLACE))
    assert words in found.sentence and PLACE in found.sentence
    assert found.is_passing == is_passing
    assert found.sentence.endswith(".") and "\n" not in found.sentence


@pytest.mark.parametrize("status", [200, 401, 403, 404, 405])
def test_a_server_that_wants_a_log_in_is_there(status: int) -> None:
    assert destination.http_problem(status, "", backup_at("rest:http://nas:8000/")) is None


def test_a_proxy_without_its_server_is_waited_for() -> None:
    found = destination.http_problem(502, "Bad Gateway", backup_at("rest:https://nas/"))
    assert found and found.is_passing and "it answers 502 Bad Gateway" in found.sentence


def test_a_server_that_wants_tls_is_told_from_one_that_is_away() -> None:
    found = destination.http_problem(400, "Bad Request", backup_at("rest:http://nas:8000/"))
    assert found and not found.is_passing and "write https://" in found.sentence
    # S3 says so of a request that nobody signed.
    assert destination.http_problem(400, "Bad Request", backup_at("s3:http://nas/bucket")) is None


def test_files_that_the_box_lacks_are_named_as_the_settings_do() -> None:
    found = destination.unreadable(
        backup_at(PLACE), [("backup_ssh_key", KEY), ("backup_known_hosts", "")]
    )
    assert f"{KEY} (backup_ssh_key) and a file (backup_known_hosts) for {PLACE}" in found.sentence
