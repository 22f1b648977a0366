"""Samples and generators of the Avro records."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from aegis_codecs.records import types

INT64 = st.integers(-(2**63), 2**63 - 1)
INT32 = st.integers(-(2**31), 2**31 - 1)
TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
NUMBER = st.floats(allow_nan=False)


PRIMITIVES: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": INT32,
    "long": INT64,
    "double": NUMBER,
    "string": TEXT,
    "bytes": st.binary(max_size=90),
}


def values(kind: types.AvroType) -> st.SearchStrategy[Any]:
    """Generate values of a type; NaN is left out because it equals nothing."""
    strategy: st.SearchStrategy[Any]
    match kind:
        case types.Primitive(name):
            strategy = PRIMITIVES[name]
        case types.Fixed(_, size):
            strategy = st.binary(min_size=size, max_size=size)
        case types.Enum(_, symbols):
            strategy = st.sampled_from(symbols)
        case types.Array(items):
            strategy = st.lists(values(items), max_size=3)
        case types.Map(items):
            strategy = st.dictionaries(TEXT, values(items), max_size=3)
        case types.Union(branches):
            strategy = st.one_of([values(branch) for branch in branches])
        case types.Record(_, fields):
            strategy = st.fixed_dictionaries({f.name: values(f.type) for f in fields})
    return strategy


def proposal(**changes: object) -> dict[str, Any]:
    """A faultless proposal with some fields changed."""
    return {
        "proposal_id": "p-1",
        "submitted_at": 1_763_900_000_123,
        "agent_id": "agent-1",
        "session_id": "",
        "phase": "plan",
        "proposal_summary": "Raise the limit from 10 to 12",
        "estimated_impact": "medium",
        "risk_baseline": 0.1,
        "risk_proposed": 0.12,
        "profit_baseline": -1.5,
        "profit_proposed": 2.0,
        "novelty_score": 0.8,
        "complexity_score": 0.7,
        "quality_score": 0.9,
        "quality_subscores": [0.9, 0.8],
        "utility_result": {
            "mean": 1.0,
            "variance": 0.25,
            "lcb": None,
            "z_score": 1.645,
            "components": {"saved": 1.5, "cost": -0.5},
        },
        "requires_human_approval": False,
        "time_sensitive": False,
        "reversible": True,
        "shadow_mode": False,
        "drift_baseline_data": None,
        "metadata": {"commit": "0a1b2c", "author": "Zoë"},
        **changes,
    }
