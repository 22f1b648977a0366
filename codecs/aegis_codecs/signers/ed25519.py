"""Ed25519: plain for logs (note type 0x01), with a time for witnesses (0x04).

A log's key signs the checkpoint's text itself. That message has no domain separation of its own,
so the key signs checkpoints and nothing else. A witness signs the line ``cosignature/v1``, the
line ``time N``, then the text; its payload is time (u64, POSIX seconds) ‖ signature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from aegis_codecs.log.canonical import MAX_NUMBER
from aegis_codecs.signers.base import Algorithm, Signer, Verifier, invalid_signature

if TYPE_CHECKING:
    from aegis_codecs.log.checkpoint import Checkpoint

_TIME_SIZE: Final = 8


class Ed25519(Algorithm):
    """The classical signature of a log."""

    name = "ed25519"
    note_type = b"\x01"
    for_logs = True
    for_witnesses = False
    post_quantum = False

    def signer(self, seed: bytes) -> Signer:
        """Return the private key of a 32-byte seed."""
        return _Signer(Ed25519PrivateKey.from_private_bytes(seed))

    def verifier(self, public_key: bytes) -> Verifier:
        """Return the verifier of a 32-byte public key."""
        return _Verifier(Ed25519PublicKey.from_public_bytes(public_key))


class Ed25519Cosignature(Algorithm):
    """The classical signature of a witness."""

    name = "ed25519-cosignature"
    note_type = b"\x04"
    for_logs = False
    for_witnesses = True
    post_quantum = False

    def signer(self, seed: bytes) -> Signer:
        """Return the private key of a 32-byte seed."""
        return _Cosigner(Ed25519PrivateKey.from_private_bytes(seed))

    def verifier(self, public_key: bytes) -> Verifier:
        """Return the verifier of a 32-byte public key."""
        return _CosignatureVerifier(Ed25519PublicKey.from_public_bytes(public_key))


class _Signer(Signer):
    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @property
    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes_raw()

    def sign(self, name: str, checkpoint: Checkpoint, time: int = 0) -> bytes:
        if time:
            raise ValueError(f"plain Ed25519 cannot carry the time that {name} claims")
        return self._key.sign(checkpoint.text())


class _Verifier(Verifier):
    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key

    def verify(self, name: str, checkpoint: Checkpoint, payload: bytes) -> int:
        try:
            self._key.verify(payload, checkpoint.text())
        except InvalidSignature as error:
            raise invalid_signature(Ed25519.name, name) from error
        return 0


class _Cosigner(_Signer):
    def sign(self, name: str, checkpoint: Checkpoint, time: int = 0) -> bytes:
        if not 0 < time <= MAX_NUMBER:
            raise ValueError(f"a witness must claim a time; {name} was given {time}")
        signature = self._key.sign(_cosigned_message(checkpoint, time))
        return time.to_bytes(_TIME_SIZE, "big") + signature


class _CosignatureVerifier(_Verifier):
    def verify(self, name: str, checkpoint: Checkpoint, payload: bytes) -> int:
        time = int.from_bytes(payload[:_TIME_SIZE], "big")
        try:
            self._key.verify(payload[_TIME_SIZE:], _cosigned_message(checkpoint, time))
        except InvalidSignature as error:
            raise invalid_signature(Ed25519Cosignature.name, name) from error
        return time


def _cosigned_message(checkpoint: Checkpoint, time: int) -> bytes:
    return b"cosignature/v1\ntime %d\n%s" % (time, checkpoint.text())
