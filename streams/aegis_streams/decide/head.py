"""The head of a partition: where its log, its inputs and its parameters stand."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Final

from aegis_streams.errors import LOST_STATE, ContinuityError

HEAD_KEY: Final = b"head"
PARAMETERS_KEY: Final = b"parameters"


@dataclass
class Head:
    """What the next leaf of a partition continues. Changed in place while a batch is evaluated.

    Attributes:
        log: Log origin.
        partitions: Number of partitions fixed at genesis.
        sequence: Sequence of the next leaf, which is also the number of leaves so far.
        entry_hash: Entry hash of the last leaf, 32 bytes.
        leaf_time: Time of the last leaf, milliseconds since 1970.
        offsets: Next offset of each input topic.
        parameters_sha256: Hash of the active parameter bytes, 32 bytes.
        evaluator: Version of the active evaluator.
        control_sequence: Number of the last control command that took effect; 0 before any.
    """

    log: str
    partitions: int
    sequence: int
    entry_hash: bytes
    leaf_time: int
    offsets: dict[str, int]
    parameters_sha256: bytes
    evaluator: int
    control_sequence: int = 0

    def to_bytes(self) -> bytes:
        """Return the bytes kept in the changelog (JSON, so that a person can read them)."""
        fields = asdict(self)
        fields["entry_hash"] = self.entry_hash.hex()
        fields["parameters_sha256"] = self.parameters_sha256.hex()
        return json.dumps(fields, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Head:
        """Read what `to_bytes` wrote.

        Raises:
            ContinuityError: The bytes are not a head.
        """
        try:
            fields = json.loads(data)
            fields["entry_hash"] = bytes.fromhex(fields["entry_hash"])
            fields["parameters_sha256"] = bytes.fromhex(fields["parameters_sha256"])
            return cls(**fields)
        except (ValueError, KeyError, TypeError) as error:
            raise ContinuityError(
                f"table heads: unreadable head ({error}); see {LOST_STATE}"
            ) from error
