"""Go libraries that share no code with us verify our receipts, and we verify theirs."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aegis_codecs.errors import Finding, NotTrustedError
from aegis_codecs.log.merkle import consistency_path, root_of
from aegis_codecs.log.note import NoteSignature, VerifierKey
from aegis_codecs.log.receipt import parse_receipt, render
from aegis_codecs.signers import algorithm_named, algorithm_of
from aegis_codecs.trust import Epoch, TrustPolicy
from aegis_codecs.verifier import Verifier
from support.golang import run_go
from support.logs import SampleLog, sample_bodies

FOREIGN = Path(__file__).parent / "foreign"
ORIGIN = "aegis/abroad/1/0"
COUNT = 13
TIME = 1_767_225_600


@dataclass(frozen=True)
class Judged:
    """What the foreign program was asked and what it answered."""

    receipts: list[str]
    spoilt: str
    growths: list[str]
    spoilt_growth: str
    made: dict[str, Any]


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def cosigned(log: SampleLog, receipt: bytes) -> tuple[bytes, VerifierKey]:
    """Return a receipt whose note a witness signed too."""
    algorithm = algorithm_named("ed25519-cosignature")
    signer = algorithm.signer(bytes(32))
    key = VerifierKey("witness.example/w", algorithm.note_type + signer.public_key)
    payload = signer.sign(key.name, log.checkpoint, TIME)
    line = NoteSignature(key.name, key.key_id(), payload).to_bytes()
    return receipt + line, key


def receipt_case(log: SampleLog, receipt: bytes, index: int) -> dict[str, object]:
    receipt, witness = cosigned(log, receipt)
    classical, quantum = log.signer.keys
    return {
        "Receipt": text(receipt),
        "Body": text(log.bodies[index]),
        "Origin": log.signer.origin,
        "Classical": str(classical),
        "Others": [str(quantum), str(witness)],
    }


def growth_case(leaves: list[bytes], old: int) -> dict[str, object]:
    return {
        "OldSize": old,
        "OldRoot": text(root_of(leaves[:old])),
        "NewSize": len(leaves),
        "NewRoot": text(root_of(leaves)),
        "Path": [text(node) for node in consistency_path(leaves, old)],
    }


@pytest.fixture(scope="module")
def judged() -> Judged:
    log = SampleLog()
    receipts = log.append(sample_bodies(COUNT))
    cases = [receipt_case(log, receipt, index) for index, receipt in enumerate(receipts)]
    spoilt = cases[0] | {"Body": text(b"another body")}
    growths = [growth_case(log.leaves, old) for old in range(1, COUNT + 1)]
    spoilt_growth = growths[2] | {"OldRoot": text(bytes(32))}
    asked = {
        "Receipts": [*cases, spoilt],
        "Growths": [*growths, spoilt_growth],
        "Origin": ORIGIN,
        "Bodies": [text(body) for body in log.bodies],
    }
    answer = json.loads(
        run_go(FOREIGN, "run", "-mod=readonly", ".", stdin=json.dumps(asked).encode())
    )
    *verified, refused = answer["Receipts"]
    *continued, broken = answer["Growths"]
    return Judged(verified, refused, continued, broken, answer["Made"])


def test_go_verifies_our_receipts_with_both_signatures_and_a_witness(judged: Judged) -> None:
    assert judged.receipts == [""] * COUNT
    assert judged.spoilt


def test_go_verifies_our_consistency_proofs(judged: Judged) -> None:
    assert judged.growths == [""] * COUNT
    assert judged.spoilt_growth


def foreign_verifier(made: dict[str, Any], quorum: int) -> Verifier:
    keys = [VerifierKey.parse(vkey) for vkey in made["Keys"]]
    assert {key.name for key in keys} == {ORIGIN}
    raw = tuple((algorithm_of(key.key).name, key.key[1:]) for key in keys)
    witness = VerifierKey.parse(made["Witness"])
    return Verifier(
        TrustPolicy([Epoch("aegis", "abroad", 1, 1, raw, (witness,), quorum)]),
    )


def test_we_verify_receipts_that_go_made(judged: Judged) -> None:
    verifier = foreign_verifier(judged.made, quorum=1)
    for index, made in enumerate(judged.made["Receipts"]):
        leaf = verifier.verify_receipt(base64.b64decode(made))
        assert (leaf.origin, leaf.index, leaf.size) == (ORIGIN, index, COUNT)
        assert leaf.body == sample_bodies(COUNT)[index]


def test_our_rendering_of_gos_receipts_is_gos(judged: Judged) -> None:
    for made in judged.made["Receipts"]:
        receipt = base64.b64decode(made)
        parsed = parse_receipt(receipt)
        assert render(parsed.index, parsed.path, parsed.note, parsed.extra) == receipt


def test_a_receipt_that_go_made_proves_no_other_body(judged: Judged) -> None:
    parsed = parse_receipt(base64.b64decode(judged.made["Receipts"][3]))
    receipt = render(parsed.index, parsed.path, parsed.note)
    with pytest.raises(NotTrustedError) as raised:
        foreign_verifier(judged.made, quorum=0).verify_receipt(receipt, b"another body")
    assert raised.value.finding is Finding.ROOT_MISMATCH
