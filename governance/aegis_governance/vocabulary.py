"""The closed vocabularies: every word that a decision may be made of.

All members are strings equal to their value, so records decoded from the wire compare equal to
them without conversion.
"""

from __future__ import annotations

from enum import Enum
from typing import Final


class PCWStatus(str, Enum):
    """What a decision says about the proposal."""

    PROCEED = "proceed"
    PAUSE = "pause"
    HALT = "halt"
    ESCALATE = "escalate"


class PCWPhase(str, Enum):
    """The phase of the work that a proposal belongs to."""

    PLAN = "plan"
    EXECUTE = "execute"
    VERIFY = "verify"


class Impact(str, Enum):
    """The estimated impact of a proposal, in rising order."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class GateOutcome(str, Enum):
    """The outcome of one gate."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_EVALUATED = "not_evaluated"


class DriftStatus(str, Enum):
    """How far an agent's recent behaviour is from its approved baseline, in rising order."""

    INSUFFICIENT_DATA = "insufficient_data"
    NORMAL = "normal"
    WARNING = "warning"
    CRITICAL = "critical"


class Mode(str, Enum):
    """Whether drift is enforced (``enforce``) or everything is advisory (``shadow``)."""

    ENFORCE = "enforce"
    SHADOW = "shadow"


PHASES: Final = tuple(phase.value for phase in PCWPhase)
IMPACTS: Final = tuple(impact.value for impact in Impact)
MODES: Final = tuple(mode.value for mode in Mode)
DRIFT_STATUSES: Final = tuple(status.value for status in DriftStatus)
GATES: Final = ("risk", "profit", "novelty", "complexity", "quality", "utility")
"""The six gates, in the order in which every record and result lists them."""
FEATURES: Final = ("risk", "profit")
"""The features whose drift is watched, in the order in which every record lists them."""
