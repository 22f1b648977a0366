"""The sealer's state of one partition: how far the tree has grown, and what was kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from aegis_codecs.log.checkpoint import Checkpoint
from aegis_codecs.log.merkle import CompactRange
from aegis_streams.errors import LOST_STATE, ContinuityError

TREE_KEY: Final = b"tree"


@dataclass
class TreeState:
    """What the next sealed batch continues. Changed in place while a batch is sealed.

    Attributes:
        log: Log origin.
        range: The Merkle tree as a compact range.
        entry_hash: Entry hash of the last leaf, 32 bytes.
        next_offset: Next offset of the audit topic.
        kept_size: Tree size of the last checkpoint marked to keep.
        kept_time: Leaf time at that checkpoint, milliseconds since 1970.
    """

    log: str
    range: CompactRange
    entry_hash: bytes
    next_offset: int
    kept_size: int = 0
    kept_time: int = 0

    @property
    def checkpoint(self) -> Checkpoint:
        """The tree head to sign."""
        return Checkpoint(self.log, self.range.size, self.range.root())

    def to_bytes(self) -> bytes:
        """Return the bytes kept in the changelog (JSON, so that a person can read them)."""
        return json.dumps(
            {
                "log": self.log,
                "range": self.range.to_bytes().hex(),
                "entry_hash": self.entry_hash.hex(),
                "next_offset": self.next_offset,
                "kept_size": self.kept_size,
                "kept_time": self.kept_time,
            },
            separators=(",", ":"),
        ).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> TreeState:
        """Read what `to_bytes` wrote.

        Raises:
            ContinuityError: The bytes are not a tree state.
        """
        try:
            fields = json.loads(data)
            return cls(
                fields["log"],
                CompactRange.from_bytes(bytes.fromhex(fields["range"])),
                bytes.fromhex(fields["entry_hash"]),
                fields["next_offset"],
                fields["kept_size"],
                fields["kept_time"],
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ContinuityError(
                f"table tree: unreadable state ({error}); see {LOST_STATE}"
            ) from error
