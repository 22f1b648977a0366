"""Reading proposals: short names, strictness, and what was defaulted."""

from __future__ import annotations

import math

import pytest

from aegis_governance import PCWContext, UtilityResult
from aegis_governance.errors import InputError, UnreadableError
from aegis_governance.proposal import ALIASES, NO_SUMMARY, parse, read


def test_short_names() -> None:
    given = dict.fromkeys(ALIASES, 0.25)
    context, defaulted, ignored = read(given)
    assert all(getattr(context, name) == 0.25 for name in ALIASES.values())
    assert not set(ALIASES.values()) & set(defaulted)
    assert ignored == ()


@pytest.mark.parametrize(
    ("given", "risk", "ignored"),
    [
        ({"risk_score": 0.3}, 0.3, ()),
        ({"risk_score": 0.3, "risk": 0.2}, 0.2, ("risk_score",)),
        ({"risk_proposed": 0.2, "risk_score": 0.3}, 0.2, ("risk_score",)),
    ],
)
def test_risk_score_is_the_last_resort(
    given: dict[str, object], risk: float, ignored: tuple[str, ...]
) -> None:
    proposal = read(given)
    assert proposal.context.risk_proposed == risk
    assert proposal.ignored == ignored


def test_what_was_defaulted_is_named() -> None:
    proposal = read({"risk": 0.1, "proposal_id": "p", "metadata": {"anything": 1}})
    assert "risk_proposed" not in proposal.defaulted
    assert proposal.defaulted[0] == "proposal_summary"
    assert {"risk_baseline", "quality_subscores", "reversible"} <= set(proposal.defaulted)
    assert proposal.context.proposal_summary == NO_SUMMARY
    assert proposal.context.proposal_id == "p"


def test_defaults_are_those_of_the_parameter_reference() -> None:
    context = read({}).context
    expected = PCWContext(NO_SUMMARY, session_id=context.session_id)
    assert context == expected
    assert (context.agent_id, context.novelty_score, context.quality_score) == (
        "aegis-cli",
        0.5,
        0.7,
    )


def test_utility() -> None:
    given = {"mean": 1.0, "variance": 0.5, "lcb": 9.0, "components": {"a": 1.0}}
    assert read({"utility_result": given}).context.utility_result == UtilityResult(
        1.0, 0.5, 9.0, None, {"a": 1.0}
    )
    assert read({"utility_result": None}).context.utility_result is None


@pytest.mark.parametrize(
    ("given", "field", "hint"),
    [
        ({"risk_propsed": 0.1}, "unknown key", "'risk_proposed'"),
        ({"zzz": 0.1}, "unknown key", "metadata"),
        ({"risk": 0.1, "risk_proposed": 0.1}, "risk_proposed", "once"),
        ({"utility_result": 5}, "utility_result", "mean and variance"),
        ({"utility_result": {"mean": 1.0}}, "utility_result.variance", "finite"),
        ({"utility_result": {"mean": 1, "variance": 1, "lbc": 0}}, "unknown key", "'lcb'"),
    ],
)
def test_refusals_name_field_and_fix(given: dict[str, object], field: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        read(given)
    assert caught.value.field == field
    assert hint in caught.value.allowed


def test_parsing() -> None:
    assert parse('{"risk": 0.5}') == {"risk": 0.5}
    nan = parse('{"risk": NaN}')["risk"]
    assert isinstance(nan, float)
    assert math.isnan(nan)
    for text in ("", "{", "{'a': 1}", "[" * 100_000):
        with pytest.raises(UnreadableError):
            parse(text)
    for text in ("[]", "5", '{"risk": 0.5, "risk": 0.1}', '{"metadata": {"a": 1, "a": 2}}'):
        with pytest.raises(InputError):
            parse(text)
