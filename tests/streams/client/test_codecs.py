"""Schemas are fetched when a decoder is made: a registry that is away later loses nothing."""

from __future__ import annotations

import pytest

from aegis_codecs.errors import DecodeError, RegistryUnreachableError
from aegis_codecs.records.envelopes import SignedDecision, signed_decision_codec
from aegis_codecs.records.wire import WireEncoder
from aegis_codecs.registry import ensure_registered
from aegis_streams.client.codecs import decision_decoder
from support.schema_registry import fake_registry

DECISION = SignedDecision(b"body", b"receipt", "d-1", "p-1", "agent-1", "proceed")


def test_a_registry_that_goes_away_is_not_asked_again() -> None:
    with fake_registry() as registry:
        number = ensure_registered(registry.url)["SignedDecision"]
        decode = decision_decoder(registry.url)
        registry.answer = (503, b"")
        encoder: WireEncoder[SignedDecision] = WireEncoder(signed_decision_codec(), number)
        assert decode(encoder.encode(DECISION)) == DECISION


def test_a_schema_that_comes_later_is_fetched_when_it_is_met() -> None:
    with fake_registry() as registry:
        decode = decision_decoder(registry.url)
        number = ensure_registered(registry.url)["SignedDecision"]
        encoder: WireEncoder[SignedDecision] = WireEncoder(signed_decision_codec(), number)
        value = encoder.encode(DECISION)
        good, registry.answer = registry.answer, (503, b"")
        with pytest.raises(RegistryUnreachableError):
            decode(value)
        registry.answer = good
        assert decode(value) == DECISION
        with pytest.raises(DecodeError):
            decode(b"nonsense")


def test_a_registry_that_is_away_is_told_at_once() -> None:
    with fake_registry() as registry:
        registry.answer = (503, b"")
        with pytest.raises(RegistryUnreachableError, match=r"aegis\.decisions-value"):
            decision_decoder(registry.url)
