"""Avro's binary form of what is read often: long numbers and strings, without a schema.

`long` is Avro's zigzag variable-length coding. Numbers below 2^42 take a few table look-ups.
"""

from __future__ import annotations

from typing import Final

_SEVEN: Final = 7
_LOW: Final = 0x7F
_MORE: Final = 0x80
_STEP: Final = 14
_MASK: Final = (1 << _STEP) - 1


def _shortest(value: int) -> bytes:
    out = bytearray()
    while value > _LOW:
        out.append(value & _LOW | _MORE)
        value >>= _SEVEN
    out.append(value)
    return bytes(out)


_LAST: Final = tuple(_shortest(value) for value in range(_MASK + 1))
_MIDDLE: Final = tuple(
    bytes((value & _LOW | _MORE, value >> _SEVEN | _MORE)) for value in range(_MASK + 1)
)


def long(value: int) -> bytes:
    """Return a number of at most 64 bits as Avro writes it."""
    rest = value << 1 if value >= 0 else (-value << 1) - 1
    if rest <= _MASK:
        return _LAST[rest]
    found = _MIDDLE[rest & _MASK]
    rest >>= _STEP
    while rest > _MASK:
        found += _MIDDLE[rest & _MASK]
        rest >>= _STEP
    return found + _LAST[rest]


def string(value: str | bytes) -> bytes:
    """Return a string, or bytes, as Avro writes it: length, then UTF-8."""
    data = value.encode() if isinstance(value, str) else value
    return long(len(data)) + data


def read_long(data: bytes, at: int) -> tuple[int, int]:
    """Return a number and the position after it.

    Raises:
        IndexError: The data ends within it.
    """
    value, shift = 0, 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & _LOW) << shift
        if byte < _MORE:
            return (value >> 1) ^ -(value & 1), at
        shift += _SEVEN


def skip_string(data: bytes, at: int) -> int:
    """Return the position after a string.

    Raises:
        IndexError: The data ends within its length.
    """
    first = data[at]
    if first < _MORE:
        return at + 1 + (first >> 1)
    length, at = read_long(data, at)
    return at + length
