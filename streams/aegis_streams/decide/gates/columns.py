"""The gates of evaluator version 1 for many proposals at once, by columns.

`EvaluatorV1.gates` is the reference; a property test holds both to the same bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from aegis_governance.decision.verdict import NO_GATES
from aegis_governance.gates import GateInputs
from aegis_governance.posterior import BayesianPosterior
from aegis_governance.vocabulary import GATES
from aegis_streams.decide.gates.found import CODES, GatesFound
from aegis_streams.decide.gates.portable import erfc, exp, phi

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from aegis_governance.config import AegisConfig
    from aegis_governance.gates import UtilityEstimate

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

_RISK, _PROFIT, _NOVELTY, _COMPLEXITY, _QUALITY, _UTILITY = range(len(GATES))
_FIELD: Final = {name: number for number, name in enumerate(GateInputs._fields)}
_NUMBERS: Final = (
    "risk_baseline",
    "risk_proposed",
    "profit_baseline",
    "profit_proposed",
    "novelty_score",
    "complexity_score",
    "quality_score",
)
_GATE: Final = np.dtype([("code", "u1"), ("value", "<f8"), ("threshold", "<f8"), ("sure", "<f8")])
_SIZE: Final = _GATE.itemsize * len(GATES)
_PASSED, _FAILED = CODES["passed"], CODES["failed"]
_NAMES: Final = tuple(
    tuple(name for bit, name in enumerate(GATES) if mask >> bit & 1)
    for mask in range(1 << len(GATES))
)
"""The names of the failed gates by a mask with a bit for each gate."""


class _Outcome(NamedTuple):
    """One gate for all proposals: which passed, and value, threshold and confidence of each."""

    passed: Flags
    value: Floats | float
    threshold: Floats | float
    sure: Floats | float


class ColumnGates:
    """Evaluates the gates of version 1 under one parameter set.

    Args:
        config: The parameter set.
    """

    def __init__(self, config: AegisConfig) -> None:
        self._config: Final = config
        posterior = BayesianPosterior(0.0, config.prior_sigma, config.likelihood_sigma)
        self._risk_terms: Final = posterior.terms(
            config.risk_trigger_factor, predictive=config.predictive
        )
        self._profit_terms: Final = posterior.terms(
            config.profit_trigger_factor, predictive=config.predictive
        )
        self._baseline_of: Final = config.baseline_index.of

    def evaluate(self, inputs: Sequence[GateInputs], agents: Sequence[str]) -> list[GatesFound]:
        """Return what the gates find about each proposal.

        Args:
            inputs: Faultless inputs, all numbers floats; at least one.
            agents: The agent of each; decides which approved baselines apply.
        """
        columns = list(zip(*inputs, strict=True))
        numbers = {name: np.array(columns[_FIELD[name]], np.float64) for name in _NUMBERS}
        self._approve(numbers, agents)
        with np.errstate(all="ignore"):
            outcomes = (
                *self._triggers(numbers),
                self._novelty(numbers["novelty_score"]),
                self._complexity(numbers["complexity_score"]),
                self._quality(numbers["quality_score"], columns[_FIELD["quality_subscores"]]),
            )
            return self._found(outcomes, columns[_FIELD["utility"]])

    def _approve(self, numbers: dict[str, Floats], agents: Sequence[str]) -> None:
        for row, agent in enumerate(agents):
            approved = self._baseline_of(agent)
            if approved is None:
                continue
            if approved.risk_baseline is not None:
                numbers["risk_baseline"][row] = approved.risk_baseline
            if approved.profit_baseline is not None:
                numbers["profit_baseline"][row] = approved.profit_baseline

    def _triggers(self, numbers: dict[str, Floats]) -> tuple[_Outcome, _Outcome]:
        """The two gates that ask how probable a large adverse change is."""
        config = self._config
        risk, new_risk = numbers["risk_baseline"], numbers["risk_proposed"]
        rise = (new_risk - risk) / np.where(risk > config.epsilon_R, risk, config.epsilon_R)
        profit, new_profit = numbers["profit_baseline"], numbers["profit_proposed"]
        drop = config.profit_direction == "drop"
        size = np.where(profit >= 0.0, profit, -profit)
        loss = (profit - new_profit) if drop else (new_profit - profit)
        loss = loss / np.where(size > config.epsilon_P, size, config.epsilon_P)
        asked = [
            (terms.distance - terms.weight * change) * terms.scale
            for terms, change in ((self._risk_terms, rise), (self._profit_terms, loss))
        ]
        p_risk, p_profit = np.split(0.5 * erfc(np.concatenate(asked)), 2)
        floor = -np.inf if config.profit_floor is None else config.profit_floor
        return (
            self._trigger(p_risk, new_risk <= config.risk_ceiling, new_risk, config.risk_ceiling),
            self._trigger(p_profit, new_profit >= floor, new_profit, floor),
        )

    def _trigger(self, p: Floats, within: Flags, proposed: Floats, bound: float) -> _Outcome:
        threshold = self._config.trigger_confidence_prob
        quiet = p <= threshold
        return _Outcome(
            within & quiet,
            np.where(within, p, proposed),
            np.where(within, threshold, bound),
            np.where(within, np.where(quiet, 1.0 - p, p), 1.0),
        )

    def _novelty(self, score: Floats) -> _Outcome:
        config = self._config
        g = 1.0 / (1.0 + exp(-config.novelty_k * (score - config.novelty_N0)))
        threshold = config.novelty_threshold
        good = g >= threshold if config.novelty_direction == "at_least" else g <= threshold
        return _Outcome(good, g, threshold, 1.0)

    def _complexity(self, score: Floats) -> _Outcome:
        floor = self._config.complexity_floor
        return _Outcome(score >= floor, score, floor, 1.0)

    def _quality(self, score: Floats, subscores: Sequence[Sequence[float]]) -> _Outcome:
        minimum = self._config.quality_min_score
        whole = np.array([0.0 not in each for each in subscores], np.bool_)
        return _Outcome((score >= minimum) & whole, score, minimum, 1.0)

    def _utility(self, estimates: Sequence[UtilityEstimate]) -> _Outcome:
        z, theta = self._config.utility_z, self._config.utility_theta
        mean, variance = np.array(estimates, np.float64).T
        sigma = np.sqrt(variance)
        bound = mean - z * sigma
        good = bound > theta
        distance = (mean - theta) / sigma
        sure = np.where(sigma > 0.0, phi(np.where(good, distance, -distance)), 1.0)
        return _Outcome(good, bound, theta, sure)

    def _found(
        self, outcomes: Sequence[_Outcome], estimates: Sequence[UtilityEstimate | None]
    ) -> list[GatesFound]:
        gates = np.zeros((len(estimates), len(GATES)), _GATE)
        gates["code"] = CODES[NO_GATES[_UTILITY].outcome]
        for number, outcome in enumerate(outcomes):
            _fill(gates[:, number], outcome)
        rows = [row for row, estimate in enumerate(estimates) if estimate is not None]
        if rows:
            held = [estimate for estimate in estimates if estimate is not None]
            some = np.zeros(len(rows), _GATE)
            _fill(some, self._utility(held))
            gates[rows, _UTILITY] = some
        masks = (gates["code"] == _FAILED) @ (1 << np.arange(len(GATES)))
        unsure = gates["code"] == CODES[NO_GATES[_UTILITY].outcome]
        least = np.where(unsure, 1.0, gates["sure"]).min(axis=1)
        data = gates.tobytes()
        return [
            GatesFound(_NAMES[mask], sure, data[start : start + _SIZE])
            for mask, sure, start in zip(
                masks.tolist(), least.tolist(), range(0, len(data), _SIZE), strict=True
            )
        ]


def _fill(rows: NDArray[np.void], outcome: _Outcome) -> None:
    rows["code"] = np.where(outcome.passed, _PASSED, _FAILED)
    rows["value"] = outcome.value
    rows["threshold"] = outcome.threshold
    rows["sure"] = outcome.sure
