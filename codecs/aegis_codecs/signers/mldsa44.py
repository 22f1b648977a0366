"""ML-DSA-44 (note type 0x06), for logs and witnesses: pure FIPS 204 with an empty context.

It does not sign the note's text but a binary message of its own, `message`, whose label is the
domain separation. Payload of a line: time (u64) ‖ signature (2,420 bytes). A log's own line claims
no time (0), so that what is signed depends on origin, size and root alone. Signing is hedged:
two signatures of one checkpoint differ and both are valid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from aegis_codecs.log.canonical import MAX_NUMBER
from aegis_codecs.signers.base import Algorithm, Signer, Verifier, invalid_signature

if TYPE_CHECKING:
    from aegis_codecs.log.checkpoint import Checkpoint

LABEL: Final = b"subtree/v1\n\0"
_TIME_SIZE: Final = 8
_PAYLOAD_SIZE: Final = _TIME_SIZE + 2_420


class MlDsa44(Algorithm):
    """The post-quantum signature of logs and witnesses."""

    name = "ml-dsa-44"
    note_type = b"\x06"
    for_logs = True
    for_witnesses = True
    post_quantum = True

    def signer(self, seed: bytes) -> Signer:
        """Return the private key of a 32-byte seed."""
        return _Signer(MLDSA44PrivateKey.from_seed_bytes(seed))

    def verifier(self, public_key: bytes) -> Verifier:
        """Return the verifier of a 1,312-byte public key."""
        return _Verifier(MLDSA44PublicKey.from_public_bytes(public_key))


class _Signer(Signer):
    def __init__(self, key: MLDSA44PrivateKey) -> None:
        self._key = key

    @property
    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes_raw()

    def sign(self, name: str, checkpoint: Checkpoint, time: int = 0) -> bytes:
        signature = self._key.sign(message(name, checkpoint, time))
        return time.to_bytes(_TIME_SIZE, "big") + signature


class _Verifier(Verifier):
    def __init__(self, key: MLDSA44PublicKey) -> None:
        self._key = key

    def verify(self, name: str, checkpoint: Checkpoint, payload: bytes) -> int:
        time = int.from_bytes(payload[:_TIME_SIZE], "big")
        if len(payload) != _PAYLOAD_SIZE or time > MAX_NUMBER:
            raise invalid_signature(MlDsa44.name, name)
        try:
            self._key.verify(payload[_TIME_SIZE:], message(name, checkpoint, time))
        except InvalidSignature as error:
            raise invalid_signature(MlDsa44.name, name) from error
        return time


def message(cosigner: str, checkpoint: Checkpoint, time: int) -> bytes:
    """Return the bytes that are signed for the tree of `checkpoint`, from its first leaf on.

    label ‖ u8 length ‖ cosigner ‖ time u64 ‖ u8 length ‖ origin ‖ start u64 = 0 ‖ end u64 ‖ root.
    """
    who, log = cosigner.encode(), checkpoint.origin.encode()
    return b"".join(
        (
            LABEL,
            len(who).to_bytes(1, "big") + who,
            time.to_bytes(8, "big"),
            len(log).to_bytes(1, "big") + log,
            bytes(8),
            checkpoint.size.to_bytes(8, "big"),
            checkpoint.root,
        )
    )
