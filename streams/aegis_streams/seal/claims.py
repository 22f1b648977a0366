"""Checkpoints that carry a valid signature of our own, whoever wrote them to the topic.

One valid line of one key is a claim: the log signed that history. Anything else on the topic is
noise, and must not be able to stop the sealer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aegis_codecs.errors import NotTrustedError
from aegis_codecs.log.checkpoint import Checkpoint
from aegis_codecs.log.note import Note, VerifierKey, parse_note
from aegis_codecs.signers import Verifier, verifier_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def own_checkpoints(
    keys: Iterable[VerifierKey], origin: str, smallest: int, notes: Iterable[bytes]
) -> Iterator[Checkpoint]:
    """Yield the checkpoints of `origin` that at least one of `keys` signed.

    Args:
        keys: The log's own public keys.
        origin: The log.
        smallest: Checkpoints of smaller trees are passed over unchecked.
        notes: Signed notes, of any origin and quality.
    """
    verifiers = {key.key_id(): verifier_of(key.key) for key in keys}
    for data in notes:
        try:
            note = parse_note(data)
            checkpoint = Checkpoint.parse(note.text)
        except NotTrustedError:
            continue
        if checkpoint.origin != origin or checkpoint.size < smallest:
            continue
        if any(_signed(note, checkpoint, key_id, each) for key_id, each in verifiers.items()):
            yield checkpoint


def _signed(note: Note, checkpoint: Checkpoint, key_id: bytes, verifier: Verifier) -> bool:
    for signature in note.signatures:
        if (signature.name, signature.key_id) == (checkpoint.origin, key_id):
            try:
                verifier.verify(signature.name, checkpoint, signature.payload)
            except NotTrustedError:
                continue
            return True
    return False
