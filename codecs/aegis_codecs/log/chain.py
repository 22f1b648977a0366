"""The hash chain over leaf hashes: each entry commits to all entries before it."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

ZERO_HASH: Final = bytes(32)
"""What the first entry of a log names as its previous hash."""


def entry_hash(previous: bytes, leaf_hash: bytes) -> bytes:
    """Return SHA-256(previous ‖ leaf_hash); both are 32 bytes."""
    return sha256(previous + leaf_hash).digest()
