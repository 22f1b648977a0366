"""Decisions as people and programs see them: a table row, a plain line, a JSON object."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from aegis_governance.decision.explain import Explanation, explain
from aegis_governance.gates import GateResult
from aegis_governance.vocabulary import GATES
from aegis_streams.client.decisions import VerifiedDecision

if TYPE_CHECKING:
    from aegis_streams.client.decisions import RefusedDecision

STYLES: Final = {
    "proceed": "green",
    "pause": "yellow",
    "halt": "red",
    "escalate": "magenta",
    "repeated": "cyan",
    "rejected": "red",
}
"""Terminal colours of what can come of a proposal."""
NOT_TRUSTED: Final = "NOT TRUSTED"


def failing_gates(decision: VerifiedDecision) -> list[str]:
    """Return the names of the gates that failed, in the order of the gates."""
    return [gate for gate in GATES if decision.fields[f"{gate}_outcome"] == "failed"]


def why(decision: VerifiedDecision) -> str:
    """Return the reason with what belongs to it: failing gates, the refused field, a dry run."""
    failing = failing_gates(decision)
    parts = [decision.reason]
    if failing:
        parts.append(", ".join(failing))
    if decision.fields["detail"]:
        parts.append(str(decision.fields["detail"]))
    if decision.fields["dry_run"]:
        parts.append("dry run")
    if decision.fields["mode"] != "enforce":
        parts.append(f"mode {decision.fields['mode']}")
    return ": ".join(parts)


def explanation(decision: VerifiedDecision) -> Explanation:
    """Return the texts that follow from the decision's codes and numbers."""
    fields = decision.fields
    parts = ("outcome", "value", "threshold", "confidence")
    return explain(
        decision.reason,
        [GateResult(*(fields[f"{gate}_{part}"] for part in parts)) for gate in GATES],
        fields["constraints"],
        detail=fields["detail"],
        override_eligible=fields["override_eligible"],
    )


def place(decision: VerifiedDecision) -> str:
    """Return log and index of the decision's leaf."""
    return f"{decision.leaf.origin}#{decision.leaf.index}"


def clock_time(milliseconds: int) -> str:
    """Return a leaf time in UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(milliseconds // 1000))


def as_json(found: VerifiedDecision | RefusedDecision) -> str:
    """Return one decision, or why it is refused, as a JSON object in one line."""
    return json.dumps(as_object(found), ensure_ascii=False, default=bytes.hex)


def as_object(found: VerifiedDecision | RefusedDecision) -> dict[str, Any]:
    """Return the members of the JSON object; bytes stand as they are."""
    if not isinstance(found, VerifiedDecision):
        return {
            "verified": False,
            "finding": found.finding,
            "message": found.message,
            "topic": found.topic,
            "partition": found.partition,
            "offset": found.offset,
        }
    told = explanation(found)
    return {
        "verified": True,
        "decision_id": found.decision_id,
        "proposal_id": found.proposal_id,
        "agent_id": found.agent_id,
        "status": found.status,
        "reason": found.reason,
        "failing_gates": failing_gates(found),
        "origin": found.leaf.origin,
        "index": found.leaf.index,
        "size": found.leaf.size,
        "root": found.leaf.root,
        "rationale": told.rationale,
        "next_steps": told.next_steps,
        "decision": dict(found.fields),
    }


def as_line(found: VerifiedDecision | RefusedDecision) -> str:
    """Return one decision as fields between tabs, for pipes; the order is stable."""
    if not isinstance(found, VerifiedDecision):
        where = f"{found.topic}[{found.partition}]@{found.offset}"
        return f"-\t{NOT_TRUSTED}\t{found.finding}\t{where}\t{found.message}"
    return "\t".join(
        (
            clock_time(found.fields["leaf_time"]),
            found.status,
            found.agent_id,
            found.proposal_id,
            why(found),
            found.decision_id,
            place(found),
            "verified",
        )
    )


def as_text(found: VerifiedDecision | RefusedDecision) -> Text:
    """Return one decision as a coloured line for a terminal."""
    if not isinstance(found, VerifiedDecision):
        return Text(as_line(found).replace("\t", "  "), style="bold red")
    line = Text().append(clock_time(found.fields["leaf_time"])[11:19] + " ", style="dim")
    line.append(f"{found.status:<9}", style=STYLES[found.status])
    line.append(f"{shortened(found.proposal_id, 32):<32} ", style="bold")
    line.append(f"{shortened(found.agent_id, 24):<24} ")
    line.append(f"✓ {place(found)} ", style="green")
    return line.append(why(found), style="dim")


def shortened(text: str, width: int) -> str:
    """Return at most so many characters, the last one an ellipsis if something was cut."""
    return text if len(text) <= width else text[: width - 1] + "…"
