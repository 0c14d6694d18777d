"""A Zigbee device: endpoints, clusters, bindings, and what it remembers over restarts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.virtual.zigbee import zdo
from tests.virtual.zigbee.ezsp.frames import Aps
from tests.virtual.zigbee.ezsp.wire import Short, eui64, u8
from tests.virtual.zigbee.zcl import ota
from tests.virtual.zigbee.zcl.frames import Command, Frame
from tests.virtual.zigbee.zcl.reporting import Reporting, Setting
from tests.virtual.zigbee.zcl.server import Cluster, Key, unknown_cluster
from tests.virtual.zigbee.zdo import Binding, Descriptor, Endpoint, Node

Message = tuple[Aps, bytes]
RETRY = 0x0040  # APS option: acknowledged
NONE_HEARD = -1
COORDINATOR_ENDPOINT = 1  # that default reports go to


@dataclass(frozen=True)
class Membership:
    """The network a device belongs to: extended PAN id and network key, in hexadecimal."""

    extended_pan_id: str
    network_key: str


@dataclass
class Model:
    """What makes a device a product; ``remember`` and ``recall`` keep its own settings."""

    name: str
    eui64: str
    descriptor: Descriptor
    endpoints: dict[int, Endpoint]
    clusters: dict[tuple[int, int], Cluster]
    power: tuple[int, int] = (0x10, 0xC1)
    image: tuple[int, int] = (0x0000, 1)  # OTA image: type and version
    # What it reports to its coordinator from joining on, without being asked, by place and key.
    defaults: dict[tuple[int, int], dict[Key, Setting]] = field(default_factory=dict)
    remember: Callable[[], dict[str, int]] = dict
    recall: Callable[[dict[str, int]], None] = lambda _: None
    controls: dict[str, Callable[[int], None]] = field(default_factory=dict)


class Device:
    """One device. Its time is the caller's, in s."""

    def __init__(self, model: Model, changed: Callable[[], None]) -> None:
        self.model = model
        self.in_range = True
        self.membership: Membership | None = None
        self.counter = NONE_HEARD  # highest frame counter of its coordinator
        self._changed = changed
        self._sequence = 0
        self.node = Node(
            0xFFFE,
            eui64(model.eui64),
            model.descriptor,
            model.endpoints,
            power=model.power,
            leave=self.forget,
            bound=changed,
        )

    @property
    def name(self) -> str:
        """The product's name, by which a person calls it."""
        return self.model.name

    def forget(self) -> None:
        """Reset to factory settings: it belongs to no network, binds and reports nothing."""
        self.membership = None
        self.counter = NONE_HEARD
        self.node.address = 0xFFFE
        self.node.bindings.clear()
        for cluster in self.model.clusters.values():
            cluster.reporting.clear()
        self._changed()

    def join(self, membership: Membership, address: int, now: float) -> None:
        """Become a member under a short address."""
        self.membership = membership
        self.node.address = address
        for place, settings in self.model.defaults.items():
            cluster = self.model.clusters[place]
            for key, setting in settings.items():
                value = cluster.attributes[key].value()
                cluster.reporting[key] = Reporting(setting, value, now)
        self._changed()

    def announcement(self) -> Message:
        """Say to everybody that it is there."""
        payload = zdo.announcement(self.node, self._next())
        return Aps(zdo.PROFILE, zdo.ANNOUNCE, 0, 0), payload

    def receive(self, aps: Aps, message: bytes, now: float) -> list[Message]:
        """Take a message and return the answers."""
        back = Aps(aps.profile, aps.cluster, aps.destination, aps.source, RETRY)
        try:
            if aps.profile == zdo.PROFILE and aps.destination == 0:
                found = zdo.answer(self.node, aps.cluster, message)
                answered = Aps(zdo.PROFILE, aps.cluster | zdo.RESPONSE, 0, 0, RETRY)
                return [] if found is None else [(answered, found)]
            frame = Frame.read(message)
        except Short:
            return []  # a real device drops what it can't read
        cluster = self.model.clusters.get((aps.destination, aps.cluster))
        endpoint = self.model.endpoints.get(aps.destination)
        answer: Frame | None
        if cluster is not None:
            answer = cluster.answer(frame, now)
        elif aps.cluster == ota.CLUSTER and endpoint and ota.CLUSTER in endpoint.outputs:
            answer = ota.answer(frame, self.node.descriptor.manufacturer, self.model.image)
        else:
            answer = unknown_cluster(frame)
        if not frame.cluster_specific and frame.command == Command.CONFIGURE_REPORTING:
            self._changed()
        return [] if answer is None else [(back, answer.write())]

    def reports(self, target: bytes, now: float) -> list[Message]:
        """Return the reports that are due to its coordinator: bound to it, or by default."""
        found = []
        targets = dict.fromkeys(self.model.defaults, COORDINATOR_ENDPOINT)
        for one in self.node.bindings:
            if one.target == target:
                targets[one.endpoint, one.cluster] = one.target_endpoint
        for (endpoint, number), target_endpoint in targets.items():
            cluster = self.model.clusters.get((endpoint, number))
            if cluster is None:
                continue
            for manufacturer, payload in cluster.due(now).items():
                frame = Frame(
                    self._next(),
                    Command.REPORT,
                    payload,
                    manufacturer=manufacturer,
                    from_server=True,
                    no_default_response=True,
                )
                profile = self.model.endpoints[endpoint].profile
                aps = Aps(profile, number, endpoint, target_endpoint, RETRY)
                found.append((aps, frame.write()))
        return found

    def hurry(self) -> None:
        """Report everything it was asked to at the next look, as if the longest wait were over."""
        for cluster in self.model.clusters.values():
            for reporting in cluster.reporting.values():
                reporting.hurry()

    def remember(self) -> dict[str, Any]:
        """Return what it keeps over a restart, as JSON can hold it."""
        member = self.membership
        return {
            "network": member and [member.extended_pan_id, member.network_key],
            "address": self.node.address,
            "counter": self.counter,
            "bindings": [
                [b.endpoint, b.cluster, b.target.hex(), b.target_endpoint]
                for b in self.node.bindings
            ],
            "reporting": [
                [*place, *key, r.setting.type, r.setting.shortest, r.setting.longest,
                 r.setting.change]
                for place, cluster in self.model.clusters.items()
                for key, r in cluster.reporting.items()
            ],
            "settings": self.model.remember(),
        }  # fmt: skip

    def recall(self, kept: dict[str, Any], now: float) -> None:
        """Take up what ``remember`` returned. Raises KeyError, TypeError or ValueError."""
        self.membership = Membership(*kept["network"]) if kept["network"] else None
        self.node.address = kept["address"]
        self.counter = kept["counter"]
        self.model.recall(kept["settings"])
        self.node.bindings[:] = [
            Binding(endpoint, cluster, bytes.fromhex(target), target_endpoint)
            for endpoint, cluster, target, target_endpoint in kept["bindings"]
        ]
        for endpoint, number, manufacturer, attribute, *setting in kept["reporting"]:
            cluster = self.model.clusters[endpoint, number]
            key = (manufacturer, attribute)
            value = cluster.attributes[key].value()
            cluster.reporting[key] = Reporting(Setting(*setting), value, now)

    def _next(self) -> int:
        self._sequence = (self._sequence + 1) % 256
        return u8(self._sequence)[0]
