from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aegis_codecs.errors import Finding, NotTrustedError
from aegis_codecs.log.consistency import ConsistencyProof, parse_consistency
from aegis_codecs.log.merkle import consistency_path, leaf_hash, root_of
from aegis_streams.fsck.merkle import is_consistent

LEAVES = [leaf_hash(b"leaf %d" % number) for number in range(40)]
NOTE = b"aegis/local/1/0\n40\nroot\n\n\xe2\x80\x94 somebody c2lnbmF0dXJl\n"

RFC_6962_LEAVES = [
    leaf_hash(bytes.fromhex(text))
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                 "606162636465666768696a6b6c6d6e6f")
]  # fmt: skip
RFC_6962_PROOFS = {
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
"""Of Certificate Transparency's own tests (google/certificate-transparency, merkletree)."""


@pytest.mark.parametrize(("sizes", "wanted"), RFC_6962_PROOFS.items())
def test_known_proofs(sizes: tuple[int, int], wanted: list[str]) -> None:
    old, new = sizes
    path = consistency_path(RFC_6962_LEAVES[:new], old)
    assert [node.hex() for node in path] == wanted
    roots = root_of(RFC_6962_LEAVES[:old]), root_of(RFC_6962_LEAVES[:new])
    assert is_consistent((old, roots[0]), (new, roots[1]), path)


@given(old=st.integers(0, 40), new=st.integers(0, 40))
def test_the_judge_believes_exactly_true_proofs(old: int, new: int) -> None:
    old, new = sorted((old, new))
    path = consistency_path(LEAVES[:new], old)
    first, second = (old, root_of(LEAVES[:old])), (new, root_of(LEAVES[:new]))
    assert is_consistent(first, second, path)
    assert not is_consistent(first, second, [*path, bytes(32)])
    assert not is_consistent((old, bytes(32)), second, path)
    assert not is_consistent(second, (old, first[1]), path) or old == new
    for number in range(len(path)):
        wrong = [*path[:number], bytes(32), *path[number + 1 :]]
        assert not is_consistent(first, second, wrong)
        assert not is_consistent(first, second, path[:number])


@given(old=st.integers(0, 40))
def test_a_file_says_what_was_written(old: int) -> None:
    proof = ConsistencyProof(old, consistency_path(LEAVES, old), NOTE)
    assert parse_consistency(proof.to_bytes()) == proof


@pytest.mark.parametrize(
    "data",
    [
        b"",
        NOTE,
        b"old 5\n" + NOTE,
        b"old 05\n\n" + NOTE,
        b"old -1\n\n" + NOTE,
        b"old 5\nAAAA\n\n" + NOTE,
        b"old 5\n!\n\n" + NOTE,
        b"old 5\n" + b"A" * 43 + b"=\n" * 64 + b"\n" + NOTE,
    ],
)
def test_other_spellings_are_refused(data: bytes) -> None:
    with pytest.raises(NotTrustedError) as refused:
        parse_consistency(data)
    assert refused.value.finding == Finding.MALFORMED_RECEIPT
