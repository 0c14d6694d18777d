"""Answers of a device's clusters to the commands that every cluster has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.virtual.zigbee.ezsp.wire import Reader, Short, u8, u16
from tests.virtual.zigbee.zcl import types
from tests.virtual.zigbee.zcl.frames import Command, Frame, Status
from tests.virtual.zigbee.zcl.reporting import NEVER, Reporting, Setting
from tests.virtual.zigbee.zcl.types import Type, Value

Key = tuple[int | None, int]  # manufacturer's code, attribute


@dataclass
class Attribute:
    """An attribute: its type, how to know its value, and how to change it if that is allowed.

    ``write`` returns whether it takes the value.
    """

    type: Type
    value: Callable[[], Value]
    write: Callable[[Value], bool] | None = None


def fixed(type_: Type, value: Value) -> Attribute:
    """Return an attribute that never changes."""
    return Attribute(type_, lambda: value)


@dataclass
class Cluster:
    """One server cluster of one endpoint. ``commands`` are the cluster's own, and what they do."""

    attributes: dict[Key, Attribute] = field(default_factory=dict)
    commands: dict[int, Callable[[], None]] = field(default_factory=dict)
    reporting: dict[Key, Reporting] = field(default_factory=dict)

    def answer(self, frame: Frame, now: float) -> Frame | None:
        """Return the answer to a frame; None where none is due."""
        handler = None if frame.cluster_specific else _GENERAL.get(frame.command)
        try:
            if handler is not None:
                return handler(self, frame, Reader(frame.payload), now)
        except Short:
            return _default(frame, Status.MALFORMED)
        if frame.cluster_specific:
            action = self.commands.get(frame.command)
            if action is None:
                return _default(frame, Status.UNSUPPORTED_CLUSTER_COMMAND)
            action()
            return None if frame.no_default_response else _default(frame, Status.SUCCESS)
        if frame.command == Command.DEFAULT_RESPONSE:
            return None
        return _default(frame, Status.UNSUPPORTED_GENERAL_COMMAND)

    def due(self, now: float) -> dict[int | None, bytes]:
        """Return the payloads of the reports that go out now, by manufacturer's code."""
        found: dict[int | None, bytes] = {}
        for key, reporting in self.reporting.items():
            attribute = self.attributes[key]
            value = attribute.value()
            if reporting.due(value, now):
                reporting.told(value, now)
                record = u16(key[1]) + u8(attribute.type) + types.write(attribute.type, value)
                found[key[0]] = found.get(key[0], b"") + record
        return found

    def _read(self, frame: Frame, fields: Reader, _now: float) -> Frame:
        found = b""
        while fields:
            number = fields.u16()
            attribute = self.attributes.get((frame.manufacturer, number))
            if attribute is None:
                found += u16(number) + u8(Status.UNSUPPORTED_ATTRIBUTE)
            else:
                value = types.write(attribute.type, attribute.value())
                found += u16(number) + u8(Status.SUCCESS, attribute.type) + value
        return frame.answer(Command.READ_RESPONSE, found)

    def _write(self, frame: Frame, fields: Reader, _now: float) -> Frame | None:
        refused = b""
        while fields:
            number, type_ = fields.u16(), _type(fields.u8())
            value = types.read(type_, fields)
            attribute = self.attributes.get((frame.manufacturer, number))
            if attribute is None:
                refused += u8(Status.UNSUPPORTED_ATTRIBUTE) + u16(number)
            elif attribute.write is None:
                refused += u8(Status.READ_ONLY) + u16(number)
            elif attribute.type != type_:
                refused += u8(Status.INVALID_TYPE) + u16(number)
            elif not attribute.write(value):
                refused += u8(Status.INVALID_VALUE) + u16(number)
        if frame.command == Command.WRITE_SILENTLY:
            return None
        return frame.answer(Command.WRITE_RESPONSE, refused or u8(Status.SUCCESS))

    def _configure(self, frame: Frame, fields: Reader, now: float) -> Frame:
        refused = b""
        while fields:
            direction, number = fields.u8(), fields.u16()
            if direction:  # what this device shall expect as a client: it is none
                fields.u16()
                refused += u8(Status.UNREPORTABLE, direction) + u16(number)
                continue
            type_ = _type(fields.u8())
            shortest, longest = fields.u16(), fields.u16()
            change = types.read(type_, fields) if types.analog(type_) else None
            key = (frame.manufacturer, number)
            attribute = self.attributes.get(key)
            if attribute is None:
                refused += u8(Status.UNSUPPORTED_ATTRIBUTE, direction) + u16(number)
            elif attribute.type != type_:
                refused += u8(Status.INVALID_TYPE, direction) + u16(number)
            elif longest == NEVER:
                self.reporting.pop(key, None)
            else:
                step = change if isinstance(change, int) else None
                setting = Setting(type_, shortest, longest, step)
                self.reporting[key] = Reporting(setting, attribute.value(), now)
        payload = refused or u8(Status.SUCCESS)
        return frame.answer(Command.CONFIGURE_REPORTING_RESPONSE, payload)

    def _read_reporting(self, frame: Frame, fields: Reader, _now: float) -> Frame:
        found = b""
        while fields:
            direction, number = fields.u8(), fields.u16()
            reporting = self.reporting.get((frame.manufacturer, number))
            if direction or reporting is None:
                found += u8(Status.NOT_FOUND, direction) + u16(number)
                continue
            setting = reporting.setting
            found += u8(Status.SUCCESS, direction) + u16(number) + u8(setting.type)
            found += u16(setting.shortest, setting.longest)
            if setting.change is not None:
                found += types.write(Type(setting.type), setting.change)
        return frame.answer(Command.READ_REPORTING_RESPONSE, found)

    def _discover(self, frame: Frame, fields: Reader, _now: float) -> Frame:
        start, most = fields.u16(), fields.u8()
        known = sorted(
            number
            for maker, number in self.attributes
            if maker == frame.manufacturer and number >= start
        )
        found = u8(len(known) <= most)
        for number in known[:most]:
            found += u16(number) + u8(self.attributes[frame.manufacturer, number].type)
        return frame.answer(Command.DISCOVER_RESPONSE, found)


def _type(number: int) -> Type:
    try:
        return Type(number)
    except ValueError as error:
        raise Short(f"Type 0x{number:02X} has no known length.") from error


def _default(frame: Frame, status: Status) -> Frame:
    return frame.answer(Command.DEFAULT_RESPONSE, u8(frame.command, status))


def unknown_cluster(frame: Frame) -> Frame | None:
    """Return the answer of an endpoint that does not have the cluster."""
    if frame.command == Command.DEFAULT_RESPONSE and not frame.cluster_specific:
        return None
    return _default(frame, Status.UNSUPPORTED_CLUSTER)


_GENERAL: dict[int, Callable[[Cluster, Frame, Reader, float], Frame | None]] = {
    Command.READ: Cluster._read,
    Command.WRITE: Cluster._write,
    Command.WRITE_UNDIVIDED: Cluster._write,
    Command.WRITE_SILENTLY: Cluster._write,
    Command.CONFIGURE_REPORTING: Cluster._configure,
    Command.READ_REPORTING: Cluster._read_reporting,
    Command.DISCOVER: Cluster._discover,
}
