"""Keeps InfluxDB's tokens from being guessed fast.

InfluxDB itself takes as many wrong ones as it is sent. One that is not known here is shown to it
once; an address that had too many wrong ones waits before another unknown one is looked at. What is
known, right or wrong, goes on to InfluxDB, which alone decides: a client is slowed down neither by
others at its address nor by an old token of its own that it sends again and again.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict

import aiohttp

from hems.door.core import Throttle
from hems.loopback import LOOPBACK
from hems.process import say

MOST_KNOWN = 4096
ASK = "/api/v2/buckets?limit=1"  # every token that there is may ask that
TIMEOUT = aiohttp.ClientTimeout(total=5)


class Tokens:
    """The tokens that were seen, by their SHA-256, and who had wrong ones."""

    def __init__(self, port: int) -> None:
        self._url = f"http://{LOOPBACK}:{port}{ASK}"
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._throttle = Throttle()
        self._asking = asyncio.Lock()  # one after the other: each has to count before the next

    async def wait(self, authorization: str, address: str) -> float:
        """Return for how many seconds a request with this header has to wait; 0: it may go on."""
        digest = hashlib.sha256(authorization.encode(errors="surrogateescape")).digest()
        if self._is_known(digest):
            return 0.0
        async with self._asking:
            if wait := self._throttle.wait(address, time.monotonic()):
                return wait
            wrong = await self._is_wrong(authorization)
            if wrong is not None:  # else InfluxDB does not say, and can't serve the request either
                self._learn(digest, address, wrong)
        return 0.0

    def _learn(self, digest: bytes, address: str, wrong: bool) -> None:
        if wrong and not self._is_known(digest):
            count = self._throttle.fail(address, time.monotonic())
            say(f"wrong InfluxDB token from {address}: {count} in a row")
        self._known[digest] = None
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)

    def _is_known(self, digest: bytes) -> bool:
        if digest not in self._known:
            return False
        self._known.move_to_end(digest)
        return True

    async def _is_wrong(self, authorization: str) -> bool | None:
        headers = {"Authorization": authorization}
        try:
            async with (
                aiohttp.ClientSession(timeout=TIMEOUT) as session,
                session.get(self._url, headers=headers) as answer,
            ):
                return answer.status == 401 if answer.status < 500 else None
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return None
