"""What answers an EZSP command: the stack and the command's parameters in, the answer's out."""

from __future__ import annotations

from collections.abc import Callable

from tests.virtual.zigbee.ezsp.wire import Reader
from tests.virtual.zigbee.stack import Stack

Handler = Callable[[Stack, Reader], bytes]  # raises Short when parameters are missing
