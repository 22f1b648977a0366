from __future__ import annotations

import logging

from aegis_streams.transport.quiet import RepeatFilter


def record(*args: object, level: int = logging.ERROR) -> logging.LogRecord:
    return logging.LogRecord("clients", level, __file__, 1, "%s [%s] %s", args, None)


def test_one_matter_of_one_client_is_reported_once_in_a_while() -> None:
    now = [0.0]
    keep = RepeatFilter(5.0, lambda: now[0]).filter
    assert keep(record("FAIL", "consumer", "refused"))
    assert not keep(record("FAIL", "consumer", "refused again"))
    assert keep(record("FAIL", "producer", "refused"))
    assert keep(record("SESSTMOUT", "consumer", "lost"))
    assert keep(record("FAIL", "consumer", "warned", level=logging.WARNING))
    now[0] = 5.0
    assert keep(record("FAIL", "consumer", "refused still"))


def test_what_is_critical_is_always_reported() -> None:
    keep = RepeatFilter(5.0).filter
    assert all(keep(record("FATAL", "consumer", "x", level=logging.CRITICAL)) for _ in range(3))


def test_records_without_matter_pass() -> None:
    assert RepeatFilter(5.0).filter(record())
