"""What an error of a Kafka client means for a transaction."""

# ruff: noqa: SLF001  # the client's public constants begin with an underscore

from __future__ import annotations

from enum import Enum
from typing import Final

from confluent_kafka import KafkaError, KafkaException

END_OF_PARTITION: Final = KafkaError._PARTITION_EOF
"""Not an error: the reader has reached the end; the offset is its position."""

FENCED: Final = frozenset(
    {
        KafkaError._FENCED,
        KafkaError.PRODUCER_FENCED,
        KafkaError.FENCED_INSTANCE_ID,
        KafkaError.INVALID_PRODUCER_EPOCH,
    }
)
"""Codes that say: somebody else has taken this over."""

_ABORTS: Final = frozenset({KafkaError._STATE, KafkaError._INCONSISTENT})
_RETRIES: Final = frozenset({KafkaError._TIMED_OUT, KafkaError._TRANSPORT})


class Verdict(Enum):
    """What to do about an error."""

    RETRY = "retry"
    """The same call may simply be made again."""
    ABORT = "abort"
    """Abort the transaction, undo the batch, deliver it again."""
    FATAL = "fatal"
    """Stop the process; the state is rebuilt from what was committed."""


def error_of(error: KafkaException) -> KafkaError:
    """Return the client's error inside the exception."""
    inner: KafkaError = error.args[0]
    return inner


def classify_read(error: KafkaException) -> Verdict:
    """Judge an error of a call that changes nothing: only a fatal one keeps it from being repeated.

    After a broker restart such calls fail in many ways that the client does not call retriable.
    """
    return Verdict.FATAL if error_of(error).fatal() else Verdict.RETRY


def classify(error: KafkaException) -> Verdict:
    """Judge an error by what the client itself says about it; the unknown is fatal."""
    inner = error_of(error)
    if inner.fatal() or inner.code() in FENCED:
        return Verdict.FATAL
    if inner.txn_requires_abort() or inner.code() in _ABORTS:
        return Verdict.ABORT
    if inner.retriable() or inner.code() in _RETRIES:
        return Verdict.RETRY
    return Verdict.FATAL
