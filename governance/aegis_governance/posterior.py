"""What one observed change says about the true change: conjugate normal-normal, known variance.

With prior N(m0, s0^2) and one observation y of standard deviation sL:

    precision = 1/s0^2 + 1/sL^2,  variance = 1/precision,
    mean = variance * (m0/s0^2 + y/sL^2),
    P(change >= t | y) = 1 - Phi((t - mean) / s),

where ``s`` is the posterior's standard deviation, or for the predictive ``sqrt(variance + sL^2)``.
Known weakness, stated by its reviewers: the normal is unbounded and symmetric, and with the default
sigmas a single observation outweighs the prior four to one.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Final, NamedTuple

from aegis_governance.numerics import erfc

if TYPE_CHECKING:
    from collections.abc import Callable

_SQRT_2: Final = sqrt(2.0)


class ExceedanceTerms(NamedTuple):
    """P(change >= t | y) = erfc((distance - weight y) scale) / 2."""

    distance: float
    weight: float
    scale: float


@dataclass(frozen=True)
class BayesianPosterior:
    """The belief about a normalised change after one observation.

    Attributes:
        prior_mean: Mean of the prior; 0 means "no change".
        prior_sigma: Standard deviation of the prior, above 0.
        likelihood_sigma: Standard deviation of one observation, above 0.
    """

    prior_mean: float = 0.0
    prior_sigma: float = 1.0
    likelihood_sigma: float = 0.5

    @property
    def variance(self) -> float:
        """Variance of the posterior; it does not depend on the observation."""
        prior = 1.0 / (self.prior_sigma * self.prior_sigma)
        likelihood = 1.0 / (self.likelihood_sigma * self.likelihood_sigma)
        return 1.0 / (prior + likelihood)

    def mean(self, observed: float) -> float:
        """Mean of the posterior after observing ``observed``."""
        prior = self.prior_mean / (self.prior_sigma * self.prior_sigma)
        likelihood = observed / (self.likelihood_sigma * self.likelihood_sigma)
        return self.variance * (prior + likelihood)

    def exceedance(self, threshold: float, *, predictive: bool = False) -> Callable[[float], float]:
        """Return the function from an observation to P(change >= threshold).

        Args:
            threshold: The change asked about.
            predictive: Ask about the next observation instead of the true change.
        """
        distance, weight, scale = self.terms(threshold, predictive=predictive)

        def probability(observed: float) -> float:
            return 0.5 * erfc((distance - weight * observed) * scale)

        return probability

    def terms(self, threshold: float, *, predictive: bool = False) -> ExceedanceTerms:
        """Return what ``exceedance`` needs besides the observation; arguments as there."""
        variance = self.variance
        constant = variance * (self.prior_mean / (self.prior_sigma * self.prior_sigma))
        weight = variance / (self.likelihood_sigma * self.likelihood_sigma)
        extra = self.likelihood_sigma * self.likelihood_sigma if predictive else 0.0
        scale = 1.0 / (sqrt(variance + extra) * _SQRT_2)
        return ExceedanceTerms(threshold - constant, weight, scale)
