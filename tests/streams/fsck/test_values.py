"""Values that no writer of ours writes: they end in findings, or in what could not be checked."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aegis_codecs.records import audit, bodies, schemas
from aegis_codecs.records.wire import HEADER_SIZE, WireEncoder
from aegis_codecs.trust import Epoch, TrustPolicy
from aegis_codecs.trust_file import render_trust
from aegis_streams.fsck import CannotCheckError, Source, Task, Trust, run
from aegis_streams.fsck.horizon import HOUR_MS, Horizon
from aegis_streams.fsck.stream import StreamJudge
from support.avro_records import values
from support.deciding import LOG, PARTITION, PARTITIONS, START
from support.forgery import rechained, rewritten
from support.logs import log_keys
from support.memory_log import TOPICS, MemoryLog, memory_log, sample_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aegis_codecs.records.audit import AuditEntry
    from aegis_streams.fsck.inputs import Raw
    from aegis_streams.fsck.kafka import Span
    from aegis_streams.fsck.task import Judged

LENGTH = 20
NO_NUMBERS = (
    b"",
    b"\xff",
    b"[]",
    b"null",
    b"7",
    b"{}",
    b'{"horizon_hours": 1e999, "horizon_count": 8}',
    b'{"horizon_hours": NaN, "horizon_count": 8}',
    b'{"horizon_hours": 24, "horizon_count": 1e999}',
    b'{"horizon_hours": 24, "horizon_count": null}',
    b'{"horizon_hours": "24", "horizon_count": 8}',
    b'{"horizon_hours": [24], "horizon_count": 8}',
    b'{"horizon_hours": 1' + b"0" * 400 + b', "horizon_count": 8}',
    b"[" * 50_000,
)
"""Bytes in which no horizon can be read."""


@cache
def true_log() -> MemoryLog:
    return memory_log(sample_values(LENGTH))


def true_entries() -> list[AuditEntry]:
    decode = audit.codec().decode
    return [decode(value or b"", HEADER_SIZE) for *_, value in true_log().records[TOPICS.audit]]


def holding(entries: Sequence[AuditEntry]) -> MemoryLog:
    """Return the log with other leaves, numbered and linked as they should be."""
    log = deepcopy(true_log())
    encode = WireEncoder(audit.codec(), 3).encode
    log.records[TOPICS.audit] = [
        (*true[:3], encode(entry))
        for true, entry in zip(log.records[TOPICS.audit], rechained(entries), strict=True)
    ]
    return log


def task() -> Task:
    epoch = Epoch("aegis", "test", 1, PARTITIONS, log_keys().public_keys())
    trust = render_trust(TrustPolicy([epoch]))
    return Task(LOG, PARTITION, Source("memory", TOPICS), trust, now_ms=START)


def codes(found: Judged) -> set[str]:
    return {str(each.code) for each in found.findings}


@pytest.mark.parametrize("parameters", NO_NUMBERS, ids=range(len(NO_NUMBERS)))
def test_parameters_without_a_horizon_are_refused_whole(parameters: bytes) -> None:
    horizon = Horizon()
    horizon.configure(json.dumps({"horizon_hours": 2, "horizon_count": 8}).encode())
    with pytest.raises(ValueError, match="no horizon_hours and horizon_count"):
        horizon.configure(parameters)
    assert (horizon.milliseconds, horizon.capacity) == (2 * HOUR_MS, 8)
    horizon.close()


@pytest.mark.parametrize("parameters", NO_NUMBERS, ids=range(len(NO_NUMBERS)))
def test_an_opening_leaf_without_a_horizon_is_a_finding(parameters: bytes) -> None:
    entries = true_entries()
    entries[0] = rewritten(entries[0], parameters=parameters)
    found = holding(entries).judge()
    assert codes(found) >= {"genesis", "tree_root"}
    assert found.figures["leaves"] == LENGTH + 1


@given(kind=st.sampled_from(schemas.BODIES), place=st.integers(0, LENGTH), data=st.data())
@settings(max_examples=300)
def test_any_body_in_any_place_is_judged(kind: str, place: int, data: st.DataObject) -> None:
    """Times before 1970, offsets below zero, ordinals out of range: all of them are findings."""
    entries = true_entries()
    fields: dict[str, Any] = data.draw(values(schemas.tree(kind)))
    entries[place] = entries[place]._replace(body=bodies.encode(kind, fields))
    found = holding(entries).judge()
    assert "tree_root" in codes(found)
    assert found.figures["leaves"] == LENGTH + 1


class Faulty(MemoryLog):
    """Gives what the judge is not made for, from one leaf on."""

    def read(self, span: Span, start: int = 0) -> Iterator[Raw]:
        """Yield the records, the seventh leaf without a value of its type."""
        for number, record in enumerate(super().read(span, start)):
            broken = span.topic == TOPICS.audit and number == 7
            yield (*record[:3], 7) if broken else record  # type: ignore[misc]  # that is the fault


def test_a_fault_of_the_judge_is_reported_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Faulty(deepcopy(true_log().records))
    del log.records[TOPICS.letters][0]
    monkeypatch.setattr(run, "StreamJudge", partial(StreamJudge, kafka=log))
    found = run.judge_log(task(), lambda _: None, keep=False)
    (why,) = found.could_not
    assert "stopped at leaf 7 with AttributeError: " in why
    assert codes(found) == {"letter_missing"}
    report = run.Report([found])
    assert (report.exit_code, report.as_dict()["logs"][0]["could_not_check"]) == (1, [why])
    monkeypatch.setattr(run, "StreamJudge", partial(StreamJudge, kafka=Faulty(true_log().records)))
    unharmed = run.judge_log(task(), lambda _: None, keep=False)
    assert (unharmed.findings, run.Report([unharmed]).exit_code) == ([], 2)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        (
            '{"format": "aegis-trust/v1", "epochs": [{"deployment": "a", "region": "b", '
            '"epoch": 1e999, "partitions": 1, "keys": []}]}'
        ),
    ],
)
def test_a_trust_file_that_is_none_could_not_be_used(text: str) -> None:
    with pytest.raises(CannotCheckError, match="trust file cannot be used"):
        Trust(text.encode())
