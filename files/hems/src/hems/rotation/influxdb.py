"""InfluxDB's tokens: the old ones stay valid beside the new ones until everybody has those.

Wire: ``/api/v2/authorizations`` of InfluxDB 2's API, as the operator. The server shows a token when
it is made; afterwards it is known by its description and by what it may do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hems import whole_file
from hems.loopback import exchange
from hems.rotation import RotationError

OURS = "hems:"  # what the descriptions of our tokens begin with (role influxdb)
INSTEAD_OF = "operator of the box, instead of "  # … and of the operator's, with the old one's id
BEFORE = "before rotation "  # … of those that are to end: the playbook makes new ones at once
SECRET = "influxdb_operator_token"
TIMEOUT_SECONDS = 30.0
ANSWER_BYTES = 4 * 1024 * 1024
AUTHORIZATIONS = "/api/v2/authorizations"
CURE = "'hems status' says how InfluxDB is; run the playbook again when it is well."


@dataclass(frozen=True, repr=False)
class Operator:
    """The server on loopback, and the file of the token that may do everything."""

    port: int
    file: Path

    def set_aside(self) -> int:
        """Rename our tokens on the server, so that the next play makes new ones; return how many.

        They stay valid until ``end``. Raises RotationError.
        """
        ours = [one for one in self._listed() if str(one["description"]).startswith(OURS)]
        for one in ours:
            self._ask("PATCH", f"{AUTHORIZATIONS}/{one['id']}", 200, description=_before(one))
        return len(ours)

    def end(self) -> int:
        """Delete the tokens that were set aside; return how many. Raises RotationError."""
        old = [one for one in self._listed() if _is_old(one)]
        for one in old:
            self._ask("DELETE", f"{AUTHORIZATIONS}/{one['id']}", 204)
        return len(old)

    def renew(self) -> None:
        """Make another operator's token in the file, and set the old one aside.

        Raises RotationError; the file then holds a token that is valid.
        """
        old = self._own()
        made = self._ask(
            "POST",
            AUTHORIZATIONS,
            201,
            description=f"{INSTEAD_OF}{old['id']}",
            orgID=old["orgID"],
            permissions=old["permissions"],
        )
        whole_file.write(self.file, f"{made['token']}\n")
        self._ask("PATCH", f"{AUTHORIZATIONS}/{old['id']}", 200, description=_before(old))

    def _own(self) -> dict[str, Any]:
        """Return the listed authorization of this very token: the one that may do everything."""
        mighty = [one for one in self._listed() if _is_mighty(one)]
        for one in lost(mighty):  # made by a run that was interrupted before it had kept it
            self._ask("DELETE", f"{AUTHORIZATIONS}/{one['id']}", 204)
        mighty = [one for one in mighty if one not in lost(mighty)]
        if len(mighty) == 1:
            return mighty[0]
        named = ", ".join(f"'{one['description']}'" for one in mighty)
        raise RotationError(
            f"InfluxDB has {len(mighty)} tokens that may do everything ({named}), and does not say "
            "which is the box's: delete the others in its pages, or leave out the kind 'operator'."
        )

    def _listed(self) -> list[dict[str, Any]]:
        found = self._ask("GET", AUTHORIZATIONS, 200).get("authorizations") or []
        return [{"description": "", "permissions": [], **one} for one in found]

    def _secret(self) -> str:
        try:
            return self.file.read_text(encoding="utf-8").removesuffix("\n")
        except OSError as error:
            raise RotationError(
                f"The operator's token for InfluxDB can't be read ({error.strerror}): "
                "run the whole playbook."
            ) from error

    def _ask(self, method: str, path: str, good: int, **body: Any) -> dict[str, Any]:
        headers = {
            "Authorization": f"Token {self._secret()}",
            "Content-Type": "application/json",
        }
        sent = json.dumps(body) if body else None
        try:
            status, answer = exchange(
                *(self.port, method, path, sent, headers),
                timeout=TIMEOUT_SECONDS,
                most=ANSWER_BYTES,
            )
            told = json.loads(answer) if answer else {}
        except (OSError, ValueError) as error:
            raise RotationError(f"InfluxDB does not answer ({error}): {CURE}") from error
        if status != good:
            why = told.get("message", "") if isinstance(told, dict) else ""
            raise RotationError(f"InfluxDB answers {status} to {method} {path} ({why}): {CURE}")
        return dict(told)


def lost(mighty: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return those that were made in place of one that is still in use."""
    used = {one["id"] for one in mighty}
    return [one for one in mighty if str(one["description"]).removeprefix(INSTEAD_OF) in used]


def _is_mighty(authorization: Mapping[str, Any]) -> bool:
    """Whether it may do everything, in every organization, and is not set aside."""
    permissions = authorization["permissions"]
    everywhere = all("orgID" not in one["resource"] for one in permissions)
    return bool(permissions) and everywhere and not _is_old(authorization)


def _is_old(authorization: Mapping[str, Any]) -> bool:
    return str(authorization["description"]).startswith(BEFORE)


def _before(authorization: Mapping[str, Any]) -> str:
    return f"{BEFORE}{authorization['description']}"
