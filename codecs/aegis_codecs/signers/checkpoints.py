"""Sealing checkpoints: a log's own signature lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aegis_codecs.log.note import NoteSignature, VerifierKey, format_note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aegis_codecs.log.checkpoint import Checkpoint
    from aegis_codecs.signers.base import Algorithm, Signer


class CheckpointSigner:
    """Signs the checkpoints of one log with every key of that log.

    It signs whatever it is given: that two checkpoints never contradict each other is the duty of
    the caller, who must have made the newest one durable before the note leaves the process.

    Args:
        origin: The log; also the name of its keys.
        signers: Its private keys with their algorithms, in the order of the lines.
    """

    def __init__(self, origin: str, signers: Sequence[tuple[Algorithm, Signer]]) -> None:
        self.origin = origin
        self.keys = tuple(
            VerifierKey(origin, algorithm.note_type + signer.public_key)
            for algorithm, signer in signers
        )
        """The public keys, in the order of the lines."""
        self._signers = tuple(
            (key.key_id(), signer) for key, (_, signer) in zip(self.keys, signers, strict=True)
        )

    def seal(self, checkpoint: Checkpoint) -> bytes:
        """Return the signed note of `checkpoint`, a line per key.

        Blocks for about 0.7 ms. Two seals of one checkpoint differ, both are valid.

        Raises:
            ValueError: The checkpoint is another log's.
        """
        if checkpoint.origin != self.origin:
            raise ValueError(f"{self.origin} must not sign a checkpoint of {checkpoint.origin}")
        return format_note(
            checkpoint.text(),
            (
                NoteSignature(self.origin, key_id, signer.sign(self.origin, checkpoint)).to_bytes()
                for key_id, signer in self._signers
            ),
        )
