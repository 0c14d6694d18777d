"""docs/inventory.md's command for a Vault value, typed as it says, gives what vault.yml wants."""

from __future__ import annotations

import os
import pty
import shlex
import sys
import time
from pathlib import Path

import yaml

from playbooks.preflight.sources import definitions
from tests.repo.documented import COMMANDS, all_blocks

NAME = "hems_secret_door_password"
PATIENCE = 120  # seconds, on a busy machine


def type_into(command: list[str], script: list[tuple[bytes, bytes]]) -> bytes:
    """Run a command on a terminal, type each answer after its text, and return all it showed."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(command[0], command)
    shown, deadline = b"", time.monotonic() + PATIENCE
    seen = 0
    try:
        for expected, answer in script:
            while expected not in shown[seen:]:
                assert time.monotonic() < deadline, shown
                shown += os.read(terminal, 4096)
            seen = len(shown)
            time.sleep(0.5)  # a password's prompt stands before the echo is off
            os.write(terminal, answer)
        while chunk := _rest(terminal):
            shown += chunk
    finally:
        os.close(terminal)
        _, status = os.waitpid(child, 0)
    assert status == 0, shown
    return shown


def _rest(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux's way to say that nobody has the other end
        return b""


def test_the_vault_command_prints_a_named_value(tmp_path: Path) -> None:
    [block] = all_blocks(COMMANDS, "tested: tests/repo/test_docs_vault.py")
    program, *words = shlex.split(block.text)
    assert program == ".venv/bin/ansible-vault"
    shown = type_into(
        [sys.executable, "-m", "ansible", "vault", *words],
        [
            (b"New Vault password", b"example-only\n"),
            (b"Confirm", b"example-only\n"),
            (b"ctrl-d", b"wonder wall #3"),
            (b"#3", b"\x04\x04"),
        ],
    )
    text = shown.decode().replace("\r", "")
    printed = text[text.index(f"{NAME}:") :]
    printed = "".join(
        line
        for number, line in enumerate(printed.splitlines(keepends=True))
        if number == 0 or line.startswith(" ")
    )
    assert definitions(printed, "vault.yml")[NAME].where == "vault.yml:1"
    node = yaml.compose(printed)
    assert node is not None
    encrypted = tmp_path / "value"
    encrypted.write_text(node.value[0][1].value, encoding="ascii")
    assert decrypted(encrypted) == "wonder wall #3"


def decrypted(file: Path) -> str:
    """Return what a Vault file holds."""
    from ansible.parsing.vault import VaultLib, VaultSecret  # noqa: PLC0415

    vault = VaultLib([("default", VaultSecret(b"example-only"))])
    return str(vault.decrypt(file.read_bytes()).decode())
