# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Merge what the appliance needs into Home Assistant's ``.storage`` files (pure).

Home Assistant rewrites these files itself and owners add entries of their own, so each function
takes the document that is there (or None) and returns it with our part set and all else kept.
The shapes are those of 2026.10; a newer Home Assistant migrates them when it starts.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

Document = dict[str, Any]

# The onboarding steps that need no person; the owner's own step is done over the API.
ONBOARDING_STEPS = ("core_config", "analytics", "integration")
# Crockford's base 32: what a ULID is written in.
ULID_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class StorageError(Exception):
    """A storage file that this release of the appliance cannot merge into."""


def check_version(document: Document, key: str, newest: int) -> None:
    """Refuse a file whose major version is newer than the one known here."""
    version = document.get("version")
    if document.get("key") != key or not isinstance(version, int) or version > newest:
        raise StorageError(
            f".storage/{key} has format version {version}, which is newer than this release "
            f"knows ({newest}): install the release that it belongs to."
        )


def merge_onboarding(current: Document | None) -> Document:
    """Mark the onboarding steps as done that our configuration already answers."""
    document = copy.deepcopy(current) or {
        "version": 4,
        "minor_version": 1,
        "key": "onboarding",
        "data": {"done": []},
    }
    check_version(document, "onboarding", 4)
    done = document["data"]["done"]
    done += [step for step in ONBOARDING_STEPS if step not in done]
    return document


def merge_auth(current: Document | None, username: str) -> Document | None:
    """Make the user with this log-in name the owner again where nobody is.

    An emptied ``auth`` loses who the owner was, but not the log-in names and passwords: Home
    Assistant makes a new user at the next log-in, an administrator that is no owner.
    """
    if current is None:
        return None
    document = copy.deepcopy(current)
    check_version(document, "auth", 1)
    users = {user["id"]: user for user in document["data"]["users"]}
    if any(user["is_owner"] for user in users.values()):
        return document
    for credentials in document["data"]["credentials"]:
        own = credentials["auth_provider_type"] == "homeassistant"
        if own and credentials["data"].get("username") == username:
            users[credentials["user_id"]]["is_owner"] = True
    return document


def merge_http(current: Document | None, host: str, port: int, now: str) -> Document:
    """Bind to loopback, believe the door's X-Forwarded-For, ban nobody; other settings stay.

    Home Assistant starts with what is ``pending``, on trial, before what is ``stable``: a trial
    that would bind elsewhere, from another system's backup for example, is ended.

    A ban lasts for ever and ends by a restart only, and a web site can make a visitor's browser
    earn one. The door slows guessing down instead.
    """
    document = copy.deepcopy(current) or {
        "version": 2,
        "minor_version": 2,
        "key": "http",
        "data": {
            "stable": {
                "cors_allowed_origins": ["https://cast.home-assistant.io"],
                "login_attempts_threshold": 10,
                "ssl_profile": "modern",
                "use_x_frame_options": True,
                "created_at": now,
                "error": None,
                "error_message": None,
            },
            "pending": None,
            "yaml_migration_done": True,
        },
    }
    check_version(document, "http", 2)
    stable = document["data"]["stable"]
    proxies = stable.get("trusted_proxies") or []
    door = f"{host}/32"
    ours = {
        "server_host": [host],
        "server_port": port,
        "use_x_forwarded_for": True,
        "ip_ban_enabled": False,
    }
    stable.update(ours, trusted_proxies=proxies if door in proxies else [*proxies, door])
    pending = document["data"].get("pending")
    if pending is not None and not (
        ours.items() <= pending.items() and door in (pending.get("trusted_proxies") or [])
    ):
        document["data"]["pending"] = None
    return document


def entry_id(domain: str) -> str:
    """Return the id of our entry of a domain: a ULID that is the same on every box."""
    number = int.from_bytes(hashlib.sha256(f"hems:{domain}".encode()).digest()[:10], "big")
    digits = [ULID_ALPHABET[number >> shift & 31] for shift in range(75, -1, -5)]
    # The first ten characters are a time stamp; zero says that it has none.
    return "0" * 10 + "".join(digits)


def find_entry(entries: Sequence[Document], wanted: Mapping[str, Any]) -> Document | None:
    """Return the entry that is ours: by its id, or one made by hand for the same service."""
    for entry in entries:
        if entry["entry_id"] == entry_id(wanted["domain"]):
            return entry
    for entry in entries:
        if entry["domain"] == wanted["domain"] and all(
            entry["data"].get(key) == wanted["data"].get(key) for key in wanted["match"]
        ):
            return entry
    return None


def merge_entries(
    current: Document | None, wanted: Sequence[Mapping[str, Any]], now: str
) -> Document:
    """Give Home Assistant our integrations.

    ``wanted``: ``domain``, ``version``, ``minor_version``, ``title``, ``data`` and ``match``, the
    keys of ``data`` by which an entry made by hand is known to mean the same service; perhaps
    ``options``. Of an entry that is there, only our keys of ``data`` and ``options`` are set: its
    title, all other options and an owner's switching it off stay.
    """
    document = copy.deepcopy(current) or {
        "version": 1,
        "minor_version": 5,
        "key": "core.config_entries",
        "data": {"entries": []},
    }
    check_version(document, "core.config_entries", 1)
    entries = document["data"]["entries"]
    for want in wanted:
        entry = find_entry(entries, want)
        if entry is None:
            entries.append(new_entry(want, now))
            continue
        for part in ("data", "options"):
            merged = {**entry[part], **want.get(part, {})}
            if entry[part] != merged:
                entry[part] = merged
                entry["modified_at"] = now
    return document


def new_entry(want: Mapping[str, Any], now: str) -> Document:
    """Return a config entry as Home Assistant 2026.10 writes it."""
    return {
        "created_at": now,
        "data": dict(want["data"]),
        "disabled_by": None,
        "discovery_keys": {},
        "domain": want["domain"],
        "entry_id": entry_id(want["domain"]),
        "minor_version": want["minor_version"],
        "modified_at": now,
        "options": dict(want.get("options", {})),
        "pref_disable_new_entities": False,
        "pref_disable_polling": False,
        "source": "user",
        "subentries": [],
        "title": want["title"],
        "unique_id": None,
        "version": want["version"],
    }
