"""Which files of ``influx backup`` hold the newest readings. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

SECOND = 10**9  # ns
DAY = 86400 * SECOND


@dataclass(frozen=True)
class Newest:
    """The newest readings of a bucket in a copy: since when (ns since 1970), and their files."""

    begin: int
    files: tuple[str, ...]
    manifest: dict[str, Any]  # one that names nothing else


def newest(manifest: dict[str, Any], bucket: str, until: int) -> Newest | None:
    """Return what of a copy holds the last day of a bucket before ``until`` (ns), None for nothing.

    InfluxDB keeps the readings of a day or a week together, in a shard. Raises LookupError,
    TypeError or ValueError where the manifest is not as InfluxDB writes it.
    """
    [found] = [one for one in manifest["buckets"] if one["bucketName"] == bucket]
    groups: list[dict[str, Any]] = []
    policies: list[dict[str, Any]] = []
    for policy in found["retentionPolicies"]:
        mine = [one for one in policy["shardGroups"] if _is_newest(one, until)]
        groups += mine
        policies.append({**policy, "shardGroups": mine})
    if not groups:
        return None
    return Newest(
        begin=min(_time(one["startTime"]) for one in groups),
        files=tuple(shard["fileName"] for one in groups for shard in one["shards"]),
        manifest={**manifest, "buckets": [{**found, "retentionPolicies": policies}]},
    )


def _is_newest(group: dict[str, Any], until: int) -> bool:
    is_young = _time(group["startTime"]) < until < _time(group["endTime"]) + DAY
    return is_young and bool(group["shards"]) and not group.get("deletedAt")


def _time(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * SECOND
