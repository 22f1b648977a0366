from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aegis_codecs.errors import Finding, NotTrustedError
from aegis_codecs.log.canonical import MAX_NUMBER
from aegis_codecs.log.checkpoint import Checkpoint
from aegis_codecs.log.merkle import EMPTY_ROOT

ROOT = b"A" * 43 + b"="  # 32 zero bytes


@given(st.integers(1, MAX_NUMBER), st.binary(min_size=32, max_size=32))
def test_checkpoints_round_trip(size: int, root: bytes) -> None:
    checkpoint = Checkpoint("aegis/local/1/0", size, root)
    assert Checkpoint.parse(checkpoint.text()) == checkpoint


def test_the_text_is_three_lines() -> None:
    assert Checkpoint("log.example/a", 7, bytes(32)).text() == b"log.example/a\n7\n" + ROOT + b"\n"


def test_the_empty_log_has_one_root() -> None:
    empty = Checkpoint("log.example/a", 0, EMPTY_ROOT)
    assert Checkpoint.parse(empty.text()) == empty


@given(st.binary(max_size=100))
def test_whatever_parses_has_that_one_spelling(data: bytes) -> None:
    for candidate in (data, b"log.example/a\n" + data, b"log.example/a\n7\n" + data):
        try:
            checkpoint = Checkpoint.parse(candidate)
        except NotTrustedError:
            continue
        assert checkpoint.text() == candidate


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"log\n7\n",
        b"log\n7\n" + ROOT,
        b"log\n7\n" + ROOT + b"\nextension\n",
        b"log\n7\n" + ROOT + b"\n\n",
        b"\n7\n" + ROOT + b"\n",
        b"lo g\n7\n" + ROOT + b"\n",
        b"lo+g\n7\n" + ROOT + b"\n",
        b"lo\xffg\n7\n" + ROOT + b"\n",
        b"log\n07\n" + ROOT + b"\n",
        b"log\n-7\n" + ROOT + b"\n",
        b"log\n7 \n" + ROOT + b"\n",
        b"log\n9223372036854775808\n" + ROOT + b"\n",
        b"log\n0\n" + ROOT + b"\n",
        b"log\n7\n" + ROOT[:-1] + b"\n",
        b"log\n7\n" + b"A" * 42 + b"B=\n",
        b"log\n7\n" + b"A" * 42 + b"==\n",
        b"log\n7\n" + b"A" * 44 + b"\n",
        b"log\r\n7\r\n" + ROOT + b"\r\n",
    ],
)
def test_malformed_checkpoints_are_refused(text: bytes) -> None:
    with pytest.raises(NotTrustedError) as raised:
        Checkpoint.parse(text)
    assert raised.value.finding is Finding.MALFORMED_CHECKPOINT
