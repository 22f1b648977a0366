"""Texts that have one spelling each: base64, decimals, and the lines of notes and proofs."""

from __future__ import annotations

import base64
import binascii
from typing import Final

LARGEST: Final = (1 << 63) - 1
_DIGITS: Final = frozenset("0123456789")


def from_base64(text: str) -> bytes:
    """Return the bytes of standard base64 with padding.

    Raises:
        ValueError: It is none, or not the one spelling of these bytes.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{text[:40]!r} is not base64") from error
    if to_base64(data) != text:
        raise ValueError(f"{text[:40]!r} is not base64 in its one spelling")
    return data


def to_base64(data: bytes) -> str:
    """Return standard base64 with padding."""
    return base64.b64encode(data).decode("ascii")


def from_decimal(text: str) -> int:
    """Return a number from 0 to 2^63 - 1.

    Raises:
        ValueError: Anything but ASCII digits, a zero in front, or too large.
    """
    if not text or not _DIGITS.issuperset(text) or (text[0] == "0" and text != "0"):
        raise ValueError(f"{text[:40]!r} is not a decimal number")
    if len(text) > len(str(LARGEST)) or int(text) > LARGEST:
        raise ValueError(f"{text[:40]!r} is too large")
    return int(text)
