"""What a client can be told: not sent, not trusted, not permitted."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from aegis_codecs.errors import Finding, NotTrustedError
from aegis_streams.errors import StreamError

if TYPE_CHECKING:
    from collections.abc import Sequence


class ClientError(StreamError):
    """A client could not do what it was asked for."""


class ProposalError(ClientError):
    """A proposal is not fit to be sent; nothing was sent.

    Attributes:
        field: The field that is wrong, as it is named in the record.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.field = detail.partition(":")[0].strip("'")


class DeliveryError(ClientError):
    """Records were handed over and Kafka did not take them.

    Attributes:
        failures: What happened to each, at most `producer.MAX_FAILURES_KEPT` of them.
        count: How many there were in all.
    """

    def __init__(self, failures: Sequence[str], count: int) -> None:
        self.failures = tuple(failures)
        self.count = count
        super().__init__(
            f"{count} records were not delivered, the first: {failures[0]}. Sending them again is "
            "harmless: a proposal that did arrive is recognised by its id"
        )


class NotFoundError(ClientError):
    """What was asked for is not in the log; the message says where it was looked for."""


class NotSealedError(ClientError):
    """The leaf is committed and no signed checkpoint covers it yet; ask again."""


class BrokenLogError(ClientError):
    """What was read is not the log that was signed: a gap, a cut tail, or no leaf."""


class PositionLostError(ClientError):
    """Where a consumer group stopped is gone or unknown: decisions were missed, and it is told."""


class DecisionFault(StrEnum):
    """Why a record of the decisions topic is not handed out as a decision.

    Beside these stand the values of `aegis_codecs.errors.Finding`, from verifying the receipt.
    All are stable: scripts compare them.
    """

    UNREADABLE = "unreadable"
    """The record is not a SignedDecision in a known schema."""
    NOT_A_DECISION = "not_a_decision"
    """The leaf is genuine, but its body is no readable decision."""
    COPIES_DIFFER = "copies_differ"
    """A copy beside the body (id, agent, status or record key) says other than the body."""
    OLDER_THAN_SEEN = "older_than_last_seen"
    """The leaf comes before one that was already seen of this log: a repeat or a replay."""


class DecisionNotTrustedError(NotTrustedError):
    """A record of the decisions topic must not be believed, for a reason of its own.

    Attributes:
        fault: The stable reason.
    """

    def __init__(self, fault: DecisionFault, message: str) -> None:
        super().__init__(Finding.NOT_RELEASED, message)
        self.fault = fault


class Refusal(StrEnum):
    """Why a verified decision permits nothing; stable."""

    OTHER_CONTENT = "other_content"
    """It was made about another content than the proposal at hand."""
    NOT_RELEASED = "not_released"
    """It is no PROCEED, a dry run, without expiry, or expired."""
    NOT_ENFORCED = "not_enforced"
    """The deployment was in shadow mode: its decisions are advice."""
    SUPERSEDED = "superseded"
    """A later decision took its place."""


class NotPermittedError(NotTrustedError):
    """A decision is genuine and permits nothing.

    Attributes:
        refusal: The stable reason.
    """

    def __init__(self, refusal: Refusal, message: str) -> None:
        super().__init__(Finding.NOT_RELEASED, message)
        self.refusal = refusal
