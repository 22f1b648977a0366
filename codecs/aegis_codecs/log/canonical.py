"""The one textual form of bytes and numbers: base64 with padding, decimals without zeros in front.

Every parser of the log accepts exactly what the encoder here writes, so that a value has one
spelling and no unsigned byte of a proof can be varied.
"""

from __future__ import annotations

from binascii import Error as BinasciiError
from binascii import a2b_base64, b2a_base64
from typing import Final

MAX_NUMBER: Final = 2**63 - 1
"""Largest size, index or timestamp: what a signed 64-bit integer holds."""

_MAX_DIGITS: Final = len(str(MAX_NUMBER))


def encode_base64(data: bytes) -> bytes:
    """Return the canonical base64 of `data`, without a line end."""
    return b2a_base64(data, newline=False)


def decode_base64(text: bytes) -> bytes:
    """Return the bytes whose canonical base64 is `text`.

    Raises:
        ValueError: `text` is not base64, or another spelling of the same bytes.
    """
    try:
        data = a2b_base64(text)
    except BinasciiError as error:
        raise ValueError(f"{text[:60]!r} is not base64 ({error})") from error
    if b2a_base64(data, newline=False) != text:
        raise ValueError(f"{text[:60]!r} is not base64 in its canonical form")
    return data


def decode_number(text: bytes) -> int:
    """Return the number whose decimal form is `text`, from 0 to 2^63 - 1.

    Raises:
        ValueError: Signs, spaces, zeros in front, other digits than 0-9, or a number too large.
    """
    padded = text.startswith(b"0") and text != b"0"
    if padded or not text.isdigit() or len(text) > _MAX_DIGITS:
        raise ValueError(f"{text[:30]!r} is not a number in decimal form without zeros in front")
    number = int(text)
    if number > MAX_NUMBER:
        raise ValueError(f"{number} is larger than 2^63 - 1")
    return number
