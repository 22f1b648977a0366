"""Utility as a weighted sum of uncertain components.

    U = sum w_i x_i,   Var(U) = sum_ij w_i w_j Cov_ij,   LCB = E[U] - z sqrt(Var(U))

Without covariances the components are taken as independent. The gate recomputes the lower bound
from mean and variance with the approved z; the one given here is for the proposer's information.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from typing import TYPE_CHECKING, Final, NamedTuple

from aegis_governance.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_Z: Final = 1.645
"""One-sided 95 % of the normal distribution."""


@dataclass(frozen=True)
class UtilityResult:
    """The estimated utility of a proposal.

    Attributes:
        mean: Expected utility.
        variance: Its variance, at least 0.
        lcb: The proposer's lower confidence bound; recorded, never read by the gate.
        z_score: The z that ``lcb`` was computed with; recorded, never read by the gate.
        components: Contribution of each component to the mean; recorded only.
    """

    mean: float
    variance: float
    lcb: float | None = None
    z_score: float | None = None
    components: Mapping[str, float] = field(default_factory=dict)


class Component(NamedTuple):
    """One part of utility.

    Attributes:
        weight: Its weight in the sum.
        mean: Its expected value.
        variance: Its variance, at least 0.
    """

    weight: float
    mean: float
    variance: float


def combine_utility(
    components: Mapping[str, Component],
    covariances: Mapping[tuple[str, str], float] | None = None,
    z: float = DEFAULT_Z,
) -> UtilityResult:
    """Return the utility of weighted components.

    Args:
        components: Components by name; their order is the order of summation.
        covariances: Covariance of pairs of different components; each pair once, in any order.
        z: Standard deviations between the mean and the lower bound.

    Raises:
        InputError: A covariance names an unknown component, or the variance comes out negative.
    """
    mean = variance = 0.0
    for part in components.values():
        mean += part.weight * part.mean
        variance += part.weight * part.weight * part.variance
    for (one, other), covariance in (covariances or {}).items():
        for name in (one, other):
            if name not in components:
                raise InputError("covariances", name, "one of " + ", ".join(components))
        variance += 2.0 * components[one].weight * components[other].weight * covariance
    if variance < 0.0:
        raise InputError("variance", variance, "covariances that leave the variance at least 0")
    shares = {name: part.weight * part.mean for name, part in components.items()}
    return UtilityResult(mean, variance, mean - z * sqrt(variance), z, shares)
