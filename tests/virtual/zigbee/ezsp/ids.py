"""Numbers of EZSP v13 that more than one module needs. Source: Silicon Labs UG100, 4 and 5 ff."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """EmberStatus."""

    SUCCESS = 0x00
    FATAL = 0x01
    INDEX_OUT_OF_RANGE = 0xB1
    DELIVERY_FAILED = 0x66
    INVALID_CALL = 0x70
    PHY_INVALID_CHANNEL = 0x8B
    NETWORK_UP = 0x90
    NETWORK_DOWN = 0x91
    NOT_JOINED = 0x93
    CHANNEL_CHANGED = 0x9B
    NETWORK_OPENED = 0x9C
    NETWORK_CLOSED = 0x9D
    TABLE_ENTRY_ERASED = 0xB6
    SECURITY_STATE_NOT_SET = 0xA8


class EzspStatus(IntEnum):
    """EzspStatus, where it differs from success."""

    VERSION_NOT_SET = 0x30
    INVALID_FRAME_ID = 0x31
    INVALID_VALUE = 0x36
    INVALID_ID = 0x37
    INVALID_CALL = 0x38


class SlStatus(IntEnum):
    """sl_status_t, which the security manager's commands answer with."""

    OK = 0x00
    INVALID_INDEX = 0x27
    NOT_FOUND = 0x2D
    INVALID_TYPE = 0x26


class Callback(IntEnum):
    """Frames that the co-processor sends unasked."""

    STACK_STATUS = 0x19
    NETWORK_FOUND = 0x1B
    SCAN_COMPLETE = 0x1C
    TRUST_CENTER_JOIN = 0x24
    MESSAGE_SENT = 0x3F
    INCOMING_MESSAGE = 0x45
    ENERGY_SCAN_RESULT = 0x48


class Config(IntEnum):
    """EzspConfigId."""

    PACKET_BUFFER_COUNT = 0x01
    ADDRESS_TABLE_SIZE = 0x05
    MULTICAST_TABLE_SIZE = 0x06
    STACK_PROFILE = 0x0C
    SECURITY_LEVEL = 0x0D
    KEY_TABLE_SIZE = 0x1E


class Value(IntEnum):
    """EzspValueId."""

    FREE_BUFFERS = 0x03
    VERSION_INFO = 0x11
    NWK_FRAME_COUNTER = 0x23
    APS_FRAME_COUNTER = 0x24


class Incoming(IntEnum):
    """EmberIncomingMessageType."""

    UNICAST = 0
    BROADCAST = 4


class Outgoing(IntEnum):
    """EmberOutgoingMessageType."""

    DIRECT = 0
    MULTICAST = 3
    BROADCAST = 6


class DeviceUpdate(IntEnum):
    """EmberDeviceUpdate: how a device came or went."""

    SECURED_REJOIN = 0
    UNSECURED_JOIN = 1
    LEFT = 2


class Decision(IntEnum):
    """EmberJoinDecision."""

    USE_PRECONFIGURED_KEY = 0
    DENY_JOIN = 2


INVALID_COMMAND = 0x58
TRUST_CENTER_POLICY = 0x00
ALLOW_JOINS = 0x01
COORDINATOR = 0x0000
NO_NODE = 0xFFFF
NO_EUI64 = b"\xff" * 8
