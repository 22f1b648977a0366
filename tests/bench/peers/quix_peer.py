"""The decider's work in Quix Streams, exactly-once: `python -m bench.peers.quix_peer WORK`.

State is Quix's own RocksDB store with its changelog. Its `State` is bound to the message key; a log
has one head per partition, so the store's transaction is asked for a view under a fixed prefix,
which is what `stateful=True` does with the key.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from quixstreams import Application, message_context

from aegis_streams.decide.identity import InputRecord
from aegis_streams.names import AUDIT, DEAD_LETTERS
from bench.peers.one_by_one import OneByOne, Output
from bench.peers.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from quixstreams.dataframe import StreamingDataFrame
    from quixstreams.state import State

_EVERY: Final = 5_000


class Table:
    """A table of ours in the store of the partition whose record is being worked on.

    Args:
        view: Returns the present transaction's view of this table.
    """

    def __init__(self, view: Callable[[], State]) -> None:
        self._view = view

    def get(self, key: bytes) -> bytes | None:
        """Return the value of a key."""
        found: bytes | None = self._view().get_bytes(key)
        return found

    def put(self, key: bytes, value: bytes) -> None:
        """Set the value of a key."""
        self._view().set_bytes(key, value)

    def delete(self, key: bytes) -> None:
        """Remove a key."""
        self._view().delete(key)

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """Return nothing: a bench begins with empty state, and Quix cannot list it."""
        return ()


def main(work: Work) -> None:
    """Work until killed."""
    app = Application(
        broker_address=work.bootstrap,
        consumer_group=work.name,
        processing_guarantee="exactly-once",
        auto_offset_reset="earliest",
        commit_interval=work.commit_ms / 1000,
        commit_every=_EVERY,
        state_dir=work.state,
        producer_extra_config={"compression.type": "zstd", "linger.ms": 5},
        loglevel="WARNING",
    )
    raw: dict[str, Any] = {"key_deserializer": "bytes", "value_deserializer": "bytes"}
    out: dict[str, Any] = {"key_serializer": "bytes", "value_serializer": "bytes"}
    sdf = app.dataframe(app.topic(work.proposals, **raw))
    decide = _decider(work, sdf)
    made = sdf.apply(decide, stateful=True, metadata=True, expand=True)
    for ours, theirs in ((AUDIT, work.audit), (DEAD_LETTERS, work.dead_letters)):
        branch = made.filter(lambda output, ours=ours: output.topic == ours)
        branch.apply(lambda output: output.value).to_topic(app.topic(theirs, **out))
    app.run()


def _decider(
    work: Work, sdf: StreamingDataFrame
) -> Callable[[bytes, bytes, int, Any, State], Iterable[Output]]:
    def table(name: str, _: int) -> Table:
        prefix = name.encode()

        def view() -> State:
            checkpoint = sdf.processing_context.checkpoint
            context = message_context()
            transaction = checkpoint.get_store_transaction(
                stream_id=sdf.stream_id, partition=context.partition
            )
            return transaction.as_state(prefix=prefix)

        return Table(view)

    work_on = OneByOne(work, table)

    def decide(
        value: bytes, key: bytes, timestamp: int, headers: Any, state: State
    ) -> Iterable[Output]:
        del state
        context = message_context()
        return work_on.decide(
            InputRecord(
                context.topic, context.partition, context.offset, timestamp, key, value, headers
            )
        )

    return decide


if __name__ == "__main__":
    main(Work.read(Path(sys.argv[1])))
