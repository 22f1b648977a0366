"""The newest checkpoint of a log that can be believed, among whatever lies on the topic.

Anyone who may write to the topic can put anything there. Log and size beside a note are copies that
nobody signed, so they are not looked at; what is unreadable or does not verify is noise, counted
and passed over. Two things are no noise and are raised: a log that the trust file does not know,
and two signed histories.
"""

from __future__ import annotations

import logging
from collections import Counter
from heapq import nlargest
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from aegis_codecs.errors import Finding, NotTrustedError
from aegis_codecs.log.checkpoint import Checkpoint
from aegis_codecs.log.note import parse_note
from aegis_streams.client.errors import NotFoundError
from aegis_streams.names import CHECKPOINTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from aegis_codecs.verifier import Verifier

NEAR: Final = (100, 10_000)
"""How far back one is looked for that is large enough, in offsets, one after another."""
FAR: Final = 10_000_000
"""How far back any is looked for, if none of those verifies."""
MAX_CLAIMS: Final = 10_000
"""Most notes that are tried, those of the largest sizes."""
_NO_NOISE: Final = frozenset((Finding.UNKNOWN_ORIGIN, Finding.FORKED_HISTORY))
_LOG: Final = logging.getLogger("aegis.client")


class SignedCheckpoint(NamedTuple):
    """A verified checkpoint with the note that carries it."""

    checkpoint: Checkpoint
    note: bytes


class _Claim(NamedTuple):
    size: int
    note: bytes


class CheckpointFinder:
    """Finds the newest checkpoint of a log.

    Args:
        notes: Yields the notes among so many last offsets of a partition of the checkpoints topic;
            bytes that are no note for a record that holds none.
        verifier: Checks them.
    """

    def __init__(self, notes: Callable[[int, int], Iterable[bytes]], verifier: Verifier) -> None:
        self._notes = notes
        self._verifier = verifier

    def newest(self, partition: int, origin: str, least: int) -> SignedCheckpoint:
        """Return the largest verified checkpoint of a log.

        Args:
            partition: Where it lies.
            origin: The log.
            least: Size that is wanted; a smaller one is returned where there is none.

        Raises:
            NotFoundError: None is on the topic that verifies.
            NotTrustedError: `unknown_origin` or `forked_history`.
        """
        found: SignedCheckpoint | None = None
        passed_over: Counter[str] = Counter()
        for last in NEAR:
            found, passed_over = self._largest(origin, self._notes(partition, last))
            if found is not None and found.checkpoint.size >= least:
                break
        if found is None:
            found, passed_over = self._largest(origin, self._notes(partition, FAR))
        told = ", ".join(f"{number} {finding}" for finding, number in passed_over.items())
        if found is None:
            junk = f" ({told} passed over)" if told else ""
            raise NotFoundError(
                f"{origin}: no checkpoint that verifies is left on {CHECKPOINTS}[{partition}]"
                f"{junk}; one comes with the next leaf"
            )
        if told:
            _LOG.warning(
                "%s[%d]: records that are no checkpoint to believe were passed over: %s; somebody "
                "else writes there",
                CHECKPOINTS,
                partition,
                told,
            )
        return found

    def _largest(
        self, origin: str, notes: Iterable[bytes]
    ) -> tuple[SignedCheckpoint | None, Counter[str]]:
        """Return the largest that verifies, and what was passed over by the reason."""
        found: SignedCheckpoint | None = None
        passed_over: Counter[str] = Counter()
        claims = _claims(origin, notes, passed_over)
        for size, note in nlargest(MAX_CLAIMS, claims, key=attrgetter("size")):
            if found is not None and size < found.checkpoint.size:
                break
            try:
                checkpoint = self._verifier.verify_checkpoint(note)
            except NotTrustedError as error:
                if error.finding in _NO_NOISE:
                    raise
                passed_over[error.finding] += 1
                continue
            found = found or SignedCheckpoint(checkpoint, note)
        return found, passed_over


def _claims(origin: str, notes: Iterable[bytes], passed_over: Counter[str]) -> Iterator[_Claim]:
    """Yield the notes that say they are of this log, with the size that they say."""
    for note in notes:
        try:
            said = Checkpoint.parse(parse_note(note).text)
        except NotTrustedError as error:
            passed_over[error.finding] += 1
            continue
        if said.origin == origin:
            yield _Claim(said.size, note)
