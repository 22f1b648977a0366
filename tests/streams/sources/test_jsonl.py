"""Lines of a source: numbered and bounded, whatever the line ends."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from aegis_streams.sources.jsonl import MAX_LINE_BYTES, Line, numbered_lines


def test_blank_lines_are_counted_and_left_out() -> None:
    stream = io.BytesIO(b'{"a": 1}\r\n\n   \n{"b": 2}')
    assert list(numbered_lines(stream)) == [Line(1, b'{"a": 1}'), Line(4, b'{"b": 2}')]


def test_a_line_that_is_too_long_is_cut_and_the_next_one_found() -> None:
    stream = io.BytesIO(b"x" * (MAX_LINE_BYTES * 3) + b"\nshort\n")
    long, short = numbered_lines(stream)
    assert len(long.text) == MAX_LINE_BYTES + 1
    assert short == Line(2, b"short")


@given(st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"").strip())))
def test_what_is_written_line_by_line_is_read_so(written: list[bytes]) -> None:
    stream = io.BytesIO(b"".join(line + b"\n" for line in written))
    expected = [Line(n, line) for n, line in enumerate(written, 1) if line]
    assert list(numbered_lines(stream)) == expected
