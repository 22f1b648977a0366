"""Which algorithms there are. A new one is a file beside this one and an entry here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aegis_codecs.errors import UnsupportedAlgorithmError
from aegis_codecs.signers.ed25519 import Ed25519, Ed25519Cosignature
from aegis_codecs.signers.mldsa44 import MlDsa44

if TYPE_CHECKING:
    from aegis_codecs.signers.base import Algorithm, Verifier

ALGORITHMS: Final[tuple[Algorithm, ...]] = (Ed25519(), MlDsa44(), Ed25519Cosignature())
"""Every algorithm, those of logs in the order in which a log's lines stand."""

LOG_ALGORITHMS: Final = tuple(algorithm for algorithm in ALGORITHMS if algorithm.for_logs)
"""What a log of ours signs with: all of these, always."""


def algorithm_named(name: str) -> Algorithm:
    """Return the algorithm called `name`.

    Raises:
        UnsupportedAlgorithmError: There is none of that name.
    """
    for algorithm in ALGORITHMS:
        if algorithm.name == name:
            return algorithm
    known = ", ".join(algorithm.name for algorithm in ALGORITHMS)
    raise UnsupportedAlgorithmError(f"no algorithm {name!r} in this version; it has {known}")


def algorithm_of(key: bytes) -> Algorithm:
    """Return the algorithm of a key as it stands in a vkey: type byte(s) ‖ public key.

    Raises:
        UnsupportedAlgorithmError: No algorithm has this type.
    """
    for algorithm in ALGORITHMS:
        if key.startswith(algorithm.note_type):
            return algorithm
    raise UnsupportedAlgorithmError(
        f"a key of note type 0x{key[:1].hex()} cannot be checked by this version"
    )


def verifier_of(key: bytes) -> Verifier:
    """Return the verifier of a key as it stands in a vkey.

    Raises:
        UnsupportedAlgorithmError: No algorithm has this type.
        ValueError: The public key is malformed.
    """
    algorithm = algorithm_of(key)
    return algorithm.verifier(key[len(algorithm.note_type) :])
