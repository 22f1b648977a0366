"""Decisions: the rule, the verdict, and the texts derived from it."""

from __future__ import annotations

from aegis_governance.decision.verdict import Gates, Verdict, refused

__all__ = ["Gates", "Verdict", "refused"]
