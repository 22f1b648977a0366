"""The calls that end a transaction, with what each of their errors means."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaException

from aegis_streams.transport.errors import BrokerError, FaultError, FencedError, UnknownOutcomeError
from aegis_streams.transport.outcome import FENCED, Verdict, classify, error_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from aegis_streams.transport.clients import TxProducer

_log = logging.getLogger(__name__)
_RETRY_PAUSE: Final = 0.05


class AbortedError(Exception):
    """The transaction cannot be committed and has to be aborted; never leaves the driver."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


def fault_of(error: KafkaException, doing: str) -> FaultError:
    """Return the fault that stops the process for a fatal client error."""
    inner = error_of(error)
    if inner.code() in FENCED:
        return FencedError(
            f"{doing}: fenced ({inner}); another process owns the partition or the slot now"
        )
    return BrokerError(f"{doing}: {inner}")


def once(call: Callable[[float], None], doing: str, timeout: float) -> None:
    """Make a transactional call that must not be repeated, whatever the error.

    Args:
        call: The client's call; gets the seconds it may take.
        doing: What it does, for messages.
        timeout: Seconds.

    Raises:
        AbortedError: The transaction has to be aborted.
        FaultError: The process has to stop.
    """
    try:
        call(timeout)
    except KafkaException as error:
        if classify(error) is Verdict.FATAL:
            raise fault_of(error, doing) from error
        _log.warning("%s: %s; the batch is undone and repeated", doing, error_of(error))
        raise AbortedError(error_of(error).name()) from error


def attempt(
    call: Callable[[float], None],
    doing: str,
    timeout: float,
    judge: Callable[[KafkaException], Verdict] = classify,
) -> None:
    """Make a call until it succeeds, cannot succeed, or `timeout` is over.

    Args:
        call: The client's call; gets the seconds it may take.
        doing: What it does, for messages.
        timeout: Seconds for all attempts together.
        judge: What an error means; the default is for calls of a transaction.

    Raises:
        AbortedError: The transaction has to be aborted.
        FaultError: The process has to stop.
    """
    deadline = time.monotonic() + timeout
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise UnknownOutcomeError(
                f"{doing}: no outcome within {timeout} s; the process restarts and reads what "
                "was committed"
            )
        try:
            call(left)
        except KafkaException as error:
            verdict = judge(error)
            if verdict is Verdict.FATAL:
                raise fault_of(error, doing) from error
            if verdict is Verdict.ABORT:
                _log.warning("%s: %s; the batch is undone and repeated", doing, error_of(error))
                raise AbortedError(error_of(error).name()) from error
            _log.info("%s: %s; trying again", doing, error_of(error))
            time.sleep(min(_RETRY_PAUSE, max(left, 0)))
        else:
            return


def abort(producer: TxProducer, doing: str, timeout: float) -> None:
    """Abort the open transaction.

    Raises:
        FaultError: It could not be aborted; the process has to stop.
    """
    try:
        attempt(producer.abort_transaction, f"{doing}: abort", timeout)
    except AbortedError as error:
        raise BrokerError(f"{doing}: the abort itself was refused ({error.cause})") from error
