"""What the gates found about a proposal, in the form that the rule and the leaf need."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from aegis_codecs.records import bodies
from aegis_governance.gates import NOT_EVALUATED
from aegis_governance.vocabulary import GATES, GateOutcome

if TYPE_CHECKING:
    from aegis_governance.decision.verdict import Gates

PARTS: Final = ("outcome", "value", "threshold", "confidence")
PACKED_FIELDS: Final = tuple(f"{gate}_{part}" for gate in GATES for part in PARTS)
"""The fields of `DecisionMade` that hold the gates."""
CODES: Final = bodies.enum_codes("DecisionMade", "risk_outcome")
"""The byte that stands for each outcome."""
_GATE: Final = struct.Struct("<Bddd")


class GatesFound(NamedTuple):
    """The six gates of one proposal.

    Attributes:
        failing: Names of the failed gates, in gate order.
        confidence: Least confidence of the evaluated gates.
        packed: The fields `PACKED_FIELDS` as they stand in the leaf body.
    """

    failing: tuple[str, ...]
    confidence: float
    packed: bytes


def found_by(gates: Gates) -> GatesFound:
    """Return what an evaluator's results amount to."""
    failing = tuple(
        name for name, gate in zip(GATES, gates, strict=True) if gate.outcome is GateOutcome.FAILED
    )
    sure = [gate.confidence for gate in gates if gate is not NOT_EVALUATED]
    packed = [_GATE.pack(CODES[gate.outcome], *gate[1:]) for gate in gates]
    return GatesFound(failing, min(1.0, *sure), b"".join(packed))
