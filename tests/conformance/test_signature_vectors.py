"""Published vectors of both signature algorithms, from the package ``cryptography-vectors``."""

from __future__ import annotations

from importlib.metadata import version
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from cryptography_vectors import open_vector_file

from aegis_codecs.errors import NotTrustedError
from aegis_codecs.signers import algorithm_named
from conformance.make_fixtures import RawText

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aegis_codecs.log.checkpoint import Checkpoint

ED25519 = algorithm_named("ed25519")
MLDSA44 = algorithm_named("ml-dsa-44")


def ed25519_cases() -> Iterator[tuple[bytes, bytes, bytes, bytes]]:
    """Yield seed, public key, message and signature; each line is sk‖pk : pk : m : signature‖m."""
    with open_vector_file("asymmetric/Ed25519/sign.input", "r") as file:
        for line in file:
            secret, public, message, signed = (bytes.fromhex(x) for x in line.split(":")[:4])
            yield secret[:32], public, message, signed[:64]


def mldsa44_cases() -> Iterator[dict[str, bytes]]:
    """Yield seed (xi), public key (pk), message (msg), signature‖message (sm), context (ctx)."""
    with open_vector_file("asymmetric/MLDSA/kat_MLDSA_44_det_pure.rsp", "r") as file:
        for block in file.read().split("count = ")[1:]:
            fields = dict(line.split(" = ") for line in block.splitlines() if " = " in line)
            yield {name: bytes.fromhex(fields[name]) for name in ("xi", "pk", "msg", "sm", "ctx")}


def signed_text(message: bytes) -> Checkpoint:
    """Return what stands for a checkpoint whose text is an arbitrary message."""
    return RawText(message)  # type: ignore[return-value]  # only its text is read


def test_the_vectors_are_those_of_the_library() -> None:
    assert version("cryptography-vectors") == version("cryptography")


def test_ed25519_makes_the_published_keys_and_signatures() -> None:
    count = 0
    for seed, public, message, signature in ed25519_cases():
        signer = ED25519.signer(seed)
        assert signer.public_key == public
        assert signer.sign("log", signed_text(message)) == signature
        assert ED25519.verifier(public).verify("log", signed_text(message), signature) == 0
        count += 1
    assert count == 1024


def test_ed25519_refuses_published_signatures_of_other_messages() -> None:
    cases = list(ed25519_cases())[:64]
    for (_, public, _, signature), (_, _, other, _) in pairwise(cases):
        with pytest.raises(NotTrustedError):
            ED25519.verifier(public).verify("log", signed_text(other), signature)


def test_mldsa44_makes_the_published_keys_and_its_library_verifies_the_signatures() -> None:
    count = 0
    for case in mldsa44_cases():
        assert MLDSA44.signer(case["xi"]).public_key == case["pk"]
        public = MLDSA44PublicKey.from_public_bytes(case["pk"])
        signature = case["sm"][:2420]
        public.verify(signature, case["msg"], case["ctx"])
        with pytest.raises(InvalidSignature):
            public.verify(signature, case["msg"] + b"\0", case["ctx"])
        count += 1
    assert count == 100
