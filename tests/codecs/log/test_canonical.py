from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aegis_codecs.log.canonical import MAX_NUMBER, decode_base64, decode_number, encode_base64


@given(st.binary(max_size=200))
def test_base64_round_trips_and_is_the_standard_alphabet(data: bytes) -> None:
    assert encode_base64(data) == base64.b64encode(data)
    assert decode_base64(encode_base64(data)) == data


@given(st.binary(max_size=40))
def test_whatever_decodes_has_that_one_spelling(text: bytes) -> None:
    try:
        data = decode_base64(text)
    except ValueError:
        return
    assert encode_base64(data) == text


@pytest.mark.parametrize(
    "text",
    [b"QQ", b"QQ=", b"QR==", b"QQ==\n", b" QQ==", b"Q Q==", b"QQ==QQ==", b"-_==", b"====", b"\xff"],
)
def test_other_spellings_are_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="is not base64"):
        decode_base64(text)


@given(st.integers(0, MAX_NUMBER))
def test_numbers_round_trip(number: int) -> None:
    assert decode_number(b"%d" % number) == number


@pytest.mark.parametrize(
    "text",
    [b"", b"00", b"01", b"+1", b"-1", b" 1", b"1 ", b"1\n", b"1_0", b"0x1", b"1.0", b"\xd9\xa1"],
)
def test_other_numerals_are_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="decimal form"):
        decode_number(text)


@pytest.mark.parametrize("text", [b"%d" % (MAX_NUMBER + 1), b"9" * 19, b"9" * 5000])
def test_numbers_above_63_bits_are_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"2\^63|decimal form"):
        decode_number(text)
