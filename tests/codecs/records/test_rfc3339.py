from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aegis_codecs.records import rfc3339
from aegis_codecs.records.validation import LAST_MILLISECOND


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:00.001z", 1),
        ("1970-01-01T00:00:01.9999Z", 1999),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T18:30:00.5-05:30", 500),
        ("2026-11-23T14:00:00.123456789Z", 1795442400123),
        ("9999-12-31T23:59:59.999Z", LAST_MILLISECOND),
        ("1969-12-31T23:59:59.999Z", -1),
        ("2024-02-29T00:00:00-00:00", 1709164800000),
    ],
)
def test_times(text: str, milliseconds: int) -> None:
    assert rfc3339.parse(text) == milliseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-23",
        "2026-11-23T14:00:00",
        "2026-11-23 14:00:00Z",
        "2026-11-23T14:00Z",
        "2026-11-23T14:00:00.Z",
        "2026-11-23T14:00:00.1234567890Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:60Z",
        "0000-01-01T00:00:00Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+01:60",
        "2026-01-01T00:00:00+0100",
        "٢٠٢٦-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z\n",
        " 2026-01-01T00:00:00Z",
    ],
)
def test_what_is_no_time(text: str) -> None:
    assert rfc3339.parse(text) is None


@given(st.integers(0, LAST_MILLISECOND))
def test_rendered_times_come_back(milliseconds: int) -> None:
    assert rfc3339.parse(rfc3339.render(milliseconds)) == milliseconds


def test_form_of_a_rendered_time() -> None:
    assert rfc3339.render(0) == "1970-01-01T00:00:00.000Z"
