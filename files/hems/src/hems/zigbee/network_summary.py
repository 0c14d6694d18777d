"""What may be shown of a dongle and its network: everything but keys. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Network:
    """A dongle and the network in it; addresses in hexadecimal."""

    path: str
    product: str
    firmware: str
    address: str  # EUI-64
    pan: str
    extended_pan: str
    channel: int
    counter: int  # frames sent under the network key


def of_settings(answer: dict[str, Any]) -> Network:
    """Return what Home Assistant's ``zha/network/settings`` says."""
    network, node = answer["settings"]["network_info"], answer["settings"]["node_info"]
    return Network(
        path=str(answer["device"]["path"]),
        product=_product(node),
        firmware=str(node["version"] or ""),
        address=str(node["ieee"]),
        pan=str(network["pan_id"]).lower(),
        extended_pan=str(network["extended_pan_id"]),
        channel=int(network["channel"]),
        counter=int(network["network_key"]["tx_counter"]),
    )


def of_backup(path: str, backup: dict[str, Any]) -> Network:
    """Return what a backup in the open format says; ``path`` is the dongle's."""
    node = backup["metadata"].get("internal", {}).get("node", {})
    return Network(
        path=path,
        product=_product(node),
        firmware=str(node.get("version") or ""),
        address=_octets(backup["coordinator_ieee"]),
        pan=str(backup["pan_id"]),
        extended_pan=_octets(backup["extended_pan_id"]),
        channel=int(backup["channel"]),
        counter=int(backup["network_key"]["frame_counter"]),
    )


def lines(network: Network) -> Iterator[str]:
    """Return it for people."""
    yield f"Dongle      {network.product}, firmware {network.firmware}"
    yield f"Path        {network.path}"
    yield f"Address     {network.address}"
    yield f"Network     PAN {network.pan}, extended {network.extended_pan}"
    yield f"Channel     {network.channel}"
    yield f"Frames      {network.counter}"


def _product(node: dict[str, Any]) -> str:
    names = (node.get("manufacturer"), node.get("model"))
    return " ".join(str(name) for name in names if name) or "of an unknown make"


def _octets(digits: str) -> str:
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))
