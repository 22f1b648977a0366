"""What the load sends, and what the sender knows about it without asking the product."""

from __future__ import annotations

import hashlib
from typing import NamedTuple


class Meaning(NamedTuple):
    """What a record is, as its maker knows it.

    Attributes:
        agent_id: The agent that it is about; empty if that cannot be certain.
        proposal_id: Its id; empty likewise.
        content: What makes two records with one id equal.
        refusal: Code for which it is refused by itself; empty for a well-formed proposal.
        status: The decision if it is evaluated; empty where the maker cannot tell (drift).
    """

    agent_id: str
    proposal_id: str
    content: bytes
    refusal: str = ""
    status: str = ""

    @property
    def named(self) -> bool:
        """Whether agent and id are certain, so that a refusal is a decision."""
        return bool(self.agent_id and self.proposal_id)


class Submission(NamedTuple):
    """One record, ready to be produced.

    Attributes:
        shape: Which case it is, for counts and messages.
        topic: Where it goes.
        partition: Number of the partition.
        key: Record key.
        value: Record value.
        headers: Record headers.
        meaning: What it is.
    """

    shape: str
    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    meaning: Meaning


class Sent(NamedTuple):
    """What is kept of a delivered record.

    Attributes:
        shape: Which case it is.
        key: Record key.
        value_sha256: Hash of the value; of nothing for a null value.
        meaning: What it is.
    """

    shape: str
    key: bytes | None
    value_sha256: bytes
    meaning: Meaning

    @classmethod
    def of(cls, submission: Submission) -> Sent:
        """Reduce a submission to what the oracle needs."""
        return cls(
            submission.shape,
            submission.key,
            hashlib.sha256(submission.value or b"").digest(),
            submission.meaning,
        )
