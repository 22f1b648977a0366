"""The keys by which the logs of one region are signed.

One set signs the checkpoints of every partition of the region, under each log's own origin: the
origin is part of every signed message. The keys serve no other purpose.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from aegis_codecs.errors import KeyFileError
from aegis_codecs.keys.files import key_file, read_seeds, write_seeds
from aegis_codecs.signers import LOG_ALGORITHMS, CheckpointSigner

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

PURPOSE: Final = "log"


class LogKeys:
    """A region's log keys, one per algorithm that a log signs with.

    Args:
        seeds: Seed per algorithm name.

    Raises:
        ValueError: A seed is missing, too many, or of the wrong length.
    """

    def __init__(self, seeds: Mapping[str, bytes]) -> None:
        names = [algorithm.name for algorithm in LOG_ALGORITHMS]
        if sorted(seeds) != sorted(names):
            raise ValueError(f"log keys need a seed for each of {', '.join(names)}, and no other")
        self._signers = tuple((each, each.signer(seeds[each.name])) for each in LOG_ALGORITHMS)

    def checkpoint_signer(self, origin: str) -> CheckpointSigner:
        """Return what signs the checkpoints of one log; its `keys` are the log's vkeys."""
        return CheckpointSigner(origin, self._signers)

    def public_keys(self) -> tuple[tuple[str, bytes], ...]:
        """Return algorithm name and raw public key of each key."""
        return tuple((algorithm.name, signer.public_key) for algorithm, signer in self._signers)


def generate_log_keys(
    directory: Path, entropy: Callable[[int], bytes] = secrets.token_bytes
) -> LogKeys:
    """Make the log keys of a region and keep them in `directory`.

    Args:
        directory: Made with mode 0700 if it does not exist.
        entropy: Source of that many random bytes.

    Raises:
        KeyFileError: There are log keys already, or they cannot be kept safely.
    """
    seeds = {algorithm.name: entropy(algorithm.seed_size) for algorithm in LOG_ALGORITHMS}
    keys = LogKeys(seeds)
    write_seeds(directory, PURPOSE, seeds)
    return keys


def load_log_keys(directory: Path) -> LogKeys:
    """Return the log keys kept in `directory`.

    Raises:
        KeyFileError: Missing, malformed, incomplete, or open to others.
    """
    seeds = read_seeds(directory, PURPOSE)
    try:
        return LogKeys(seeds)
    except ValueError as error:
        raise KeyFileError(f"{key_file(directory, PURPOSE)}: {error}") from error
