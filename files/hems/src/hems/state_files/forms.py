"""What a good state file looks like, from its bytes. Pure: each check returns what is wrong, or "".

Only what the owning program could never have written is called broken: a mistake that a person made
in a file is theirs.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable

EMPTY = "it was empty"
ZEROS = "it was all zeros"
SHORT = "it was cut short"

# https://www.sqlite.org/fileformat.html, 1.3
SQLITE_MAGIC = b"SQLite format 3\0"
# https://github.com/etcd-io/bbolt, internal/common/meta.go: two meta pages, each with a 16-byte
# page header, then magic, version, page size, flags, root, freelist, high-water mark, transaction
BOLT_META = struct.Struct("<4I2Q3QQ")
BOLT_MAGIC, BOLT_VERSION = 0xED0CDAED, 2
BOLT_HEADER = 16
# InfluxDB, tsdb/engine/tsm1/DESIGN.md: header, blocks, index, footer with the index's offset
TSM_HEADER = struct.pack(">IB", 0x16D116D1, 1)
TSM_FOOTER = 8
FIELDS_MAGIC = b"\0\6\1\3"  # InfluxDB, tsdb/shard.go: fields.idx


def blank(content: bytes) -> str:
    """Return whether there is nothing in it."""
    if not content:
        return EMPTY
    return "" if content.strip(b"\0") else ZEROS


def storage(content: bytes, _size: int) -> str:
    """Check a file of Home Assistant's ``.storage``: JSON with a version, a key and data."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return "it was no JSON"
    whole = isinstance(document, dict) and document.keys() >= {"version", "data"}
    return "" if whole else "it lacked what every such file has"


def document(content: bytes, _size: int) -> str:
    """Check a JSON file of ours: one object."""
    try:
        return "" if isinstance(json.loads(content), dict) else "it was no JSON object"
    except (ValueError, RecursionError):
        return "it was no JSON"


def text(content: bytes, _size: int) -> str:
    """Check text in UTF-8; an empty one is good, and so is one that its reader can't make out."""
    if b"\0" in content:
        return "it had zeros in it"
    try:
        content.decode()
    except UnicodeDecodeError:
        return "it was no text"
    return ""


def line(content: bytes, _size: int) -> str:
    """Check one short line of ASCII, like a version."""
    words = content.strip()
    good = words.isascii() and words.decode("ascii", "replace").isprintable() and b"\n" not in words
    return "" if words and good else "it was no line of text"


def sqlite_header(content: bytes, _size: int) -> str:
    """Check how an SQLite database begins; SQLite itself checks the rest."""
    return "" if content.startswith(SQLITE_MAGIC) else "it was no SQLite database"


def bolt(content: bytes, size: int) -> str:
    """Check a bbolt database: a valid meta page, and all pages that it counts."""
    metas = [meta for page in _page_sizes(content) if (meta := _meta(content, page)) is not None]
    if not metas:
        return "it was no bbolt database"
    page_size, pages = max(metas, key=lambda meta: meta[2])[:2]
    return SHORT if size < page_size * pages else ""


def _page_sizes(content: bytes) -> tuple[int, ...]:
    # The second meta page begins at the page size, which is the system's of whoever made the file.
    return (0, *(size for size in (4096, 8192, 16384, 65536) if size < len(content)))


def _meta(content: bytes, at: int) -> tuple[int, int, int] | None:
    """Return page size, number of pages and transaction of a valid meta page."""
    packed = content[at + BOLT_HEADER : at + BOLT_HEADER + BOLT_META.size]
    if len(packed) < BOLT_META.size:
        return None
    magic, version, size, _, _, _, _, pages, transaction, checksum = BOLT_META.unpack(packed)
    if (magic, version) != (BOLT_MAGIC, BOLT_VERSION) or checksum != fnv1a(packed[:-8]):
        return None
    return size, pages, transaction


def fnv1a(content: bytes) -> int:
    """Return the 64-bit FNV-1a hash."""
    total = 0xCBF29CE484222325
    for byte in content:
        total = ((total ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return total


def tsm(content: bytes, size: int) -> str:
    """Check a TSM file's ends: its header, and a footer that points into it."""
    if not content.startswith(TSM_HEADER):
        return "it was no TSM file"
    (index,) = struct.unpack(">Q", content[-TSM_FOOTER:])
    inside = len(TSM_HEADER) <= index < size - TSM_FOOTER
    return "" if inside else SHORT


def fields(content: bytes, _size: int) -> str:
    """Check how a shard's ``fields.idx`` begins."""
    return "" if content.startswith(FIELDS_MAGIC) else "it was no index of fields"


Form = Callable[[bytes, int], str]  # content and size in bytes

# These look at a file's two ends only, so that a large one need not be read.
BY_ITS_ENDS: tuple[Form, ...] = (sqlite_header, bolt, tsm, fields)


def check(form: Form, content: bytes, size: int, empty_is_good: bool = False) -> str:
    """Return what is wrong with a file's content, in one clause about the past, or nothing.

    ``size`` is the file's in bytes; less ``content`` is its two ends.
    """
    if not content and empty_is_good:
        return ""
    return blank(content) or form(content, size)
