"""`influxd recovery auth create-operator`: a new operator's token while the server is stopped."""

from __future__ import annotations

import secrets

from .model import Authorization, hash_token, new_id, new_token, operator_permissions, timestamp
from .store import Store


def create_operator(store: Store, org_name: str, username: str) -> str:
    """Return a new operator's token of this user. Raises RuntimeError without such a user."""
    org, user = store.state.org_named(org_name), store.state.user_named(username)
    if org is None or user is None:
        raise RuntimeError(
            f"there is no organization {org_name} or no user {username} in {store.path}"
        )
    now, token = timestamp(), new_token()
    made = Authorization(
        id=new_id(),
        token=hash_token(token),
        org_id=org.id,
        user_id=user.id,
        description=f"{username}'s Recovery Token",
        permissions=operator_permissions(),
        engine_password=secrets.token_hex(24),
        created=now,
        updated=now,
    )
    store.state.authorizations[made.id] = made
    store.save()
    return token
