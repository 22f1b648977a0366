"""Every lie a receipt can tell is found, and named as what it is."""

from __future__ import annotations

import json
import re

import pytest

from aegis_codecs.errors import NotTrustedError
from aegis_codecs.trust_file import load_trust, render_trust
from aegis_codecs.verifier import Verifier
from conformance.make_fixtures import DIRECTORY, FIXTURES, GENUINE, SUFFIX
from support.logs import trust

FINDINGS: dict[str, str] = json.loads((DIRECTORY / "findings.json").read_text())
HEDGED = re.compile(rb"(?<=\n\xe2\x80\x94 )(\S+) [A-Za-z0-9+/=]{3000,}")


def finding(receipt: bytes) -> str:
    try:
        Verifier(load_trust(DIRECTORY / "trust.json")).verify_receipt(receipt)
    except NotTrustedError as error:
        return error.finding
    return GENUINE


@pytest.mark.parametrize("name", FINDINGS)
def test_committed_receipts_are_judged_as_they_were_when_committed(name: str) -> None:
    assert finding((DIRECTORY / f"{name}{SUFFIX}").read_bytes()) == FINDINGS[name]


@pytest.mark.parametrize("name", FIXTURES)
def test_receipts_made_today_are_judged_as_intended(name: str) -> None:
    expected, make = FIXTURES[name]
    assert finding(make()) == (expected or GENUINE)


@pytest.mark.parametrize("name", FIXTURES)
def test_receipts_made_today_equal_the_committed_ones_but_for_hedging(name: str) -> None:
    committed = (DIRECTORY / f"{name}{SUFFIX}").read_bytes()
    made = FIXTURES[name][1]()
    assert HEDGED.sub(rb"\1", made) == HEDGED.sub(rb"\1", committed)
    assert FINDINGS[name] == (FIXTURES[name][0] or GENUINE)


def test_nothing_else_is_committed() -> None:
    expected = {f"{name}{SUFFIX}" for name in FIXTURES} | {"findings.json", "trust.json"}
    assert {path.name for path in DIRECTORY.iterdir()} == expected
    assert (DIRECTORY / "trust.json").read_bytes() == render_trust(trust())
