"""A service that is switched off leaves none of the inventory's secrets on the box."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.appliance.playing import changes
from tests.virtual.pi.play import of_roles

SECRETS = "/etc/hems/secrets"
DEPLOY_KEY = "/etc/hems/scenario-deploy-key"
# What the roles have put there while they were switched on.
GIVEN = ["vault_password", "vault_password_before", "receipt_password", "backup_account"]
# What nobody could make again: backups are read with the first, the fleet knows the second.
KEPT = ["backup_passphrase", "receipt_key"]
OFF = {
    "self_update_url": "",
    "self_update_key": DEPLOY_KEY,
    "hems_secret_deploy_key": "a private key",
    "hems_secret_vault_password": "a long password",
    "receipts_server": "",
    "hems_secret_receipt_password": "another long password",
    "hems_backup_repository": "",
    "hems_backup_account": "box",
    "hems_secret_backup_password": "a third long password",
}


@pytest.fixture
def left_over(pi: Any) -> Iterator[None]:
    """What services that were switched on have left; those of the box itself are put back."""
    aside = "/root/secrets-aside"
    pi.check_output(f"cp --archive {SECRETS} {aside}")
    try:
        for name in [*GIVEN, *KEPT]:
            pi.check_output(f"echo {name} | install -m 600 /dev/stdin {SECRETS}/{name}")
        pi.check_output(f"install -m 600 /dev/null {DEPLOY_KEY}")
        yield
    finally:
        names = " ".join(f"{SECRETS}/{name}" for name in [*GIVEN, *KEPT])
        pi.check_output(f"rm -f {names} {DEPLOY_KEY}")
        pi.check_output(f"cp --archive --no-clobber {aside}/. {SECRETS} && rm -r {aside}")


@pytest.mark.usefixtures("left_over")
def test_what_the_inventory_gave_goes_with_its_service(pi: Any, tmp_path: Path) -> None:
    play = tmp_path / "play.yml"
    play.write_text(of_roles("self_update", "receipts", "backup"), encoding="utf-8")
    look = f"cd {SECRETS} && sha256sum *"
    before = pi.check_output(look).splitlines()
    changes(play, OFF)
    expected = [line for line in before if line.split()[1] not in GIVEN]
    assert pi.check_output(look).splitlines() == expected
    assert not pi.file(DEPLOY_KEY).exists
    assert changes(play, OFF) == 0
