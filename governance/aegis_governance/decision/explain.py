"""All human text about a decision, derived from its codes and numbers.

Records hold codes and numbers only; whoever shows a decision calls ``explain``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aegis_governance.decision import reasons, texts
from aegis_governance.vocabulary import GATES, GateOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aegis_governance.gates import GateResult


class Explanation(NamedTuple):
    """What to tell people.

    Attributes:
        messages: One sentence per gate, by gate name.
        rationale: Why the decision is what it is.
        next_steps: What to do now.
        constraints: What else to know.
        override_requires: Roles whose signatures an override needs; empty when none can help.
    """

    messages: Mapping[str, str]
    rationale: str
    next_steps: tuple[str, ...]
    constraints: tuple[str, ...]
    override_requires: tuple[str, ...]


def explain(
    reason: str,
    gates: Sequence[GateResult],
    constraints: Sequence[str] = (),
    *,
    detail: str = "",
    override_eligible: bool = False,
) -> Explanation:
    """Return the texts for a decision.

    Codes of a later release are shown as they are.

    Args:
        reason: The reason code.
        gates: Results in the order of ``GATES``; outcomes may be plain strings.
        constraints: The constraint codes.
        detail: The recorded detail of a refusal.
        override_eligible: Whether an override may release it.
    """
    return Explanation(
        {name: _message(name, gate, constraints) for name, gate in zip(GATES, gates)},
        _rationale(reason, gates, detail),
        texts.NEXT_STEPS.get(reason, ()),
        tuple(texts.CONSTRAINTS.get(code, code) for code in constraints),
        texts.OVERRIDE_REQUIRES if override_eligible else (),
    )


def _rationale(reason: str, gates: Sequence[GateResult], detail: str) -> str:
    outcomes = [gate[0] for gate in gates]
    failing = [name for name, outcome in zip(GATES, outcomes) if outcome == GateOutcome.FAILED]
    text = f"Reason code {reason!r}"
    if reason in texts.RATIONALES:
        passed = outcomes.count(GateOutcome.PASSED)
        text = texts.RATIONALES[reason].format(passed=passed, failing=", ".join(failing))
    return f"{text}: {detail}" if detail else text


def _message(name: str, gate: GateResult, constraints: Sequence[str]) -> str:
    outcome, value, threshold, _ = gate
    if outcome == GateOutcome.NOT_EVALUATED:
        return "Not evaluated"
    judged, limit = _numbers(value, threshold)
    good = outcome == GateOutcome.PASSED
    if name in ("risk", "profit"):
        return _trigger_message(name, judged, limit, constraints, good=good)
    if name == "novelty":
        return f"Novelty value {judged} is on the {'right' if good else 'wrong'} side of {limit}"
    if name == "utility":
        return f"Lower bound {judged} of utility is {'' if good else 'not '}above {limit}"
    if not good and value >= threshold:
        return f"Quality score {judged} reaches {limit}, but a subscore is zero"
    return f"{name.capitalize()} score {judged} {'reaches' if good else 'is below'} {limit}"


def _trigger_message(
    name: str, judged: str, limit: str, constraints: Sequence[str], *, good: bool
) -> str:
    if not good and name == "risk" and reasons.RISK_CEILING in constraints:
        return f"Proposed risk {judged} is above the ceiling {limit}"
    if not good and name == "profit" and reasons.PROFIT_FLOOR in constraints:
        return f"Proposed profit {judged} is below the floor {limit}"
    change = "rise of risk" if name == "risk" else "adverse change of profit"
    return f"Probability {judged} of a large {change} is {'not ' if good else ''}above {limit}"


def _numbers(value: float, threshold: float) -> tuple[str, str]:
    """Both numbers in six digits, or in full where six digits would show them as equal."""
    short = (format(value, ".6g"), format(threshold, ".6g"))
    return short if short[0] != short[1] or value == threshold else (repr(value), repr(threshold))
