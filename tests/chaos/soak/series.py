"""Is a row of samples flat? One rule per kind of figure, each with a named bound.

*Level* figures (memory, file handles, threads, lag): the Theil-Sen slope over the second half of
the run, per hour. It counts as growth if even the lower end of its 95 % interval is above the
bound, so that noise is no growth and a short run is not judged by a steep piece of noise. Fewer
than `LEAST` samples in that half are not judged at all, and the report says so.

*Cost* figures (disk): what one input costs in the second half, in relation to the first half. The
log is kept, so it grows; what must not grow is its share per input.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final, Literal

from scipy.stats import theilslopes  # type: ignore[import-untyped]  # ships no types

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST: Final = 20
"""Samples in the second half below which nothing is said."""
HOUR: Final = 3600.0
MIB: Final = 1024 * 1024

BOUNDS: Final[dict[str, float]] = {
    "rss": 8 * MIB,
    "handles": 2.0,
    "threads": 1.0,
    "lag": 60.0,
}
"""Kind of a level figure -> growth per hour that is still flat: bytes, numbers, records."""
COST_RATIO: Final = 1.2
"""How much more an input may cost in the second half than in the first."""

Verdict = Literal["flat", "grows", "too short", "not judged"]


@dataclass(frozen=True)
class Judgement:
    """What is said of one figure.

    Attributes:
        name: What was measured, such as "decide-0 rss".
        verdict: The outcome.
        first: Median of the first tenth of the samples.
        last: Median of the last tenth.
        slope: Theil-Sen slope per hour; for a cost the ratio of the halves.
        low: Lower end of the slope's 95 % interval, per hour; the ratio again for a cost.
        bound: What it is compared with.
    """

    name: str
    verdict: Verdict
    first: float
    last: float
    slope: float
    low: float
    bound: float


def judge_level(
    name: str, kind: str, times: Sequence[float], values: Sequence[float], *, ours: bool = True
) -> Judgement:
    """Judge a figure that has to stay where it is.

    Args:
        name: What was measured.
        kind: A key of `BOUNDS`.
        times: Seconds of each sample.
        values: The samples.
        ours: Whether it is judged; figures of other people's servers are only shown.
    """
    half = len(times) // 2
    late, found = times[half:], values[half:]
    if len(late) < LEAST:
        return Judgement(name, "too short", *_ends(values), 0.0, 0.0, BOUNDS[kind])
    result = theilslopes(found, late, 0.95)
    slope, low = float(result[0]) * HOUR, float(result[2]) * HOUR
    verdict: Verdict = "grows" if low > BOUNDS[kind] else "flat"
    verdict = verdict if ours else "not judged"
    return Judgement(name, verdict, *_ends(values), slope, low, BOUNDS[kind])


def judge_cost(name: str, inputs: Sequence[float], values: Sequence[float]) -> Judgement:
    """Judge a figure that may grow with the inputs and no faster.

    Args:
        name: What was measured.
        inputs: Inputs done at each sample.
        values: The samples.
    """
    half = len(inputs) // 2
    if half < LEAST:
        return Judgement(name, "too short", *_ends(values), 0.0, 0.0, COST_RATIO)
    early = _per_input(inputs[: half + 1], values[: half + 1])
    late = _per_input(inputs[half:], values[half:])
    ratio = late / early if early > 0 else float(late > 0)
    verdict: Verdict = "grows" if ratio > COST_RATIO else "flat"
    return Judgement(name, verdict, *_ends(values), ratio, ratio, COST_RATIO)


def _per_input(inputs: Sequence[float], values: Sequence[float]) -> float:
    done = inputs[-1] - inputs[0]
    return (values[-1] - values[0]) / done if done else 0.0


def _ends(values: Sequence[float]) -> tuple[float, float]:
    tenth = max(1, len(values) // 10)
    return median(values[:tenth]), median(values[-tenth:])
