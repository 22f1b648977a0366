"""What must become of each input, computed from what its sender knows: nothing of the product.

The model is fed with the inputs of one partition in leaf order. It knows the rules about ids
(rules 1 and 4) and nothing else: an id is used up by the first record that surely carries it; the
same content again is a repeat; other content is refused. Within a run nothing leaves the horizon
and it never fills.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from chaos.submissions import Meaning

DECISION: Final = "DecisionMade"
REJECTED: Final = "InputRejected"
REPEATED: Final = "ProposalRepeated"


class Cause(NamedTuple):
    """Coordinates of an input within its partition."""

    topic: str
    offset: int


class Outcome(NamedTuple):
    """What the leaf with ordinal 0 must say.

    Attributes:
        kind: Its kind.
        reason: Its refusal code; empty for a verdict of the gates and for a repeat.
        status: Its status, empty if there is none or the model cannot tell.
        letter: Whether a dead letter goes with it.
        first: The input whose decision a repeat must name; None otherwise.
    """

    kind: str
    reason: str = ""
    status: str = ""
    letter: bool = False
    first: Cause | None = None


class Model:
    """The ids of one partition."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], tuple[bytes, Cause]] = {}

    def take(self, cause: Cause, meaning: Meaning) -> Outcome:
        """Return what must become of the next input."""
        if meaning.refusal and not meaning.named:
            return Outcome(REJECTED, meaning.refusal, letter=True)
        known = self._seen.setdefault(
            (meaning.agent_id, meaning.proposal_id), (meaning.content, cause)
        )
        content, first = known
        if first != cause and content == meaning.content:
            return Outcome(REPEATED, first=first)
        if meaning.refusal:
            return Outcome(DECISION, meaning.refusal, "halt", letter=True)
        if first != cause:
            return Outcome(DECISION, "duplicate_id", "halt")
        return Outcome(DECISION, status=meaning.status)
