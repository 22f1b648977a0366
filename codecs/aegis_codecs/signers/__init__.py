"""Signing and checking checkpoints. Algorithms stand behind an interface and a registry."""

from aegis_codecs.signers.base import Algorithm, Signer, Verifier
from aegis_codecs.signers.checkpoints import CheckpointSigner
from aegis_codecs.signers.registry import (
    ALGORITHMS,
    LOG_ALGORITHMS,
    algorithm_named,
    algorithm_of,
    verifier_of,
)

__all__ = [
    "ALGORITHMS",
    "LOG_ALGORITHMS",
    "Algorithm",
    "CheckpointSigner",
    "Signer",
    "Verifier",
    "algorithm_named",
    "algorithm_of",
    "verifier_of",
]
