"""A compressed body becomes plain bytes, a little at a time.

Strategy: streams ask for ``identity``, but some servers and proxies compress all the
same, and a few bytes may unpack to gigabytes. So bytes are unpacked in pieces of a
bounded size, and whoever reads them stops where its bounds say; httpx unpacks a whole
network read at once. Only what the standard library decodes is read.
"""

from __future__ import annotations

import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["ContentDecoder", "is_known_coding", "unpack"]

_PIECE_BYTES = 64 * 1024
_IDENTITY = frozenset({"", "identity"})
_WINDOW_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
_RAW_DEFLATE = -15
_ZLIB_HEADER_BYTES = 2
_GZIP_START = b"\x1f"


def is_known_coding(coding: str) -> bool:
    """Whether a body with this content coding can be read.

    Args:
        coding: The value of ``content-encoding``, or nothing.

    Returns:
        False for codings that nobody asked for, and for two at once.
    """
    return coding in _IDENTITY or coding in _WINDOW_BITS


def unpack(body: bytes, coding: str, limit: int) -> bytes:
    """The beginning of a body, as much of it as can be read.

    Args:
        body: A whole body, or its beginning.
        coding: Its content coding, known or not.
        limit: The most bytes to give.

    Returns:
        The unpacked bytes; none of a coding that is not known.

    Example:
        >>> unpack(zlib.compress(b"slow down", wbits=31), "gzip", 4)
        b'slow'
    """
    if not is_known_coding(coding):
        return b""
    text = b""
    with suppress(zlib.error):
        for piece in ContentDecoder(coding).pieces(body):
            text += piece
            if len(text) >= limit:
                break
    return text[:limit]


class ContentDecoder:
    """Unpacks one body.

    Args:
        coding: A known content coding.

    Example:
        >>> decoder = ContentDecoder("gzip")
        >>> packed = zlib.compress(b"a" * 200_000, wbits=31)
        >>> [len(piece) for piece in decoder.pieces(packed)]
        [65536, 65536, 65536, 3392]
    """

    __slots__ = ("_bits", "_engine", "_is_settled", "_start")

    def __init__(self, coding: str = "") -> None:
        self._bits = _WINDOW_BITS.get(coding)
        self._is_settled = coding != "deflate"
        self._start = b""
        self._engine = zlib.decompressobj(wbits=self._bits or 0)

    def pieces(self, data: bytes) -> Iterable[bytes]:
        """Take the next bytes as they came, and give what they unpack to.

        Args:
            data: Any number of bytes.

        Returns:
            At most 64 KiB each; what is not asked for is not unpacked. Of a body that
            is not packed, the same bytes.

        Raises:
            zlib.error: If they are not what the coding says.
        """
        return (data,) if self._bits is None else self._unpack(data)

    def _unpack(self, data: bytes) -> Iterator[bytes]:
        if not self._is_settled:
            data = self._find_deflate(data)
        is_full = bool(data)
        while is_full or data:
            if self._engine.eof:
                if not data.startswith(_GZIP_START):
                    return  # padding
                # a gzip body may be several files
                self._engine = zlib.decompressobj(wbits=self._bits or 0)
            piece = self._engine.decompress(data, _PIECE_BYTES)
            data = self._engine.unconsumed_tail or self._engine.unused_data
            is_full = len(piece) == _PIECE_BYTES
            if piece:
                yield piece

    def _find_deflate(self, data: bytes) -> bytes:
        """``deflate`` is zlib's format by the standard, and raw by some servers."""
        self._start += data
        if len(self._start) < _ZLIB_HEADER_BYTES:
            return b""
        head = int.from_bytes(self._start[:_ZLIB_HEADER_BYTES], "big")
        if head % 31 or (head >> 8) & 0x0F != zlib.DEFLATED:
            self._bits = _RAW_DEFLATE
            self._engine = zlib.decompressobj(wbits=_RAW_DEFLATE)
        self._is_settled = True
        data, self._start = self._start, b""
        return data
