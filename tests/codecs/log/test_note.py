from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aegis_codecs.errors import Finding, NotTrustedError
from aegis_codecs.log.note import (
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    Note,
    NoteSignature,
    VerifierKey,
    is_key_name,
    key_id,
    parse_note,
)

LINE = NoteSignature("log.example/a", b"\x01\x02\x03\x04", b"signature").to_bytes()

names = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=60).filter(
    is_key_name
)
signatures = st.builds(
    NoteSignature, names, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=99)
)
lines_of_text = st.text(st.characters(exclude_categories=["C"]), max_size=40)
texts = st.lists(lines_of_text, min_size=1, max_size=5).map(
    lambda lines: ("\n".join(lines) + "\n").encode()
)


def refused(data: bytes) -> str:
    with pytest.raises(NotTrustedError) as raised:
        parse_note(data)
    assert raised.value.finding is Finding.MALFORMED_NOTE
    return str(raised.value)


@given(texts.filter(lambda text: text != b"\n"), st.lists(signatures, min_size=1, max_size=4))
def test_notes_round_trip(text: bytes, lines: list[NoteSignature]) -> None:
    note = Note(text, tuple(lines))
    assert parse_note(note.to_bytes()) == note


@given(st.binary(max_size=120))
def test_whatever_parses_has_that_one_spelling(data: bytes) -> None:
    for candidate in (data, b"text\n\n" + data, b"text\n\n" + LINE + data):
        try:
            note = parse_note(candidate)
        except NotTrustedError:
            continue
        assert note.to_bytes() == candidate


def test_the_last_empty_line_separates_text_from_signatures() -> None:
    note = parse_note(b"first\n\nsecond\n\n" + LINE)
    assert note.text == b"first\n\nsecond\n"
    assert [line.name for line in note.signatures] == ["log.example/a"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\n\n",
        b"text\n",
        b"text\n\n",
        b"\n\n" + LINE,
        b"text\n" + LINE,
        b"text\n\n" + LINE[:-1],
        b"text\n\n" + LINE + b"\n",
        b"text\n\n" + LINE + b"trailing\n",
        b"text\n\n" + LINE + b"\x00",
        b"te\txt\n\n" + LINE,
        b"te\rxt\n\n" + LINE,
        b"te\x7fxt\n\n" + LINE,
        b"te\xff\n\n" + LINE,
        b"text\n\n" + LINE.replace("—".encode(), b"-"),
        b"text\n\n" + LINE.replace(b" log", b"  log"),
        b"text\n\n" + LINE.replace(b"log.", b"log+"),
        b"text\n\n" + LINE.replace(b"log.", "log\u2003".encode()),
        "text\n\n— log.example/a AQIDBA==\n".encode(),
        "text\n\n— log.example/a AQIDBGE\n".encode(),
        "text\n\n— log.example/a AQIDBGF=\n".encode(),
        "text\n\n— log.example/a\n".encode(),
        "text\n\n—\n".encode(),
    ],
)
def test_malformed_notes_are_refused(data: bytes) -> None:
    assert refused(data)


def test_sixteen_lines_are_accepted_and_too_many_are_not() -> None:
    assert len(parse_note(b"text\n\n" + LINE * 16).signatures) == 16
    assert len(parse_note(b"text\n\n" + LINE * MAX_SIGNATURES).signatures) == MAX_SIGNATURES
    assert "signature lines" in refused(b"text\n\n" + LINE * (MAX_SIGNATURES + 1))
    assert "bytes are more" in refused(b"t" * MAX_NOTE_BYTES + b"\n\n" + LINE)


@given(names, st.binary(min_size=2, max_size=60))
def test_vkeys_round_trip(name: str, key: bytes) -> None:
    vkey = VerifierKey(name, key)
    assert VerifierKey.parse(str(vkey)) == vkey
    assert vkey.key_id() == key_id(name, key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000",
        "+530d903a+AcE=",
        "na me+530d903a+AcE=",
        "name+530D903A+AcE=",
        "name+530d903+AcE=",
        "name+530d903a+AcF=",
        "name+530d903a+AcE=\n",
    ],
)
def test_malformed_vkeys_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"vkey|base64"):
        VerifierKey.parse(text)


def test_a_vkey_whose_name_was_changed_is_refused() -> None:
    text = str(VerifierKey("log.example/a", b"\x01" + bytes(32)))
    with pytest.raises(ValueError, match="name or key was changed"):
        VerifierKey.parse(text.replace("log.example/a", "log.example/b"))


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\tb", "a\u00a0b", "a\u202eb", "n" * 256])
def test_names_that_cannot_be_keys(name: str) -> None:
    assert not is_key_name(name)
