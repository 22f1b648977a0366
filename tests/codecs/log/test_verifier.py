from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aegis_codecs.errors import Finding, NotTrustedError
from aegis_codecs.log.merkle import consistency_path
from aegis_codecs.log.note import NoteSignature, VerifierKey
from aegis_codecs.log.receipt import MAX_BODY_BYTES
from aegis_codecs.signers import algorithm_named
from aegis_codecs.trust import Cut
from aegis_codecs.verifier import NOTE_BYTES_HELD, VerifiedLeaf, Verifier
from support.logs import ORIGIN, SampleLog, epoch, sample_bodies, trust

if TYPE_CHECKING:
    from collections.abc import Callable

    from aegis_codecs.log.checkpoint import Checkpoint

NOW = 1_767_225_600


def finding(check: Callable[[], object]) -> Finding:
    with pytest.raises(NotTrustedError) as raised:
        check()
    return raised.value.finding


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.booleans())
def test_every_leaf_of_every_batch_verifies(batches: list[int], inside: bool) -> None:
    log = SampleLog()
    verifier = Verifier(trust())
    for count in batches:
        first = log.tree.size
        bodies = sample_bodies(count, first)
        for offset, receipt in enumerate(log.append(bodies, inside=inside)):
            leaf = verifier.verify_receipt(receipt, None if inside else bodies[offset])
            assert leaf == VerifiedLeaf(
                ORIGIN, first + offset, log.tree.size, log.tree.root(), bodies[offset]
            )


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_flipped_bit_of_a_receipt_fails(data: st.DataObject) -> None:
    receipt = bytearray(RECEIPT)
    bit = data.draw(st.integers(0, len(receipt) * 8 - 1))
    receipt[bit // 8] ^= 1 << bit % 8
    assert finding(lambda: WARM.verify_receipt(bytes(receipt)))


_log = SampleLog()
RECEIPT = _log.append(sample_bodies(5))[3]
WARM = Verifier(trust())
WARM.verify_receipt(RECEIPT)


def test_a_body_may_stand_inside_beside_or_both_alike() -> None:
    log, verifier = SampleLog(), Verifier(trust())
    (inside,) = log.append([b"body"])
    assert verifier.verify_receipt(inside, b"body").body == b"body"
    assert finding(lambda: verifier.verify_receipt(inside, b"another")) is Finding.BODY_DIFFERS
    (without,) = log.append([b"second"], inside=False)
    assert verifier.verify_receipt(without, b"second").body == b"second"
    assert finding(lambda: verifier.verify_receipt(without)) is Finding.BODY_MISSING
    assert finding(lambda: verifier.verify_receipt(without, b"x")) is Finding.ROOT_MISMATCH


def test_the_longest_body_is_verified_and_a_longer_one_refused() -> None:
    log, verifier = SampleLog(), Verifier(trust())
    longest, longer = bytes(MAX_BODY_BYTES), bytes(MAX_BODY_BYTES + 1)
    fitting, too_long = log.append([longest, longer], inside=False)
    assert verifier.verify_receipt(fitting, longest).body == longest
    refused = finding(lambda: verifier.verify_receipt(too_long, longer))
    assert refused is Finding.BODY_TOO_LARGE


def test_signatures_are_checked_once_per_note(monkeypatch: pytest.MonkeyPatch) -> None:
    receipts = SampleLog().append(sample_bodies(20))
    verifier = Verifier(trust())
    calls: list[bytes] = []
    original = Verifier._check_signatures

    def counted(self: Verifier, *args: object) -> None:
        calls.append(b"")
        original(self, *args)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(Verifier, "_check_signatures", counted)
    for receipt in receipts:
        verifier.verify_receipt(receipt)
    assert len(calls) == 1


def test_held_notes_are_bounded_and_forgotten_ones_checked_again() -> None:
    log, verifier = SampleLog(), Verifier(trust(), notes_held=2)
    receipts = [log.append([body])[0] for body in sample_bodies(4)]
    for receipt in (*receipts, *receipts):
        verifier.verify_receipt(receipt)
    assert len(verifier._notes) == 2


@pytest.mark.parametrize("notes_held", [0, 1])
def test_long_notes_and_no_cache_at_all_verify_too(notes_held: int) -> None:
    log, verifier = SampleLog(), Verifier(trust(), notes_held=notes_held)
    log.append(sample_bodies(3))
    filler = NoteSignature("unknown.example", b"abcd", bytes(NOTE_BYTES_HELD)).to_bytes()
    assert verifier.verify_checkpoint(log.seal() + filler) == log.checkpoint
    assert not verifier._notes
    assert verifier.verify_checkpoint(log.seal()) == log.checkpoint
    assert len(verifier._notes) == notes_held


def test_nothing_refused_is_held() -> None:
    log, verifier = SampleLog(), Verifier(trust())
    note = log.seal().replace(b"/0\n", b"/9\n")
    assert finding(lambda: verifier.verify_checkpoint(note)) is Finding.UNKNOWN_ORIGIN
    assert finding(lambda: verifier.advance(note)) is Finding.UNKNOWN_ORIGIN
    assert not verifier._notes
    assert verifier.newest(ORIGIN) is None


def test_a_log_is_followed_as_it_grows() -> None:
    log, verifier = SampleLog(), Verifier(trust())
    for count in (0, 1, 1, 5, 0, 8):
        before = log.tree.size
        if count:
            log.append(sample_bodies(count, before))
        path = consistency_path(log.leaves, before)
        assert verifier.advance(log.seal(), path) == log.checkpoint
        assert verifier.newest(ORIGIN) == log.checkpoint


def test_a_refused_step_leaves_what_was_held() -> None:
    log, verifier = SampleLog(), Verifier(trust())
    log.append(sample_bodies(3))
    held = verifier.advance(log.seal())
    log.append(sample_bodies(2, 3))
    assert finding(lambda: verifier.advance(log.seal())) is Finding.FORKED_HISTORY
    assert verifier.newest(ORIGIN) == held


def test_two_roots_of_one_size_are_noticed_without_being_followed() -> None:
    one, other, verifier = SampleLog(), SampleLog(), Verifier(trust())
    one.append(sample_bodies(3))
    other.append(sample_bodies(3, 10))
    verifier.verify_checkpoint(one.seal())
    assert finding(lambda: verifier.verify_checkpoint(other.seal())) is Finding.FORKED_HISTORY


def test_a_log_is_believed_up_to_its_cut() -> None:
    log = SampleLog()
    log.append(sample_bodies(2))
    before = log.seal()
    log.append(sample_bodies(3, 2))
    at = log.seal()
    cut = (Cut(log.tree.size, log.tree.root()), Cut(0, bytes(32)))
    log.append(sample_bodies(1, 5))
    verifier = Verifier(trust(replace(epoch(), cut=cut)))
    assert verifier.verify_checkpoint(before).size == 2
    assert verifier.verify_checkpoint(at).size == 5
    assert finding(lambda: verifier.verify_checkpoint(log.seal())) is Finding.PAST_CUT
    other = Verifier(trust(replace(epoch(), cut=(Cut(5, bytes(32)), cut[1]))))
    assert finding(lambda: other.verify_checkpoint(at)) is Finding.FORKED_HISTORY


class Witness:
    """A witness with fixed keys."""

    def __init__(self, name: str, algorithm: str) -> None:
        found = algorithm_named(algorithm)
        self._signer = found.signer(name.encode().ljust(32))
        self.key = VerifierKey(name, found.note_type + self._signer.public_key)

    def line(self, checkpoint: Checkpoint, time: int = NOW) -> bytes:
        payload = self._signer.sign(self.key.name, checkpoint, time)
        return NoteSignature(self.key.name, self.key.key_id(), payload).to_bytes()


CLASSICAL = Witness("witness.example/a", "ed25519-cosignature")
QUANTUM = Witness("witness.example/b", "ml-dsa-44")


def witnessed(quorum: int) -> Verifier:
    return Verifier(trust(replace(epoch(), witnesses=(CLASSICAL.key, QUANTUM.key), quorum=quorum)))


@pytest.mark.parametrize("quorum", [0, 1, 2])
@pytest.mark.parametrize("signed", [(), (CLASSICAL,), (QUANTUM,), (CLASSICAL, QUANTUM)])
def test_a_quorum_of_witnesses_must_have_cosigned(quorum: int, signed: tuple[Witness, ...]) -> None:
    log = SampleLog()
    log.append(sample_bodies(3))
    note = log.seal() + b"".join(each.line(log.checkpoint) for each in signed)
    if len(signed) >= quorum:
        assert witnessed(quorum).verify_checkpoint(note) == log.checkpoint
        return
    assert finding(lambda: witnessed(quorum).verify_checkpoint(note)) is Finding.WITNESS_QUORUM


def test_a_witness_without_a_time_does_not_count() -> None:
    log = SampleLog()
    note = log.seal() + QUANTUM.line(log.checkpoint, 0)
    assert witnessed(0).verify_checkpoint(note) == log.checkpoint
    assert finding(lambda: witnessed(1).verify_checkpoint(note)) is Finding.WITNESS_QUORUM


@pytest.mark.parametrize("witness", [CLASSICAL, QUANTUM])
def test_a_known_witness_that_fails_refuses_the_note_at_any_quorum(witness: Witness) -> None:
    log = SampleLog()
    other = log.checkpoint._replace(size=9, root=bytes(32))
    note = log.seal() + witness.line(other)
    assert finding(lambda: witnessed(0).verify_checkpoint(note)) is Finding.SIGNATURE_INVALID


def test_a_witness_counts_once() -> None:
    log = SampleLog()
    note = log.seal() + CLASSICAL.line(log.checkpoint) + CLASSICAL.line(log.checkpoint, NOW + 1)
    assert finding(lambda: witnessed(2).verify_checkpoint(note)) is Finding.MALFORMED_NOTE


def test_unknown_lines_are_ignored() -> None:
    log = SampleLog()
    stranger = Witness("witness.example/c", "ed25519-cosignature").line(log.checkpoint)
    garbage = NoteSignature(ORIGIN, b"\0\0\0\0", b"other algorithm").to_bytes()
    assert Verifier(trust()).verify_checkpoint(log.seal() + stranger * 2 + garbage * 2)
