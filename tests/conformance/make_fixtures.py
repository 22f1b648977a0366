"""Write the receipts that a verifier must accept or refuse: ``python make_fixtures.py``.

Every lie is named after what it pretends, and told to a verifier that trusts ``trust.json``. All
keys come from fixed words, so that a run differs from the committed files in nothing but the
ML-DSA signatures, which are hedged.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from aegis_codecs.errors import Finding
from aegis_codecs.log.canonical import encode_base64
from aegis_codecs.log.checkpoint import Checkpoint
from aegis_codecs.log.merkle import EMPTY_ROOT, inclusion_path, leaf_hash, node_hash
from aegis_codecs.log.note import Note, NoteSignature, VerifierKey, parse_note
from aegis_codecs.log.receipt import render
from aegis_codecs.trust_file import render_trust
from support.logs import ORIGIN, SampleLog, log_keys, sample_bodies, trust

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DIRECTORY: Final = Path(__file__).parent / "receipts"
SUFFIX: Final = ".tlog-proof"
BODIES: Final = sample_bodies(7)
INDEX: Final = 2
GENUINE: Final = "genuine"


@dataclass(frozen=True)
class Parts:
    """What a receipt is made of, each to be falsified on its own."""

    index: int
    path: tuple[bytes, ...]
    note: bytes
    body: bytes | None

    def receipt(self) -> bytes:
        """Return the receipt of these parts."""
        return render(self.index, self.path, self.note, self.body)


def sealed(origin: str = ORIGIN, words: str = "region local", bodies: int = 7) -> SampleLog:
    """Return a log of some leaves, sealed by the keys that come from `words`."""
    log = SampleLog(origin, log_keys(words))
    log.append(BODIES[:bodies])
    return log


def genuine(index: int = INDEX, size: int = 7) -> Parts:
    """Return the true parts of a leaf's receipt."""
    log = sealed(bodies=size)
    return Parts(index, inclusion_path(log.leaves, index, size), log.seal(), BODIES[index])


def changed(**parts: object) -> bytes:
    """Return the genuine receipt with other parts."""
    return Parts(**(vars(genuine()) | parts)).receipt()


def replaced(old: bytes, new: bytes) -> bytes:
    """Return the genuine receipt with other bytes at one place."""
    receipt = genuine().receipt()
    if receipt.count(old) != 1:
        raise ValueError(f"{old!r} stands {receipt.count(old)} times in the genuine receipt")
    return receipt.replace(old, new)


def with_checkpoint(checkpoint: Checkpoint) -> bytes:
    """Return the genuine receipt under another checkpoint, signed by the log's own keys."""
    return changed(note=log_keys().checkpoint_signer(checkpoint.origin).seal(checkpoint))


def with_text(text: bytes) -> bytes:
    """Return the genuine receipt under a text that the log's Ed25519 key really signed."""
    note = parse_note(genuine().note)
    signer = log_keys()._signers[0][1]
    return changed(
        note=Note(
            text,
            (
                note.signatures[0]._replace(payload=signer.sign(ORIGIN, RawText(text))),  # type: ignore[arg-type]  # only its text is signed
                note.signatures[1],
            ),
        ).to_bytes()
    )


class RawText:
    """Stands for a checkpoint whose text no checkpoint has."""

    def __init__(self, text: bytes) -> None:
        self._text = text

    def text(self) -> bytes:
        """Return the text to sign."""
        return self._text


def with_lines(change: Callable[[tuple[NoteSignature, ...]], tuple[NoteSignature, ...]]) -> bytes:
    """Return the genuine receipt with other signature lines."""
    note = parse_note(genuine().note)
    return changed(note=Note(note.text, change(note.signatures)).to_bytes())


def flipped(data: bytes, at: int) -> bytes:
    """Return `data` with one bit flipped."""
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def payload_flipped(which: int, at: int) -> bytes:
    """Return the genuine receipt with one bit of one signature line's payload flipped."""
    return with_lines(
        lambda lines: tuple(
            line._replace(payload=flipped(line.payload, at)) if i == which else line
            for i, line in enumerate(lines)
        )
    )


def strangers_lines(*, under_known_ids: bool) -> bytes:
    """Return the genuine receipt signed by keys of nobody known, named like the log."""
    stranger = parse_note(sealed(words="stranger").seal())
    ids = [line.key_id for line in parse_note(genuine().note).signatures]
    lines = [
        line._replace(key_id=known) if under_known_ids else line
        for line, known in zip(stranger.signatures, ids, strict=True)
    ]
    return changed(note=Note(stranger.text, tuple(lines)).to_bytes())


def lines_of_another_log() -> bytes:
    """Return the genuine receipt with the lines of its sibling's same tree, renamed."""
    theirs = parse_note(sealed("aegis/local/1/1").seal()).signatures
    return with_lines(
        lambda ours: tuple(
            our._replace(payload=their.payload) for our, their in zip(ours, theirs, strict=True)
        )
    )


def origin_from_the_data(origin: str) -> bytes:
    """Return a consistent receipt of a log that nobody trusts, its vkeys in unknown lines."""
    log = sealed(origin, "stranger")
    vkeys = b"".join(
        NoteSignature(origin, b"vkey", str(key).encode()).to_bytes() for key in log.signer.keys
    )
    return changed(note=log.seal() + vkeys)


def interior_node_as_leaf() -> bytes:
    """Return a receipt whose body is two leaf hashes, one level above the leaves."""
    leaves = [leaf_hash(body) for body in BODIES[:4]]
    log = sealed(bodies=4)
    right = node_hash(leaves[2], leaves[3])
    return Parts(0, (right,), log.seal(), leaves[0] + leaves[1]).receipt()


def unknown_signature_line() -> bytes:
    """Return the genuine receipt with a line of a key that nobody knows."""
    key = VerifierKey("witness.example/w", b"\x04" + bytes(32))
    stranger = NoteSignature(key.name, key.key_id(), bytes(72))
    return with_lines(lambda lines: (stranger, *lines, stranger))


def non_canonical(text: bytes) -> bytes:
    """Return another base64 spelling of the same bytes: the last digit's spare bits set."""
    digits = text.rstrip(b"=")
    return digits[:-1] + bytes([digits[-1] + 1]) + text[len(digits) :]


TRUE = genuine()
NODE = encode_base64(TRUE.path[0])
ROOT = encode_base64(Checkpoint.parse(parse_note(TRUE.note).text).root)
BODY = encode_base64(BODIES[INDEX])

FIXTURES: Final[Mapping[str, tuple[Finding | None, Callable[[], bytes]]]] = {
    "genuine": (None, genuine().receipt),
    "genuine_first_leaf": (None, lambda: genuine(0).receipt()),
    "genuine_last_leaf_of_an_odd_tree": (None, lambda: genuine(6).receipt()),
    "genuine_only_leaf_without_path": (None, lambda: genuine(0, 1).receipt()),
    "genuine_with_unknown_signature_lines": (None, unknown_signature_line),
    # The proof.
    "wrong_root": (
        Finding.ROOT_MISMATCH,
        lambda: with_checkpoint(Checkpoint(ORIGIN, 7, leaf_hash(b"another tree"))),
    ),
    "wrong_size": (
        Finding.PATH_LENGTH,
        lambda: with_checkpoint(sealed().checkpoint._replace(size=3)),
    ),
    "path_truncated": (Finding.PATH_LENGTH, lambda: changed(path=TRUE.path[:-1])),
    "path_missing": (Finding.PATH_LENGTH, lambda: changed(path=())),
    "path_extended": (Finding.PATH_LENGTH, lambda: changed(path=(*TRUE.path, TRUE.path[-1]))),
    "path_node_changed": (
        Finding.ROOT_MISMATCH,
        lambda: changed(path=(flipped(TRUE.path[0], 31), *TRUE.path[1:])),
    ),
    "path_reversed": (Finding.ROOT_MISMATCH, lambda: changed(path=TRUE.path[::-1])),
    "leaf_swapped": (Finding.ROOT_MISMATCH, lambda: changed(body=BODIES[INDEX + 1])),
    "leaf_forged": (Finding.ROOT_MISMATCH, lambda: changed(body=b"leaf body 2, improved")),
    "leaf_missing": (Finding.BODY_MISSING, lambda: changed(body=None)),
    "index_of_another_leaf": (Finding.ROOT_MISMATCH, lambda: changed(index=INDEX + 1)),
    "index_at_size": (Finding.INDEX_BEYOND_SIZE, lambda: changed(index=7)),
    "index_far_beyond_size": (Finding.INDEX_BEYOND_SIZE, lambda: changed(index=2**63 - 1)),
    "leaf_of_the_empty_log": (
        Finding.INDEX_BEYOND_SIZE,
        lambda: with_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT)),
    ),
    "interior_node_as_leaf": (Finding.PATH_LENGTH, interior_node_as_leaf),
    # The signatures.
    "root_changed_after_signing": (
        Finding.SIGNATURE_INVALID,
        lambda: replaced(ROOT, encode_base64(leaf_hash(b"another tree"))),
    ),
    "size_changed_after_signing": (
        Finding.SIGNATURE_INVALID,
        lambda: replaced(b"\n7\n", b"\n8\n"),
    ),
    "ed25519_missing": (Finding.SIGNATURE_MISSING, lambda: with_lines(lambda lines: lines[1:])),
    "mldsa_missing": (Finding.SIGNATURE_MISSING, lambda: with_lines(lambda lines: lines[:1])),
    "ed25519_invalid": (Finding.SIGNATURE_INVALID, lambda: payload_flipped(0, 40)),
    "mldsa_invalid": (Finding.SIGNATURE_INVALID, lambda: payload_flipped(1, 1_000)),
    "mldsa_time_changed": (Finding.SIGNATURE_INVALID, lambda: payload_flipped(1, 7)),
    "mldsa_shortened": (
        Finding.SIGNATURE_INVALID,
        lambda: with_lines(
            lambda lines: (lines[0], lines[1]._replace(payload=lines[1].payload[:-1]))
        ),
    ),
    "payloads_exchanged": (
        Finding.SIGNATURE_INVALID,
        lambda: with_lines(
            lambda lines: (
                lines[0]._replace(payload=lines[1].payload),
                lines[1]._replace(payload=lines[0].payload),
            )
        ),
    ),
    "unknown_keys": (Finding.SIGNATURE_MISSING, partial(strangers_lines, under_known_ids=False)),
    "unknown_keys_under_known_ids": (
        Finding.SIGNATURE_INVALID,
        partial(strangers_lines, under_known_ids=True),
    ),
    "lines_of_another_log_renamed": (Finding.SIGNATURE_INVALID, lines_of_another_log),
    "signature_line_twice": (
        Finding.MALFORMED_NOTE,
        lambda: with_lines(lambda lines: (*lines, lines[0])),
    ),
    # The log.
    "another_logs_checkpoint": (
        Finding.ROOT_MISMATCH,
        lambda: with_checkpoint(
            Checkpoint("aegis/local/1/1", 7, leaf_hash(b"the tree of partition 1"))
        ),
    ),
    "origin_and_keys_from_the_data": (
        Finding.UNKNOWN_ORIGIN,
        lambda: origin_from_the_data("aegis/elsewhere/1/0"),
    ),
    "keys_from_the_data": (Finding.SIGNATURE_MISSING, lambda: origin_from_the_data(ORIGIN)),
    "partition_beyond_the_epoch": (
        Finding.UNKNOWN_ORIGIN,
        lambda: with_checkpoint(sealed().checkpoint._replace(origin="aegis/local/1/2")),
    ),
    "epoch_to_come": (
        Finding.UNKNOWN_ORIGIN,
        lambda: with_checkpoint(sealed().checkpoint._replace(origin="aegis/local/2/0")),
    ),
    # The form.
    "extension_line": (
        Finding.MALFORMED_CHECKPOINT,
        lambda: with_text(sealed().checkpoint.text() + b"epoch 1\n"),
    ),
    "size_with_leading_zero": (
        Finding.MALFORMED_CHECKPOINT,
        lambda: with_text(sealed().checkpoint.text().replace(b"\n7\n", b"\n07\n")),
    ),
    "size_of_64_bits": (
        Finding.MALFORMED_CHECKPOINT,
        lambda: with_text(sealed().checkpoint.text().replace(b"\n7\n", b"\n%d\n" % 2**63)),
    ),
    "root_in_non_canonical_base64": (
        Finding.MALFORMED_CHECKPOINT,
        lambda: with_text(sealed().checkpoint.text().replace(ROOT, non_canonical(ROOT))),
    ),
    "index_with_leading_zero": (
        Finding.MALFORMED_RECEIPT,
        lambda: replaced(b"index 2\n", b"index 02\n"),
    ),
    "index_negative": (Finding.MALFORMED_RECEIPT, lambda: replaced(b"index 2\n", b"index -2\n")),
    "index_missing": (Finding.MALFORMED_RECEIPT, lambda: replaced(b"index 2\n", b"")),
    "path_in_non_canonical_base64": (
        Finding.MALFORMED_RECEIPT,
        lambda: replaced(NODE, non_canonical(NODE)),
    ),
    "path_without_padding": (Finding.MALFORMED_RECEIPT, lambda: replaced(NODE, NODE[:-1])),
    "path_node_of_31_bytes": (
        Finding.MALFORMED_RECEIPT,
        lambda: changed(path=(TRUE.path[0][:31], *TRUE.path[1:])),
    ),
    "extra_in_non_canonical_base64": (
        Finding.MALFORMED_RECEIPT,
        lambda: replaced(BODY, non_canonical(BODY)),
    ),
    "extra_twice": (
        Finding.MALFORMED_RECEIPT,
        lambda: replaced(b"index 2\n", b"extra QQ==\nindex 2\n"),
    ),
    "signature_in_non_canonical_base64": (
        Finding.MALFORMED_NOTE,
        lambda: replaced(
            encoded := encode_base64(b"".join(parse_note(TRUE.note).signatures[0][1:])),
            non_canonical(encoded),
        ),
    ),
    "header_of_another_version": (
        Finding.MALFORMED_RECEIPT,
        lambda: replaced(b"tlog-proof@v1", b"tlog-proof@v2"),
    ),
    "carriage_returns": (
        Finding.MALFORMED_RECEIPT,
        lambda: genuine().receipt().replace(b"\n", b"\r\n"),
    ),
    "trailing_bytes": (Finding.MALFORMED_NOTE, lambda: genuine().receipt() + b"\n"),
    "cut_off": (Finding.MALFORMED_NOTE, lambda: genuine().receipt()[:-100]),
    "note_empty": (Finding.MALFORMED_NOTE, lambda: changed(note=b"")),
    "note_without_signature_lines": (
        Finding.MALFORMED_NOTE,
        lambda: changed(note=sealed().checkpoint.text() + b"\n"),
    ),
    "note_missing": (
        Finding.MALFORMED_RECEIPT,
        lambda: genuine().receipt().partition(b"\n\n")[0] + b"\n",
    ),
    "empty_file": (Finding.MALFORMED_RECEIPT, lambda: b""),
}
"""Name of a receipt -> what a verifier must find (None: nothing, it is genuine), and its maker."""


def main() -> None:
    """Write every receipt, the findings and the trust file anew."""
    DIRECTORY.mkdir(exist_ok=True)
    for old in DIRECTORY.iterdir():
        old.unlink()
    for name, (_, make) in FIXTURES.items():
        (DIRECTORY / f"{name}{SUFFIX}").write_bytes(make())
    findings = {name: finding or GENUINE for name, (finding, _) in FIXTURES.items()}
    (DIRECTORY / "findings.json").write_text(json.dumps(findings, indent=2) + "\n")
    (DIRECTORY / "trust.json").write_bytes(render_trust(trust()))


if __name__ == "__main__":
    main()
