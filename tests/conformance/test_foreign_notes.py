"""Notes that others signed: the specification's example, and a log with an ML-DSA-44 key."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from aegis_codecs.errors import Finding, NotTrustedError
from aegis_codecs.log.checkpoint import Checkpoint
from aegis_codecs.log.note import Note, VerifierKey, parse_note
from aegis_codecs.signers import algorithm_of, verifier_of
from aegis_codecs.signers.mldsa44 import message
from support.golang import run_go

if TYPE_CHECKING:
    from pathlib import Path

# The example in c2sp.org/signed-note.
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE_NOTE = (
    "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONn"
    "cAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()

TORCHWOOD = "filippo.io/torchwood"
TORCHWOOD_VERSION = "v0.10.0"
TORCHWOOD_SUM = "h1:zgBIImawK53X7lM0qHKcjn0pbDtFLqU04NU9qDvBnjs="
ORIGIN = "example.com/mldsa-log"


def test_the_specifications_example_note_verifies() -> None:
    key, note = VerifierKey.parse(EXAMPLE_KEY), parse_note(EXAMPLE_NOTE)
    (line,) = note.signatures
    assert str(key) == EXAMPLE_KEY
    assert note.to_bytes() == EXAMPLE_NOTE
    assert (line.name, line.key_id) == (key.name, key.key_id())
    assert algorithm_of(key.key).name == "ed25519"
    Ed25519PublicKey.from_public_bytes(key.key[1:]).verify(line.payload, note.text)


@pytest.fixture(scope="module")
def torchwood(tmp_path_factory: pytest.TempPathFactory) -> tuple[VerifierKey, Note]:
    """The log of litewitness's ML-DSA test: its vkey and its first checkpoint."""
    directory: Path = tmp_path_factory.mktemp("torchwood")
    (directory / "go.mod").write_text("module x\n")
    # The module asks for a newer Go than may be here; the client fetches it and then says so.
    wanted = f"{TORCHWOOD}@{TORCHWOOD_VERSION}"
    found = json.loads(run_go(directory, "mod", "download", "-json", wanted, ok=(0, 1)))
    assert found["Sum"] == TORCHWOOD_SUM
    with zipfile.ZipFile(found["Zip"]) as module:
        text = module.read(f"{wanted}/cmd/litewitness/testdata/mldsa.txt").decode()
    key = text.partition(f"-origin {ORIGIN} -key ")[2].split()[0]
    checkpoint = text.partition("old 0\n\n")[2].partition("```")[0]
    return VerifierKey.parse(key), parse_note(checkpoint.encode())


def test_a_foreign_mldsa_checkpoint_verifies(torchwood: tuple[VerifierKey, Note]) -> None:
    key, note = torchwood
    (line,) = note.signatures
    checkpoint = Checkpoint.parse(note.text)
    assert (checkpoint.origin, checkpoint.size) == (ORIGIN, 1)
    assert (line.name, line.key_id) == (key.name, key.key_id())
    assert algorithm_of(key.key).name == "ml-dsa-44"
    assert len(message(key.name, checkpoint, 0)) == 112
    assert verifier_of(key.key).verify(key.name, checkpoint, line.payload) == 0


def test_a_foreign_mldsa_checkpoint_is_signed_in_no_other_context(
    torchwood: tuple[VerifierKey, Note],
) -> None:
    key, note = torchwood
    public = MLDSA44PublicKey.from_public_bytes(key.key[1:])
    signed = message(key.name, Checkpoint.parse(note.text), 0)
    signature = note.signatures[0].payload[8:]
    public.verify(signature, signed)
    with pytest.raises(InvalidSignature):
        public.verify(signature, signed, b"subtree/v1")


@pytest.mark.parametrize("change", [{"size": 2}, {"origin": "example.com/other"}])
def test_a_foreign_mldsa_checkpoint_says_nothing_else(
    torchwood: tuple[VerifierKey, Note], change: dict[str, object]
) -> None:
    key, note = torchwood
    other = Checkpoint(**(Checkpoint.parse(note.text)._asdict() | change))
    with pytest.raises(NotTrustedError) as raised:
        verifier_of(key.key).verify(key.name, other, note.signatures[0].payload)
    assert raised.value.finding is Finding.SIGNATURE_INVALID
