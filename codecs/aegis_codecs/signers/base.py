"""The interface of a signature algorithm for checkpoints.

Verifying never tells why mathematics said no; it raises one finding, `signature_invalid`. A
signature is never compared with another or used as an identifier: some algorithms sign hedged.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from aegis_codecs.errors import Finding, NotTrustedError

if TYPE_CHECKING:
    from aegis_codecs.log.checkpoint import Checkpoint


class Verifier(ABC):
    """A public key that checks one log's or one witness's signature lines."""

    @abstractmethod
    def verify(self, name: str, checkpoint: Checkpoint, payload: bytes) -> int:
        """Check a signature line's payload over `checkpoint`, made under the key name `name`.

        Returns:
            The time it claims (POSIX seconds), 0 if it claims none.

        Raises:
            NotTrustedError: `signature_invalid`, also for a payload of the wrong length.
        """


class Signer(ABC):
    """A private key that signs checkpoints. It never shows itself in a repr or an error."""

    @property
    @abstractmethod
    def public_key(self) -> bytes:
        """The raw public key, without type byte."""

    @abstractmethod
    def sign(self, name: str, checkpoint: Checkpoint, time: int = 0) -> bytes:
        """Return the payload of a signature line over `checkpoint` under the key name `name`.

        Blocks for the time of one signature (up to a millisecond); reads no clock.

        Args:
            name: Key name; for a log's own line its origin.
            checkpoint: What is signed.
            time: Time to claim (POSIX seconds), which witnesses must and logs here never do.

        Raises:
            ValueError: The algorithm cannot carry this time.
        """


class Algorithm(ABC):
    """One signature type of the note registry. An instance holds no key.

    Attributes:
        name: Name in key files, trust files and messages.
        note_type: Type byte(s) that stand before the public key in a vkey.
        seed_size: Bytes of a private key's seed.
        for_logs: A log may sign its own checkpoints with it.
        for_witnesses: A witness may cosign with it (the signature carries a time).
        post_quantum: Believed to withstand a quantum computer.
    """

    name: ClassVar[str]
    note_type: ClassVar[bytes]
    seed_size: ClassVar[int] = 32
    for_logs: ClassVar[bool]
    for_witnesses: ClassVar[bool]
    post_quantum: ClassVar[bool]

    @abstractmethod
    def signer(self, seed: bytes) -> Signer:
        """Return the private key of a seed.

        Raises:
            ValueError: The seed has the wrong length.
        """

    @abstractmethod
    def verifier(self, public_key: bytes) -> Verifier:
        """Return the verifier of a raw public key, without type byte.

        Raises:
            ValueError: Not a public key of this algorithm.
        """


def invalid_signature(algorithm: str, name: str) -> NotTrustedError:
    """Return the one finding for every signature that does not verify."""
    return NotTrustedError(
        Finding.SIGNATURE_INVALID, f"the {algorithm} signature of {name} does not verify"
    )
