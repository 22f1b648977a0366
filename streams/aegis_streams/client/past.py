"""Decisions of long ago: looked for on the decisions topic, the newest part first, and verified.

What is wanted is known by id and partition. The id beside a receipt is a copy that nobody signed:
it only tells which record to verify, and one that does not verify is as good as none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from aegis_codecs.errors import DecodeError
from aegis_codecs.trust_file import load_trust
from aegis_codecs.verifier import Verifier
from aegis_streams.client.codecs import decision_decoder
from aegis_streams.client.decisions import DecisionReader, VerifiedDecision
from aegis_streams.client.kafka import Record
from aegis_streams.kafka.scan import scan, watermarks
from aegis_streams.names import DECISIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from aegis_codecs.records.envelopes import SignedDecision
    from aegis_streams.settings import Settings

STEP: Final = 20_000
"""Offsets that are read at a time."""
FURTHEST: Final = 120_000
"""How far back a partition is read, in offsets."""


class PastDecisions:
    """Finds decisions by their ids.

    Args:
        bounds: Returns the first and the next offset of a partition.
        records: Yields the records of a partition from one offset to before another.
        verifier: Checks receipts.
        decode: Decodes the envelope; raises DecodeError.
    """

    def __init__(
        self,
        bounds: Callable[[int], tuple[int, int]],
        records: Callable[[int, int, int], Iterable[Record]],
        verifier: Verifier,
        decode: Callable[[bytes], SignedDecision],
    ) -> None:
        self._bounds = bounds
        self._records = records
        self._reader = DecisionReader(verifier, decode)
        self._decode = decode

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """Return a finder in a deployment's decisions.

        Raises:
            RegistryUnreachableError: The registry does not answer.
            TrustFileError: There is no usable trust file.
        """

        def bounds(partition: int) -> tuple[int, int]:
            return watermarks(settings.bootstrap, DECISIONS, partition)

        def records(partition: int, start: int, end: int) -> Iterator[Record]:
            for each in scan(settings.bootstrap, DECISIONS, partition, start, end=end):
                yield Record(DECISIONS, partition, each.offset, each.key, each.value)

        verifier = Verifier(load_trust(settings.trust_file))
        return cls(bounds, records, verifier, decision_decoder(settings.registry_url))

    def find(self, wanted: Mapping[str, int]) -> Iterator[VerifiedDecision]:
        """Yield those of the wanted decisions that are found and verify.

        Args:
            wanted: Partition by decision id.

        Raises:
            UnavailableError: Kafka does not answer.
            RegistryUnreachableError: A schema that came up meanwhile cannot be had now.
        """
        for partition in sorted(set(wanted.values())):
            yield from self._find(partition, {id_ for id_ in wanted if wanted[id_] == partition})

    def _find(self, partition: int, missing: set[str]) -> Iterator[VerifiedDecision]:
        low, end = self._bounds(partition)
        floor = max(low, end - FURTHEST)
        while missing and end > floor:
            start = max(floor, end - STEP)
            for record in self._records(partition, start, end):
                if self._claimed_id(record) in missing:
                    found = self._reader.read(record)
                    if isinstance(found, VerifiedDecision):
                        missing.discard(found.decision_id)
                        yield found
            end = start

    def _claimed_id(self, record: Record) -> str:
        try:
            return self._decode(record.value or b"").decision_id
        except DecodeError:
            return ""
