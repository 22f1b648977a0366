"""A log with fixed keys, for tests: the same seeds each time, no files, no Kafka."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from aegis_codecs.keys import LogKeys
from aegis_codecs.log.checkpoint import Checkpoint
from aegis_codecs.log.merkle import EMPTY_RANGE, extend, leaf_hash
from aegis_codecs.log.receipt import render
from aegis_codecs.signers import LOG_ALGORITHMS
from aegis_codecs.trust import Epoch, TrustPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable

ORIGIN = "aegis/local/1/0"


def log_keys(seed: str = "region local") -> LogKeys:
    """Return the same keys for the same words."""
    return LogKeys(
        {each.name: sha256(f"{seed} {each.name}".encode()).digest() for each in LOG_ALGORITHMS}
    )


def epoch(keys: LogKeys | None = None, number: int = 1, partitions: int = 2) -> Epoch:
    """Return an open epoch of aegis/local."""
    return Epoch("aegis", "local", number, partitions, (keys or log_keys()).public_keys())


def trust(*epochs: Epoch) -> TrustPolicy:
    """Return a policy of these epochs, of one open epoch if none is given."""
    return TrustPolicy(epochs or (epoch(),))


class SampleLog:
    """A log that keeps everything, so that a test can prove or forge what it likes."""

    def __init__(self, origin: str = ORIGIN, keys: LogKeys | None = None) -> None:
        self.signer = (keys or log_keys()).checkpoint_signer(origin)
        self.bodies: list[bytes] = []
        self.tree = EMPTY_RANGE

    @property
    def leaves(self) -> list[bytes]:
        """The leaf hashes so far."""
        return [leaf_hash(body) for body in self.bodies]

    @property
    def checkpoint(self) -> Checkpoint:
        """The tree head, unsigned."""
        return Checkpoint(self.signer.origin, self.tree.size, self.tree.root())

    def seal(self) -> bytes:
        """Return the tree head as a signed note."""
        return self.signer.seal(self.checkpoint)

    def append(self, bodies: Iterable[bytes], *, inside: bool = True) -> list[bytes]:
        """Append a batch and return its receipts, with the bodies inside or without."""
        batch = list(bodies)
        first = self.tree.size
        self.tree, paths = extend(self.tree, [leaf_hash(body) for body in batch])
        self.bodies += batch
        note = self.seal()
        return [
            render(first + i, path, note, body if inside else None)
            for i, (path, body) in enumerate(zip(paths, batch, strict=True))
        ]


def lies(origin: str = ORIGIN, size: int = 10**9) -> list[bytes]:
    """Return notes about a log, larger than it ever was, that it did not sign."""
    claim = Checkpoint(origin, size, bytes(range(32)))
    genuine = SampleLog(origin).seal().partition(b"\n\n")[2]
    stranger = log_keys("a stranger's").checkpoint_signer(origin).seal(claim)
    unsigned = claim.text() + b"\n"
    return [unsigned, unsigned + genuine, stranger, stranger + genuine]


def sample_bodies(count: int, start: int = 0) -> list[bytes]:
    """Return different short bodies."""
    return [b"leaf body %d" % number for number in range(start, start + count)]
