"""The parameter set: every number and word that a decision depends on besides the proposal.

Defaults equal ``schemas/interface-contract.yaml`` (tested). A parameter set cannot change; another
one takes effect by a recorded activation that carries its bytes and hash.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from aegis_governance.config import canonical, document
from aegis_governance.config.index import BaselineIndex
from aegis_governance.config.members import Baselines, Groups, plain
from aegis_governance.config.rules import Choice, Flag, Number, Rule, Whole
from aegis_governance.config.suggest import refuse_unknown
from aegis_governance.drift.model import DriftModel
from aegis_governance.errors import ConfigError
from aegis_governance.evaluators import CURRENT, evaluator
from aegis_governance.vocabulary import IMPACTS, MODES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from aegis_governance.config.baselines import Baseline
    from aegis_governance.evaluators import Evaluator

_MILLISECONDS_PER_HOUR: Final = 3_600_000


def _held(rule: Rule, meaning: str) -> Mapping[str, object]:
    """What a parameter may hold, and what it means."""
    return {"rule": rule, "meaning": meaning}


@dataclass(frozen=True)
class AegisConfig:
    """The parameter set; checked when it is made, immutable afterwards.

    Each field's meaning, unit and bounds stand beside it and in the contract.

    Raises:
        ConfigError: A value is out of its bounds, or two parameters contradict each other.
    """

    epsilon_R: float = field(
        default=0.01,
        metadata=_held(
            Number(0.0, 1.0, above=True), "Floor of the divisor when risk change is normalised."
        ),
    )
    epsilon_P: float = field(
        default=0.01,
        metadata=_held(
            Number(0.0, 1e9, above=True), "Floor of the divisor when profit change is normalised."
        ),
    )
    risk_trigger_factor: float = field(
        default=2.0,
        metadata=_held(
            Number(0.0, 1e6, above=True), "Normalised rise of risk that triggers the risk gate."
        ),
    )
    profit_trigger_factor: float = field(
        default=2.0,
        metadata=_held(
            Number(0.0, 1e6, above=True), "Normalised change of profit that triggers its gate."
        ),
    )
    trigger_confidence_prob: float = field(
        default=0.95,
        metadata=_held(
            Number(0.5, 1.0, below=True),
            "Probability of a trigger above which the risk and profit gates fail.",
        ),
    )
    risk_ceiling: float = field(
        default=0.9,
        metadata=_held(
            Number(0.0, 1.0), "Proposed risk above this fails the risk gate; 1 switches it off."
        ),
    )
    profit_floor: float | None = field(
        default=None,
        metadata=_held(
            Number(-1e300, 1e300, optional=True), "Proposed profit below this fails its gate."
        ),
    )
    profit_direction: str = field(
        default="drop",
        metadata=_held(
            Choice(("drop", "rise")), "Which change of profit the profit gate watches for."
        ),
    )
    predictive: bool = field(
        default=False,
        metadata=_held(Flag(), "Use the posterior predictive instead of the posterior."),
    )
    prior_sigma: float = field(
        default=1.0,
        metadata=_held(
            Number(1e-6, 1e6), "Standard deviation of the prior of a normalised change."
        ),
    )
    likelihood_sigma: float = field(
        default=0.5,
        metadata=_held(Number(1e-6, 1e6), "Standard deviation of one observed normalised change."),
    )
    novelty_N0: float = field(
        default=0.7,
        metadata=_held(Number(0.0, 1.0), "Novelty score at which the logistic curve is one half."),
    )
    novelty_k: float = field(
        default=10.0,
        metadata=_held(Number(0.0, 500.0, above=True), "Steepness of the logistic curve."),
    )
    novelty_threshold: float = field(
        default=0.6,
        metadata=_held(
            Number(0.0, 1.0), "Value of the logistic curve that the novelty gate asks for."
        ),
    )
    novelty_direction: str = field(
        default="at_least",
        metadata=_held(
            Choice(("at_least", "at_most")), "On which side of the threshold novelty passes."
        ),
    )
    complexity_floor: float = field(
        default=0.5,
        metadata=_held(
            Number(0.5, 1.0), "Least complexity score (higher is simpler); never overridable."
        ),
    )
    quality_min_score: float = field(
        default=0.7, metadata=_held(Number(0.0, 1.0), "Least quality score.")
    )
    utility_z: float = field(
        default=1.645,
        metadata=_held(
            Number(0.0, 10.0), "Standard deviations between mean utility and its lower bound."
        ),
    )
    utility_theta: float = field(
        default=0.0,
        metadata=_held(Number(-1e300, 1e300), "The lower bound of utility must lie above this."),
    )
    utility_required_from: str = field(
        default="high",
        metadata=_held(
            Choice((*IMPACTS, "never")), "Least impact at which utility must be evaluated."
        ),
    )
    tau_warning: float = field(
        default=0.3,
        metadata=_held(Number(0.0, 1e3, above=True), "Divergence in nats from which drift warns."),
    )
    tau_critical: float = field(
        default=0.5,
        metadata=_held(
            Number(0.0, 1e3, above=True), "Divergence in nats from which drift is critical."
        ),
    )
    drift_window: int = field(
        default=100,
        metadata=_held(
            Whole(1, 10_000), "Most recent proposals of an agent that a drift window holds."
        ),
    )
    drift_minimum: int = field(
        default=30,
        metadata=_held(
            Whole(1, 10_000), "Proposals in the window below which drift is not judged."
        ),
    )
    drift_pseudo_count: float = field(
        default=0.5,
        metadata=_held(
            Number(0.0, 100.0, above=True), "Added to every bin before the divergence is taken."
        ),
    )
    agent_baselines: tuple[tuple[str, Baseline], ...] = field(
        default=(), metadata=_held(Baselines(), "Approved baselines by agent.")
    )
    group_baselines: tuple[tuple[str, Baseline], ...] = field(
        default=(),
        metadata=_held(Baselines(), "Approved baselines by group; an agent's own come first."),
    )
    groups: tuple[tuple[str, str], ...] = field(
        default=(), metadata=_held(Groups(), "The group of an agent.")
    )
    horizon_hours: float = field(
        default=24.0,
        metadata=_held(
            Number(0.0, 8784.0, above=True), "Hours for which a proposal id is remembered."
        ),
    )
    horizon_count: int = field(
        default=500_000,
        metadata=_held(Whole(1, 100_000_000), "Most proposal ids remembered per partition."),
    )
    decision_valid_hours: float = field(
        default=24.0,
        metadata=_held(
            Number(0.0, 8784.0, above=True), "Hours for which a releasing decision may be used."
        ),
    )
    mode: str = field(
        default="enforce",
        metadata=_held(Choice(MODES), "Whether drift is enforced, or everything is advisory."),
    )

    def __post_init__(self) -> None:
        for each in fields(self):
            rule: Rule = each.metadata["rule"]
            object.__setattr__(self, each.name, rule.check(each.name, getattr(self, each.name)))
        self._check_together()

    def _check_together(self) -> None:
        if self.tau_warning >= self.tau_critical:
            allowed = f"a number below tau_critical, {self.tau_critical:g}"
            raise ConfigError("tau_warning", self.tau_warning, allowed)
        if self.drift_minimum > self.drift_window:
            allowed = f"a number up to drift_window, {self.drift_window}"
            raise ConfigError("drift_minimum", self.drift_minimum, allowed)
        known = {name for name, _ in self.group_baselines}
        for agent, group in self.groups:
            if group not in known:
                raise ConfigError(f"groups.{agent}", group, "a group named in group_baselines")

    @classmethod
    def default(cls) -> AegisConfig:
        """Return the parameter set of ``schemas/interface-contract.yaml``."""
        return cls()

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> AegisConfig:
        """Return the defaults with ``values`` in place of some.

        Args:
            values: Parameters by name, flat (``novelty_k``) or nested as in the YAML file
                (``parameters: {novelty_gate: {k: ...}}``).

        Raises:
            ConfigError: An unknown key (the message names the nearest one), a parameter given
                twice, or a value out of its bounds.
        """
        flat = document.flatten(values).parameters
        refuse_unknown(flat, PARAMETERS)
        return cls(**flat)

    @classmethod
    def from_yaml(cls, path: str | PathLike[str]) -> AegisConfig:
        """Return the parameter set that a YAML file holds (needs the extra ``config``).

        Raises:
            ConfigError: As ``from_dict``.
            MissingExtraError: PyYAML is not installed.
            UnreadableError: The file cannot be read, or is not YAML.
        """
        return cls.from_dict(document.read_yaml(path))

    @classmethod
    def from_bytes(cls, data: bytes) -> AegisConfig:
        """Return the parameter set that ``to_bytes`` wrote, by this release or an earlier one.

        Parameters that the bytes do not name (they were added by a later release) have their
        defaults, which mean what the earlier release did.

        Raises:
            ConfigError: The bytes are not canonical, or a value is out of its bounds.
        """
        values = canonical.parse(data)
        config = cls.from_dict(values)
        named = {name: value for name, value in config.to_dict().items() if name in values}
        if canonical.render(named) != data:
            raise ConfigError("parameters", data, "the canonical bytes that to_bytes writes")
        return config

    def to_dict(self) -> dict[str, object]:
        """Return all parameters by name, in the form that configuration files use."""
        return {name: plain(getattr(self, name)) for name in PARAMETERS}

    def to_bytes(self) -> bytes:
        """Return the canonical JSON of all parameters: equal sets have equal bytes."""
        return canonical.render(self.to_dict())

    def sha256(self) -> bytes:
        """Return the SHA-256 of ``to_bytes()``, 32 bytes."""
        return sha256(self.to_bytes()).digest()

    @property
    def horizon_ms(self) -> int:
        """``horizon_hours`` in whole milliseconds."""
        return int(self.horizon_hours * _MILLISECONDS_PER_HOUR)

    @property
    def decision_valid_ms(self) -> int:
        """``decision_valid_hours`` in whole milliseconds."""
        return int(self.decision_valid_hours * _MILLISECONDS_PER_HOUR)

    @cached_property
    def baseline_index(self) -> BaselineIndex:
        """The approved baselines by agent."""
        return BaselineIndex(self)

    @cached_property
    def drift_model(self) -> DriftModel:
        """The tables that drift windows under these parameters share."""
        return DriftModel(self)

    def create_gate_evaluator(self) -> Evaluator:
        """Return the current evaluator under these parameters."""
        return evaluator(CURRENT, self)


PARAMETERS: Final[tuple[str, ...]] = tuple(each.name for each in fields(AegisConfig))
"""The names of all parameters, in the order of their declaration."""
