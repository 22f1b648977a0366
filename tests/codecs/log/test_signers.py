from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aegis_codecs.errors import Finding, NotTrustedError, UnsupportedAlgorithmError
from aegis_codecs.log.checkpoint import Checkpoint
from aegis_codecs.log.note import parse_note
from aegis_codecs.signers import (
    ALGORITHMS,
    LOG_ALGORITHMS,
    Algorithm,
    algorithm_named,
    algorithm_of,
    verifier_of,
)
from aegis_codecs.signers.mldsa44 import message
from support.logs import ORIGIN, log_keys

CHECKPOINT = Checkpoint(ORIGIN, 7, bytes(range(32)))
TIME = 1_767_225_600

every_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda each: each.name)


def claimed(algorithm: Algorithm) -> int:
    return TIME if algorithm.for_witnesses else 0


def signed(algorithm: Algorithm, checkpoint: Checkpoint = CHECKPOINT) -> bytes:
    return algorithm.signer(bytes(32)).sign(ORIGIN, checkpoint, claimed(algorithm))


def refused(algorithm: Algorithm, name: str, checkpoint: Checkpoint, payload: bytes) -> bool:
    verifier = algorithm.verifier(algorithm.signer(bytes(32)).public_key)
    with pytest.raises(NotTrustedError) as raised:
        verifier.verify(name, checkpoint, payload)
    return raised.value.finding is Finding.SIGNATURE_INVALID


@every_algorithm
def test_what_is_signed_verifies_and_tells_its_time(algorithm: Algorithm) -> None:
    verifier = algorithm.verifier(algorithm.signer(bytes(32)).public_key)
    assert verifier.verify(ORIGIN, CHECKPOINT, signed(algorithm)) == claimed(algorithm)


@every_algorithm
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_flipped_bit_of_a_payload_fails(algorithm: Algorithm, data: st.DataObject) -> None:
    payload = bytearray(signed(algorithm))
    bit = data.draw(st.integers(0, len(payload) * 8 - 1))
    payload[bit // 8] ^= 1 << bit % 8
    assert refused(algorithm, ORIGIN, CHECKPOINT, bytes(payload))


@every_algorithm
@pytest.mark.parametrize("length", [0, 1, 8, 63, 65, 2419, 2427, 2429])
def test_payloads_of_other_lengths_fail(algorithm: Algorithm, length: int) -> None:
    assert refused(algorithm, ORIGIN, CHECKPOINT, (signed(algorithm) + bytes(2429))[:length])


@every_algorithm
@pytest.mark.parametrize(
    "other",
    [
        CHECKPOINT._replace(origin="aegis/local/1/1"),
        CHECKPOINT._replace(size=8),
        CHECKPOINT._replace(root=bytes(32)),
    ],
)
def test_a_signature_covers_origin_size_and_root(algorithm: Algorithm, other: Checkpoint) -> None:
    assert refused(algorithm, ORIGIN, other, signed(algorithm))


def test_mldsa_covers_the_name_of_who_signs() -> None:
    algorithm = algorithm_named("ml-dsa-44")
    assert refused(algorithm, "witness.example/w", CHECKPOINT, signed(algorithm))


def test_the_mldsa_message_is_the_specified_one() -> None:
    assert message("a", Checkpoint("bc", 258, bytes(range(32))), 3) == bytes.fromhex(
        "737562747265652f76310a00"  # label
        "0161" + "0000000000000003"  # cosigner, time
        "026263" + "0000000000000000" + "0000000000000102"  # origin, start, end
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    )


def test_mldsa_refuses_a_time_of_64_bits() -> None:
    algorithm = algorithm_named("ml-dsa-44")
    assert refused(algorithm, ORIGIN, CHECKPOINT, b"\x80" + signed(algorithm)[1:])


def test_a_log_claims_no_time_and_a_witness_must() -> None:
    with pytest.raises(ValueError, match="cannot carry the time"):
        algorithm_named("ed25519").signer(bytes(32)).sign(ORIGIN, CHECKPOINT, TIME)
    with pytest.raises(ValueError, match="must claim a time"):
        algorithm_named("ed25519-cosignature").signer(bytes(32)).sign(ORIGIN, CHECKPOINT)


@every_algorithm
def test_keys_of_the_wrong_length_are_refused(algorithm: Algorithm) -> None:
    with pytest.raises(ValueError, match=r"bytes|length|seed"):
        algorithm.signer(bytes(31))
    with pytest.raises(ValueError, match=r"bytes|length|seed"):
        algorithm.verifier(bytes(33))


@every_algorithm
def test_the_registry_finds_an_algorithm_by_name_and_by_key(algorithm: Algorithm) -> None:
    public = algorithm.signer(bytes(32)).public_key
    assert algorithm_named(algorithm.name) is algorithm
    assert algorithm_of(algorithm.note_type + public) is algorithm
    verifier = verifier_of(algorithm.note_type + public)
    assert verifier.verify(ORIGIN, CHECKPOINT, signed(algorithm)) == claimed(algorithm)


def test_names_and_types_are_unambiguous() -> None:
    types = [each.note_type for each in ALGORITHMS]
    assert len({each.name for each in ALGORITHMS}) == len(ALGORITHMS)
    assert not any(a != b and a.startswith(b) for a in types for b in types)
    assert {each.post_quantum for each in LOG_ALGORITHMS} == {False, True}


def test_an_unknown_algorithm_could_not_be_checked() -> None:
    with pytest.raises(UnsupportedAlgorithmError, match="no algorithm 'rsa'"):
        algorithm_named("rsa")
    with pytest.raises(UnsupportedAlgorithmError, match="note type 0x02"):
        verifier_of(b"\x02" + bytes(32))


def test_a_seal_has_a_line_per_key_over_the_same_text() -> None:
    signer = log_keys().checkpoint_signer(ORIGIN)
    note = parse_note(signer.seal(CHECKPOINT))
    assert note.text == CHECKPOINT.text()
    assert [(line.name, line.key_id) for line in note.signatures] == [
        (ORIGIN, key.key_id()) for key in signer.keys
    ]
    for key, line in zip(signer.keys, note.signatures, strict=True):
        assert verifier_of(key.key).verify(ORIGIN, CHECKPOINT, line.payload) == 0


def test_a_signer_signs_its_own_log_only() -> None:
    with pytest.raises(ValueError, match="must not sign"):
        log_keys().checkpoint_signer("aegis/local/1/1").seal(CHECKPOINT)


def test_no_private_key_shows_itself() -> None:
    seed = bytes(range(32))
    for algorithm in ALGORITHMS:
        assert seed.hex() not in repr(vars(algorithm.signer(seed)))
