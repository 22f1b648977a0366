"""The decision rule: the first row that matches decides.

| # | condition | status | reason | override |
| --- | --- | --- | --- | --- |
| 1 | refused input or evaluation error (``refused``) | halt | its code | no |
| 2 | drift critical, enforced | halt | drift_critical | no |
| 3 | complexity gate failed | halt | complexity_floor | no |
| 4 | a gate failed, impact high or critical | escalate | high_impact_gate_failed | yes |
| 5 | a gate failed | halt | gate_failed | yes |
| 6 | a person has to look | pause | human_review | no |
| 7 | drift warning, enforced | proceed | drift_warning, also a constraint | no |
| 8 | otherwise | proceed | all_gates_passed | no |

A person has to look when the proposer asks for it, when the impact is critical, when it is high and
the effect cannot be undone, and when utility was not evaluated although the impact requires it.
An impact that is neither low nor medium counts as high.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from aegis_governance.decision import reasons
from aegis_governance.vocabulary import DriftStatus, Impact, PCWStatus


class Ruling(NamedTuple):
    """Which row of the rule matched.

    Attributes:
        status: The decision's status.
        reason: The row's reason code.
        override_eligible: Whether a two-key override may release it.
    """

    status: PCWStatus
    reason: str
    override_eligible: bool


DRIFT_CRITICAL: Final = Ruling(PCWStatus.HALT, reasons.DRIFT_CRITICAL, False)
COMPLEXITY_FLOOR: Final = Ruling(PCWStatus.HALT, reasons.COMPLEXITY_FLOOR, False)
HIGH_IMPACT_GATE_FAILED: Final = Ruling(PCWStatus.ESCALATE, reasons.HIGH_IMPACT_GATE_FAILED, True)
GATE_FAILED: Final = Ruling(PCWStatus.HALT, reasons.GATE_FAILED, True)
HUMAN_REVIEW: Final = Ruling(PCWStatus.PAUSE, reasons.HUMAN_REVIEW, False)
DRIFT_WARNING: Final = Ruling(PCWStatus.PROCEED, reasons.DRIFT_WARNING, False)
ALL_GATES_PASSED: Final = Ruling(PCWStatus.PROCEED, reasons.ALL_GATES_PASSED, False)


_CRITICAL_DRIFT: Final = DriftStatus.CRITICAL
_WARNING_DRIFT: Final = DriftStatus.WARNING
_SMALL: Final = frozenset({Impact.LOW.value, Impact.MEDIUM.value})
_CRITICAL_IMPACT: Final = Impact.CRITICAL


def decide(
    failing: tuple[str, ...],
    impact: str,
    enforced_drift: DriftStatus | None,
    *,
    asks_for_person: bool,
    reversible: bool,
    utility_missing: bool,
) -> Ruling:
    """Return the first matching row from 2 to 8.

    Args:
        failing: Names of the failed gates.
        impact: The proposal's estimated impact.
        enforced_drift: The agent's drift status; None in shadow mode and where drift is unknown.
        asks_for_person: The proposer requires human approval.
        reversible: Whether the effect can be undone.
        utility_missing: Utility was not evaluated although the impact requires it.
    """
    if enforced_drift == _CRITICAL_DRIFT:
        return DRIFT_CRITICAL
    small = impact in _SMALL
    if failing:
        if "complexity" in failing:
            return COMPLEXITY_FLOOR
        return GATE_FAILED if small else HIGH_IMPACT_GATE_FAILED
    if asks_for_person or utility_missing:
        return HUMAN_REVIEW
    if not small and (not reversible or impact == _CRITICAL_IMPACT):
        return HUMAN_REVIEW
    return DRIFT_WARNING if enforced_drift == _WARNING_DRIFT else ALL_GATES_PASSED
