"""The old system's log-ins and connections, and the box's own, in one. Pure.

Shapes: Home Assistant's ``.storage/auth``, ``auth_provider.homeassistant`` and
``core.config_entries``; ``box`` is the document that the box has, ``old`` the old system's.
"""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import Any

Document = dict[str, Any]

PROVIDER = "homeassistant"
# What the box connects itself with: its own settings hold, under the id that the old entities name.
OURS = ("influxdb", "mqtt", "zha")
ZIGBEE = "zha"
KEPT = ("version", "minor_version", "data")


def names(auth: Document) -> dict[str, str]:
    """Return the log-in name of each user that has one, by the user's id."""
    return {
        one["user_id"]: _normal(one["data"]["username"])
        for one in auth["data"]["credentials"]
        if one["auth_provider_type"] == PROVIDER
    }


def merge_users(old: Document, box: Document) -> Document:
    """Return ``auth`` with the users of both; the old system's owner is the owner.

    Who has the same log-in name on both is one user, the old one, with the sessions and tokens of
    both: the box's own token is one of these.
    """
    merged = copy.deepcopy(old)
    if not box:  # nobody has set the box up
        return merged
    data, mine = merged["data"], copy.deepcopy(box["data"])
    by_name = {name: user for user, name in names(old).items()}
    box_names = names(box)
    is_owned = any(user["is_owner"] for user in data["users"])
    there = {user["id"] for user in data["users"]}
    becomes: dict[str, str] = {}
    for user in mine["users"]:
        if user["system_generated"] or user["id"] in there:
            continue
        twin = by_name.get(box_names.get(user["id"], ""))
        becomes[user["id"]] = twin or user["id"]
        if twin is None:
            data["users"].append({**user, "is_owner": user["is_owner"] and not is_owned})
            data["credentials"] += [
                one for one in mine["credentials"] if one["user_id"] == user["id"]
            ]
    kept = {one["id"] for one in data["credentials"]}
    tokens = {one["id"] for one in data["refresh_tokens"]}
    for token in mine["refresh_tokens"]:
        if token["user_id"] not in becomes or token["id"] in tokens:
            continue
        # A session names the credentials that it began with; those of a twin are the old ones.
        if token.get("credential_id") not in kept:
            token["credential_id"] = None
        data["refresh_tokens"].append({**token, "user_id": becomes[token["user_id"]]})
    return merged


def merge_passwords(old: Document, box: Document) -> Document:
    """Return ``auth_provider.homeassistant`` with the passwords of both; of two, the old one."""
    merged = copy.deepcopy(old)
    there = {_normal(one["username"]) for one in old["data"]["users"]}
    merged["data"]["users"] += [
        one for one in box.get("data", {}).get("users", []) if _normal(one["username"]) not in there
    ]
    return merged


def merge_entries(
    old: Document, box: Document, dongle: str, unable: Collection[str] = ()
) -> Document:
    """Return ``core.config_entries`` of the old system, connected as the box is.

    ``dongle`` is the path of the Zigbee dongle that is plugged in, or empty; ``unable`` are the
    integrations that the box can't load, which are switched off.
    """
    merged = copy.deepcopy(old)
    entries = merged["data"]["entries"]
    for mine in copy.deepcopy(box.get("data", {}).get("entries", [])):
        known = [one for one in entries if one["domain"] == mine["domain"]]
        if not known:
            entries.append(mine)
        elif mine["domain"] in OURS:
            found = next((one for one in known if one["source"] != "ignore"), known[0])
            found.update({key: mine[key] for key in KEPT}, disabled_by=None, source=mine["source"])
            found["options"] = {**found["options"], **mine["options"]}
    for one in entries:
        if dongle and one["domain"] == ZIGBEE and "device" in one["data"]:
            one["data"]["device"] = {**one["data"]["device"], "path": dongle}
        if one["domain"] in unable:
            one["disabled_by"] = "user"
    return merged


def _normal(username: str) -> str:
    return username.strip().casefold()
