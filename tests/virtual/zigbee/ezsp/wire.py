"""Reading and writing EZSP's little-endian fields. Pure."""

from __future__ import annotations

from collections.abc import Iterable


class Short(Exception):
    """The bytes end before the field does."""


class Reader:
    """Takes fields off the front of some bytes; raises Short at their end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def raw(self, length: int) -> bytes:
        """Return the next ``length`` bytes."""
        end = self._at + length
        if end > len(self._data):
            raise Short(f"{end - len(self._data)} bytes are missing.")
        found = self._data[self._at : end]
        self._at = end
        return found

    def number(self, length: int, *, signed: bool = False) -> int:
        """Return an integer of ``length`` bytes."""
        return int.from_bytes(self.raw(length), "little", signed=signed)

    def u8(self) -> int:
        """Return an 8-bit number."""
        return self.number(1)

    def u16(self) -> int:
        """Return a 16-bit number."""
        return self.number(2)

    def u32(self) -> int:
        """Return a 32-bit number."""
        return self.number(4)

    def counted(self) -> bytes:
        """Return bytes that follow their own 8-bit length."""
        return self.raw(self.u8())

    def rest(self) -> bytes:
        """Return everything that is left."""
        return self.raw(len(self._data) - self._at)

    def __bool__(self) -> bool:
        return self._at < len(self._data)


def u8(*values: int) -> bytes:
    """Write 8-bit numbers."""
    return bytes(value & 0xFF for value in values)


def u16(*values: int) -> bytes:
    """Write 16-bit numbers."""
    return b"".join((value & 0xFFFF).to_bytes(2, "little") for value in values)


def u32(*values: int) -> bytes:
    """Write 32-bit numbers."""
    return b"".join((value & 0xFFFF_FFFF).to_bytes(4, "little") for value in values)


def counted(data: bytes) -> bytes:
    """Write bytes behind their 8-bit length."""
    return u8(len(data)) + data


def u16_list(values: Iterable[int]) -> bytes:
    """Write 16-bit numbers one after the other, without their count."""
    return u16(*values)


def eui64(text: str) -> bytes:
    """Turn an address as people write it into the order it travels in. Raises ValueError."""
    found = bytes.fromhex(text.replace(":", ""))[::-1]
    if len(found) != 8:
        raise ValueError(f"An EUI64 has 8 bytes, '{text}' has {len(found)}.")
    return found


def eui64_text(address: bytes) -> str:
    """Write an address as people do."""
    return address[::-1].hex(":")
