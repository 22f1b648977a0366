"""Whether a peer did the same work: its entries are the decider's, byte for byte."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from aegis_codecs.records import bodies
from aegis_streams.kafka.scan import scan
from aegis_streams.names import AUDIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aegis_streams.records import Records
    from aegis_streams.settings import Settings


class Agreement(NamedTuple):
    """What a comparison found.

    Attributes:
        entries: Entries compared.
        equal: How many of them are the same bytes.
        first_difference: The first that is not, in words; empty if there is none.
    """

    entries: int
    equal: int
    first_difference: str


def entries(settings: Settings, topic: str, most: int) -> list[list[bytes]]:
    """Return the committed values of a topic by partition, at most so many of each."""
    return [
        [record.value or b"" for record in islice(scan(settings.bootstrap, topic, p, 0), most)]
        for p in range(settings.partitions)
    ]


def ours(settings: Settings, most: int) -> list[list[bytes]]:
    """Return the decider's entries by partition, without the one that genesis wrote."""
    return [values[1:] for values in entries(settings, AUDIT, most + 1)]


def compare(
    wanted: Sequence[Sequence[bytes]], found: Sequence[Sequence[bytes]], records: Records
) -> Agreement:
    """Compare the entries of a peer with ours, as far as the shorter of both reaches.

    Hashes chain, so one difference makes every later entry of its partition differ.
    """
    compared = equal = 0
    difference = ""
    for partition, (mine, theirs) in enumerate(zip(wanted, found, strict=True)):
        for number, (one, other) in enumerate(zip(mine, theirs, strict=False)):
            compared += 1
            equal += one == other
            if one != other and not difference:
                difference = f"{partition}/{number}: {_difference(one, other, records)}"
    return Agreement(compared, equal, difference)


def _difference(one: bytes, other: bytes, records: Records) -> str:
    ours_, theirs = records.decode_audit(one), records.decode_audit(other)
    mine, others = _fields(ours_.body), _fields(theirs.body)
    differing = [
        f"{name} {mine.get(name)!r} but {others.get(name)!r}"
        for name in {**mine, **others}
        if mine.get(name) != others.get(name)
    ]
    return f"{ours_.kind}, {theirs.kind}: " + ("; ".join(differing) or "outside the body")


def _fields(body: bytes) -> dict[str, Any]:
    return dict(bodies.decode(body).fields)
