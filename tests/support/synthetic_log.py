"""A log of any length without a broker: made as it is read, so that memory shows the reader's own.

Every leaf but the first decides one new proposal. One real body is the pattern; what differs from
leaf to leaf is put into it. `SyntheticLog` answers as the judge's own `Kafka` does.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from aegis_codecs.log.chain import ZERO_HASH
from aegis_codecs.log.checkpoint import Checkpoint
from aegis_codecs.log.merkle import EMPTY_RANGE, extend
from aegis_codecs.log.receipt import render_receipts
from aegis_codecs.records import audit, bodies, envelopes
from aegis_codecs.records.audit import AuditEntry, columns_of
from aegis_codecs.records.envelopes import CheckpointRecord, SignedDecision
from aegis_codecs.records.wire import WireEncoder
from aegis_codecs.trust_file import render_trust
from aegis_governance.config import AegisConfig
from aegis_streams.decide.identity import InputRecord, decision_id
from aegis_streams.fsck import Source, Task, Topics
from aegis_streams.fsck.binary import long, string
from aegis_streams.fsck.kafka import Span
from support.decisions import decision_fields
from support.logs import ORIGIN, log_keys, trust

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aegis_streams.fsck.inputs import Raw

START = 1_763_900_000_000
DAY_MS = 24 * 3_600_000
TOPICS = Topics()
PROPOSALS = TOPICS.inputs[0][0]


class SyntheticLog:
    """The topics of a log with one partition.

    Args:
        leaves: Length, with the leaf that opens the epoch.
        batch: Leaves per checkpoint.
        released: How many of the last leaves still have their decisions on the topic.
        step_ms: Time between two proposals.
    """

    def __init__(
        self, leaves: int, batch: int = 5_000, released: int = 0, step_ms: int = 250
    ) -> None:
        self.leaves, self._batch, self._step_ms = leaves, batch, step_ms
        self._first_released = max(1, leaves - released)
        self._signer = log_keys().checkpoint_signer(ORIGIN)
        self._decision = WireEncoder(envelopes.signed_decision_codec(), 4)
        self._checkpoint = WireEncoder(envelopes.checkpoint_codec(), 5)
        self._notes: list[bytes] = []
        self._tree = EMPTY_RANGE
        self._start, self._rest = _pattern()

    def task(self) -> Task:
        """Return the task of judging it, at a time when what expired may have."""
        now = START + self.leaves * self._step_ms + 8 * DAY_MS
        return Task(ORIGIN, 0, Source("memory", TOPICS), render_trust(trust()), now_ms=now)

    def partitions(self, _: str) -> int:
        """Return 1."""
        return 1

    def committed(self, group: str, topic: str, partition: int) -> int | None:
        """Return None: there are no groups."""
        del group, topic, partition
        return None

    def close(self) -> None:
        """Do nothing: nothing is open."""

    def span(self, topic: str, partition: int, *, stable: bool) -> Span:
        """Return where a topic begins and ends."""
        del stable
        ends = {
            TOPICS.audit: self.leaves,
            PROPOSALS: self.leaves - 1,
            TOPICS.decisions: self.leaves,
            TOPICS.checkpoints: -(-self.leaves // self._batch),
        }
        low = self._first_released if topic == TOPICS.decisions else 0
        return Span(topic, partition, low, ends.get(topic, 0))

    def read(self, span: Span, start: int = 0) -> Iterator[Raw]:
        """Yield the records of a topic."""
        del start
        if span.topic == TOPICS.audit:
            return self._audit()
        if span.topic == PROPOSALS:
            return map(self._input, range(self.leaves - 1))
        if span.topic == TOPICS.checkpoints:
            return self._checkpoints()
        return self._decisions() if span.topic == TOPICS.decisions else iter(())

    def _input(self, offset: int) -> Raw:
        value = b'{"proposal_id": "p-%d", "about": "%s"}' % (offset, b"." * 560)
        return offset, START + offset * self._step_ms, b"agent-%d" % (offset % 1_000), value

    def _bodies(self, first: int = 0) -> Iterator[tuple[int, bytes, Raw | None]]:
        """Yield sequence, body and input of the leaves from one on."""
        if first == 0:
            yield 0, opening(), None
        for sequence in range(max(first, 1), self.leaves):
            offset, stamp, key, value = source = self._input(sequence - 1)
            time = long(stamp)
            record = InputRecord(PROPOSALS, 0, offset, stamp, key, value)
            identity = string(decision_id(ORIGIN, record, 0))
            raw = sha256(value or b"").digest()
            cause = (self._start, long(offset), time, raw, b"\0", time, identity)
            names = string(b"p-%d" % offset) + string(key or b"")
            yield sequence, b"".join(cause) + names + self._rest, source

    def _audit(self) -> Iterator[Raw]:
        previous, start = ZERO_HASH, b"\0\0\0\0\3"
        for sequence, body, source in self._bodies():
            leaf = sha256(b"\0" + body).digest()
            link = sha256(previous + leaf).digest()
            if source is None:
                entry = AuditEntry(ORIGIN, 0, previous, leaf, link, body, *columns_of(body))
                yield 0, START, None, start + audit.codec().encode(entry)
            else:
                head = start + string(ORIGIN) + long(sequence) + previous + leaf + link
                copies = _copies(sequence - 1, source[1], source[2] or b"")
                yield sequence, source[1], source[2], head + string(body) + copies
            previous = link

    def _checkpoints(self) -> Iterator[Raw]:
        """Go through all leaves once, for their roots."""
        tree, leaves = EMPTY_RANGE, []
        for sequence, body, _ in self._bodies():
            leaves.append(sha256(b"\0" + body).digest())
            if len(leaves) < self._batch and sequence + 1 < self.leaves:
                continue
            if tree.size <= self._first_released:
                self._tree = tree
            tree, leaves = tree.grow(leaves), []
            head = Checkpoint(ORIGIN, tree.size, tree.root())
            note = self._signer.seal(head)
            if tree.size > self._first_released:
                self._notes.append(note)
            record = CheckpointRecord(ORIGIN, tree.size, note, keep=True)
            offset = (tree.size - 1) // self._batch
            yield offset, START, ORIGIN.encode(), self._checkpoint.encode(record)

    def _decisions(self) -> Iterator[Raw]:
        tree, part, notes = self._tree, [], iter(self._notes)
        for sequence, body, source in self._bodies(tree.size):
            part.append((sequence, body, source))
            if len(part) < self._batch and sequence + 1 < self.leaves:
                continue
            first = tree.size
            tree, paths = extend(tree, [sha256(b"\0" + each[1]).digest() for each in part])
            receipts = render_receipts(first, paths, next(notes))
            for (number, data, cause), receipt in zip(part, receipts, strict=True):
                if cause is not None and number >= self._first_released:
                    yield self._decided(number, data, cause, receipt)
            part = []

    def _decided(self, sequence: int, body: bytes, source: Raw, receipt: bytes) -> Raw:
        offset, stamp, key, value = source
        identity = decision_id(ORIGIN, InputRecord(PROPOSALS, 0, offset, stamp, key, value), 0)
        agent = (key or b"").decode()
        decision = SignedDecision(body, receipt, identity, f"p-{offset}", agent, "proceed")
        return sequence, stamp, key, self._decision.encode(decision)


def opening() -> bytes:
    """Return the body of the first leaf."""
    config = AegisConfig.default()
    return bodies.encode(
        "EpochOpened",
        {
            "ordinal": 0,
            "leaf_time": START,
            "log": ORIGIN,
            "deployment": "aegis",
            "region": "local",
            "epoch": 1,
            "partition": 0,
            "partitions": 1,
            "parameters": config.to_bytes(),
            "parameters_sha256": config.sha256(),
            "mode": config.mode,
            "evaluator": 1,
            "previous": None,
        },
    )


def _copies(offset: int, stamp: int, agent: bytes) -> bytes:
    record = InputRecord(PROPOSALS, 0, offset, stamp, agent, None)
    texts = (agent, b"p-%d" % offset, decision_id(ORIGIN, record, 0), "proceed")
    given = b"".join(b"\2" + string(text) for text in texts)
    return string("DecisionMade") + long(stamp) + given + b"\0"


def _pattern() -> tuple[bytes, bytes]:
    """Return what stands before the cause's offset, and behind the agent, in every body."""
    fields = decision_fields(
        cause_topic=PROPOSALS, cause_partition=0, proposal_id="?proposal?", agent_id="?agent?"
    )
    body = bodies.encode("DecisionMade", fields)
    start = bodies.prefix("DecisionMade") + string(PROPOSALS) + long(0)
    before, _, rest = body.partition(string("?proposal?") + string("?agent?"))
    if not before.startswith(start):
        raise AssertionError("a body begins otherwise")
    return start, rest
