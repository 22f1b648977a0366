"""Deciding about one proposal, in process: ``pcw_decide``."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import TYPE_CHECKING, Final, NamedTuple

from aegis_governance import ambient
from aegis_governance.config import AegisConfig
from aegis_governance.decision import reasons
from aegis_governance.decision.record import Circumstances, DriftResult, decision_from
from aegis_governance.decision.verdict import Verdict, refused
from aegis_governance.errors import shown
from aegis_governance.gates import InputFault
from aegis_governance.telemetry.metrics import PROCESS_METRICS
from aegis_governance.vocabulary import FEATURES, Mode

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from aegis_governance.context import PCWContext
    from aegis_governance.decision.record import Decision
    from aegis_governance.drift import DriftMonitor, DriftObservation
    from aegis_governance.errors import InputError
    from aegis_governance.evaluators import Evaluator
    from aegis_governance.gates import GateInputs
    from aegis_governance.telemetry import TelemetryEmitter

_LOG: Final = logging.getLogger(__name__)


class Ambient(NamedTuple):
    """Where the clock and new ids come from; replace them to be repeatable.

    Attributes:
        clock: Gives the decision's time.
        new_id: Gives the decision's id.
    """

    clock: Callable[[], datetime] = ambient.now
    new_id: Callable[[], str] = ambient.new_decision_id


SYSTEM: Final = Ambient()
"""The system's clock and random ids."""


def pcw_decide(
    context: PCWContext,
    gate_evaluator: Evaluator | None = None,
    telemetry_emitter: TelemetryEmitter | None = None,
    *,
    shadow_mode: bool | None = None,
    drift_monitor: DriftMonitor | None = None,
    around: Ambient = SYSTEM,
) -> Decision:
    """Decide about one proposal.

    A faulty proposal and an error during evaluation give a HALT that says so; nothing about a
    proposal makes this function raise.

    Args:
        context: The proposal.
        gate_evaluator: From ``AegisConfig.create_gate_evaluator()``; by default that of the default
            parameter set.
        telemetry_emitter: Told about the proposal, its gates and the decision.
        shadow_mode: A dry run; by default what the proposal says.
        drift_monitor: Watches the agents' drift; a dry run is judged by it but not taken in.
        around: Clock and ids.
    """
    started = perf_counter()
    evaluator = gate_evaluator or AegisConfig.default().create_gate_evaluator()
    dry_run = bool(context.shadow_mode if shadow_mode is None else shadow_mode)
    PROCESS_METRICS.add("aegis_active_proposals")
    try:
        judged = _judge(context, evaluator, drift_monitor, dry_run=dry_run)
    finally:
        PROCESS_METRICS.add("aegis_active_proposals", amount=-1.0)
    decision = _decision(judged, evaluator, around, dry_run=dry_run)
    _count(decision, judged.drift, perf_counter() - started)
    if telemetry_emitter is not None:
        _tell(telemetry_emitter, context, decision, judged.drift)
    return decision


def pcw_refuse(
    error: InputError,
    gate_evaluator: Evaluator,
    *,
    around: Ambient = SYSTEM,
) -> Decision:
    """Return the HALT for something that could not even be read as a proposal.

    Args:
        error: What is wrong with it.
        gate_evaluator: Gives the parameter set that the decision names.
        around: Clock and ids.
    """
    fault = InputFault(error.field, error.value, error.allowed)
    judged = _Judged(refused(reasons.FIELD_INVALID), _told(fault), None)
    decision = _decision(judged, gate_evaluator, around, dry_run=False)
    _count(decision, None, 0.0)
    return decision


class _Judged(NamedTuple):
    verdict: Verdict
    detail: str
    drift: DriftObservation | None


def _decision(judged: _Judged, evaluator: Evaluator, around: Ambient, *, dry_run: bool) -> Decision:
    config = evaluator.config
    facts = Circumstances(
        around.new_id(),
        around.clock().isoformat(),
        dry_run,
        config.mode,
        _drift_result(judged.drift, enforced=config.mode == Mode.ENFORCE),
        config.sha256().hex(),
        evaluator.version,
    )
    return decision_from(judged.verdict, facts, judged.detail)


def _judge(
    context: PCWContext, evaluator: Evaluator, monitor: DriftMonitor | None, *, dry_run: bool
) -> _Judged:
    fault = context.fault()
    if fault is not None:
        return _Judged(refused(reasons.FIELD_INVALID), _told(fault), None)
    inputs = context.gate_inputs()
    drift = None
    if monitor is not None:
        drift = _observe(monitor, context.agent_id, inputs, dry_run=dry_run)
    try:
        return _Judged(evaluator.evaluate(inputs, context.agent_id, drift), "", drift)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in there must end in a HALT
        _LOG.exception("evaluation failed")
        PROCESS_METRICS.add("aegis_errors_total", "evaluator")
        if monitor is not None and not dry_run:
            monitor.take_back(context.agent_id)  # what was refused does not enter the window
        return _Judged(refused(reasons.EVALUATION_ERROR), type(error).__name__, None)


def _told(fault: InputFault) -> str:
    return f"{fault.field} is {shown(fault.value)}; give {fault.allowed}"


def _observe(
    monitor: DriftMonitor, agent_id: str, inputs: GateInputs, *, dry_run: bool
) -> DriftObservation:
    if dry_run:
        return monitor.current(agent_id)
    return monitor.observe(agent_id, inputs.risk_proposed, inputs.profit_proposed)


def _drift_result(drift: DriftObservation | None, *, enforced: bool) -> DriftResult | None:
    if drift is None:
        return None
    return DriftResult(drift.status.value, dict(zip(FEATURES, drift.divergences)), enforced)


def _count(decision: Decision, drift: DriftObservation | None, seconds: float) -> None:
    metrics = PROCESS_METRICS
    metrics.add("aegis_decisions_total", decision.status.value)
    state = "refused" if decision.reason in reasons.REFUSAL_REASONS else "evaluated"
    metrics.add("aegis_proposals_total", state)
    for name, report in decision.gates.items():
        metrics.add("aegis_gates_evaluated_total", name, report.outcome.value)
    for feature, divergence in zip(FEATURES, drift.divergences if drift else ()):
        if divergence is not None:
            metrics.set("aegis_kl_divergence", divergence, feature)
    metrics.observe("aegis_decision_latency_seconds", seconds)


def _tell(
    emitter: TelemetryEmitter,
    context: PCWContext,
    decision: Decision,
    drift: DriftObservation | None,
) -> None:
    """Emit what happened; summaries and metadata stay here."""
    who = {
        "decision_id": decision.decision_id,
        "agent_id": context.agent_id,
        "session_id": context.session_id,
    }
    emitter.emit("proposal.received", {**who, "impact": str(context.gate_inputs().impact)})
    for name, report in decision.gates.items():
        emitter.emit("gate.evaluated", {**who, "gate": name, **report.to_dict()})
    for change in drift.changes if drift else ():
        moved = {"former": change.former.value, "status": change.status.value}
        about = {"feature": change.feature, "divergence": change.divergence}
        emitter.emit("drift.status_changed", {**who, **about, **moved})
    outcome = {
        "status": decision.status.value,
        "reason": decision.reason,
        "confidence": decision.confidence,
        "failing_gates": list(decision.failing_gates),
        "shadow_mode": decision.shadow_mode,
    }
    emitter.emit("decision.made", {**who, **outcome})
