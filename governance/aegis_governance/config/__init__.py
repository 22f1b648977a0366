"""The parameter set and the files it comes from."""

from __future__ import annotations

from aegis_governance.config.baselines import RISK_EDGES, Baseline, FeatureBaseline
from aegis_governance.config.parameters import PARAMETERS, AegisConfig

__all__ = ["PARAMETERS", "RISK_EDGES", "AegisConfig", "Baseline", "FeatureBaseline"]
