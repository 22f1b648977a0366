"""AEGIS governance: pure decisions about the proposals of agents and pipelines.

    from aegis_governance import AegisConfig, PCWContext, pcw_decide

    evaluator = AegisConfig.default().create_gate_evaluator()
    context = PCWContext(proposal_summary="Raise the limit", risk_proposed=0.2)
    decision = pcw_decide(context, gate_evaluator=evaluator)
    decision.status, decision.rationale

This package imports the standard library only.
"""

from __future__ import annotations

from aegis_governance.config import AegisConfig, Baseline, FeatureBaseline
from aegis_governance.context import PCWContext
from aegis_governance.decision import Verdict
from aegis_governance.decision.record import Decision
from aegis_governance.drift import DriftMonitor
from aegis_governance.errors import AegisError
from aegis_governance.pcw import Ambient, pcw_decide
from aegis_governance.posterior import BayesianPosterior
from aegis_governance.telemetry import (
    BatchHTTPSink,
    HTTPEventSink,
    MemorySink,
    TelemetryEmitter,
    http_sink,
)
from aegis_governance.utility import UtilityResult, combine_utility
from aegis_governance.version import __version__
from aegis_governance.vocabulary import DriftStatus, GateOutcome, Impact, PCWPhase, PCWStatus

__all__ = [
    "AegisConfig",
    "AegisError",
    "Ambient",
    "Baseline",
    "BatchHTTPSink",
    "BayesianPosterior",
    "Decision",
    "DriftMonitor",
    "DriftStatus",
    "FeatureBaseline",
    "GateOutcome",
    "HTTPEventSink",
    "Impact",
    "MemorySink",
    "PCWContext",
    "PCWPhase",
    "PCWStatus",
    "TelemetryEmitter",
    "UtilityResult",
    "Verdict",
    "__version__",
    "combine_utility",
    "http_sink",
    "pcw_decide",
]
