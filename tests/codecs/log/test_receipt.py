from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aegis_codecs.errors import Finding, NotTrustedError
from aegis_codecs.log.canonical import MAX_NUMBER
from aegis_codecs.log.receipt import (
    HEADER,
    MAX_BODY_BYTES,
    MAX_RECEIPT_BYTES,
    Receipt,
    parse_receipt,
    render,
    render_receipts,
)

NODE = b"A" * 43 + b"=\n"
NOTE = b"text\n\n\xe2\x80\x94 name AQIDBGE=\n"

nodes = st.binary(min_size=32, max_size=32)
paths = st.lists(nodes, max_size=63).map(tuple)


def refused(data: bytes) -> Finding:
    with pytest.raises(NotTrustedError) as raised:
        parse_receipt(data)
    return raised.value.finding


@given(
    st.integers(0, MAX_NUMBER), paths, st.binary(max_size=99), st.none() | st.binary(max_size=99)
)
def test_receipts_round_trip(
    index: int, path: tuple[bytes, ...], note: bytes, extra: bytes | None
) -> None:
    receipt = Receipt(index, path, note, extra)
    assert parse_receipt(render(index, path, note, extra)) == receipt


@given(st.binary(max_size=80))
def test_whatever_parses_has_that_one_spelling(data: bytes) -> None:
    for prefix in (b"", HEADER, HEADER + b"extra ", HEADER + b"index ", HEADER + b"index 3\n"):
        try:
            found = parse_receipt(prefix + data)
        except NotTrustedError:
            continue
        assert render(found.index, found.path, found.note, found.extra) == prefix + data


@given(st.integers(0, 2**40), st.lists(paths, max_size=5), st.binary(max_size=40))
def test_a_batch_renders_as_its_leaves_one_by_one(
    first: int, batch: list[tuple[bytes, ...]], note: bytes
) -> None:
    expected = [render(first + i, path, note) for i, path in enumerate(batch)]
    assert render_receipts(first, batch, note) == expected


def test_the_longest_body_fits_and_a_longer_one_does_not() -> None:
    body = bytes(MAX_BODY_BYTES)
    assert parse_receipt(render(0, (), NOTE, body)).extra == body
    assert refused(render(0, (), NOTE, body + b"\0")) is Finding.BODY_TOO_LARGE
    assert refused(HEADER + bytes(MAX_RECEIPT_BYTES)) is Finding.MALFORMED_RECEIPT


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEADER,
        HEADER[:-1],
        b"c2sp.org/tlog-proof@v2\nindex 0\n\n" + NOTE,
        b"\n" + HEADER + b"index 0\n\n" + NOTE,
        HEADER + b"extra QQ==",
        HEADER + b"extra QQ\nindex 0\n\n" + NOTE,
        HEADER + b"extra QR==\nindex 0\n\n" + NOTE,
        HEADER + b"extra QQ==\nextra QQ==\nindex 0\n\n" + NOTE,
        HEADER + b"index 0\nextra QQ==\n\n" + NOTE,
        HEADER + b"index\n\n" + NOTE,
        HEADER + b"index 00\n\n" + NOTE,
        HEADER + b"index 01\n\n" + NOTE,
        HEADER + b"index -1\n\n" + NOTE,
        HEADER + b"index 0 \n\n" + NOTE,
        HEADER + b"index 9223372036854775808\n\n" + NOTE,
        HEADER + b"index 0",
        HEADER + b"index 0\n",
        HEADER + b"index 0\n" + NODE,
        HEADER + b"index 0\r\n\r\n" + NOTE,
        HEADER + b"index 0\n" + NODE * 64 + b"\n" + NOTE,
        HEADER + b"index 0\n" + NODE[:-2] + b"\n\n" + NOTE,
        HEADER + b"index 0\n" + b"A" * 42 + b"B=\n\n" + NOTE,
        HEADER + b"index 0\n" + b"A" * 42 + b"==\n\n" + NOTE,
        HEADER + b"index 0\n" + b"A" * 44 + b"\n\n" + NOTE,
        HEADER + b"index 0\n" + b"A" * 44 + b"\n" + b"A" * 42 + b"==\n\n" + NOTE,
        HEADER + b"index 0\n" + b" " + NODE + b"\n" + NOTE,
        HEADER + b"index 0\n" + NODE.replace(b"\n", b" \n") + b"\n" + NOTE,
        HEADER + b"index 0\n" + NODE.replace(b"A", b"-") + b"\n" + NOTE,
    ],
)
def test_malformed_receipts_are_refused(data: bytes) -> None:
    assert refused(data) is Finding.MALFORMED_RECEIPT
