"""The numbers of a git proposal: pure functions, each bounded, from ``+ - * /`` alone.

`docs/git-proposals.md` gives every formula with its reason. No logarithm, power or platform
mathematics occurs, so the same history gives the same bits everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FILE_LINES_CAP: Final = 400
"""Lines after which a single file counts no further (lock files, generated code)."""
BINARY_LINES: Final = 40
"""What a changed binary file counts, in lines."""
HALF_SIZE_LINES: Final = 400
"""Lines that can break something at which a change is of half size."""
HARMLESS_SHARE: Final = 0.25
"""What lines of tests and documentation count towards the size."""
HALF_WORK_LINES: Final = 30
"""Lines of churn at which a change is worth half of what the largest is worth."""
SIZE_WEIGHT: Final = 0.7
"""Largest risk that size alone can give."""
PRONENESS_WEIGHT: Final = 0.7
"""Largest risk that the files' past alone can give."""
PRIOR_CHANGES: Final = 3
"""Changes without a fix each file starts with, so that one early fix does not condemn it."""
SPREAD_FILES: Final = 12
"""Effective files beyond the first that use up the whole simplicity on their own."""
SPREAD_FOLDERS: Final = 6
"""Effective folders beyond the first that use up the whole simplicity on their own."""
WORDS_WEIGHT: Final = 0.85
"""Share of likeness that the words of the message decide."""
FADE_CHANGES: Final = 50
"""Changes after which an earlier change counts half."""
BASELINE_WINDOW: Final = 50
"""How many earlier changes the baselines look at."""
BASELINE_RISK: Final = 0.15
"""Risk assumed where there is no earlier change."""
BASELINE_PROFIT: Final = 0.3
"""Profit assumed where there is no earlier change."""
BASELINE_PRIORS: Final = 5
"""How many assumed values the baselines start from."""
DECIMALS: Final = 6
"""Decimals every number of a proposal is rounded to."""


class Quality(NamedTuple):
    """Quality of a change, each 0 to 1.

    Attributes:
        score: Weighted mean of the facets.
        tests: How well the change is tested.
        documentation: How well it is documented.
        explanation: How well its message explains it; 0 without a message.
    """

    score: float
    tests: float
    documentation: float
    explanation: float


class Profit(NamedTuple):
    """Expected value of a change: a gain, less a loss that comes with a probability.

    Attributes:
        gain: What the change is worth if it holds, 0 to 1.
        loss: What has to be redone if it does not, 0 to 1.
        mean: gain - risk * loss, -1 to 1.
        variance: Variance of the loss, risk * (1 - risk) * loss squared, 0 to 0.25.
    """

    gain: float
    loss: float
    mean: float
    variance: float


def file_churn(added: int | None, deleted: int | None) -> int:
    """Return what one file counts, in lines: 1 to `FILE_LINES_CAP`; None stands for binary."""
    if added is None or deleted is None:
        return BINARY_LINES
    return min(max(added + deleted, 1), FILE_LINES_CAP)


def size(live: int, harmless: int) -> float:
    """Return the size of a change, 0 to below 1.

    Args:
        live: Churn of code and data, in lines.
        harmless: Churn of tests and documentation, in lines.
    """
    return saturation(live + HARMLESS_SHARE * harmless, HALF_SIZE_LINES)


def saturation(amount: float, half: float) -> float:
    """Return amount / (amount + half): 0 at nothing, 0.5 at half, below 1 always."""
    return amount / (amount + half)


def fix_share(changes: int, fixes: int) -> float:
    """Return how often a file's changes were fixes, 0 to below 1, shrunk by the prior."""
    return fixes / (changes + PRIOR_CHANGES)


def weighted_mean(values: Sequence[float], weights: Sequence[int]) -> float:
    """Return the mean of values by weights; 0 if there are none."""
    added = 0.0  # one by one: `sum` of floats rounds differently from Python 3.12 on
    for value, weight in zip(values, weights, strict=True):
        added += value * weight
    total = sum(weights)
    return added / total if total else 0.0


def risk(amount: float, proneness: float) -> float:
    """Return the risk of size and past together: 1 - (1 - 0.7 size)(1 - 0.7 proneness)."""
    return 1.0 - (1.0 - SIZE_WEIGHT * amount) * (1.0 - PRONENESS_WEIGHT * proneness)


def effective_count(weights: Iterable[int]) -> float:
    """Return among how many equal parts a weight would be as spread out as this; at least 1.

    The inverse Simpson index: (sum w)^2 / sum w^2.
    """
    listed = list(weights)
    squares = sum(w * w for w in listed)
    return sum(listed) ** 2 / squares if squares else 1.0


def simplicity(files: float, folders: float) -> float:
    """Return 1 for one file in one folder, falling towards 0 with effective files and folders."""
    return 1.0 / (1.0 + (files - 1.0) / SPREAD_FILES + (folders - 1.0) / SPREAD_FOLDERS)


def overlap(left: frozenset[str], right: frozenset[str]) -> float:
    """Return the share of common members (Jaccard index), 0 to 1; two empty sets are unlike."""
    common = len(left & right)
    return common / (len(left) + len(right) - common) if common else 0.0


def likeness(paths: float, words: float, age: int) -> float:
    """Return how like an earlier change is, 0 to 1, from overlaps and age in changes."""
    told = 1.0 - WORDS_WEIGHT + WORDS_WEIGHT * words
    return paths * told * (FADE_CHANGES / (FADE_CHANGES + age))


def quality(code: int, tests: int, documentation: int, explanation: float) -> Quality:
    """Return the quality of a change from its churn (lines) by purpose and its message.

    Code wants half as many lines of tests and a quarter of documentation; small changes want
    little. A change without code wants neither; configuration and data are not code.
    """
    tested = _served(code, tests, 2)
    documented = _served(code, documentation, 4)
    score = 0.5 * tested + 0.25 * documented + 0.25 * explanation
    return Quality(score, tested, documented, explanation)


def explanation(subject: str, body_words: int) -> float:
    """Return how well a message explains: nothing 0, a subject up to 0.7, a body up to 0.3 more."""
    words = len(subject.split())
    if not words:
        return 0.0
    return 0.4 + 0.3 * min(words, 6) / 6 + 0.3 * min(body_words, 20) / 20


def profit(churn: int, loss: float, quality_score: float, risk_value: float) -> Profit:
    """Return the expected value of a change.

    Args:
        churn: All its lines.
        loss: What is lost if it fails: its size.
        quality_score: Its quality, 0 to 1.
        risk_value: Probability that it fails.
    """
    gain = saturation(churn, HALF_WORK_LINES) * quality_score
    mean = gain - risk_value * loss
    return Profit(gain, loss, mean, risk_value * (1.0 - risk_value) * loss * loss)


def baseline(earlier: Iterable[float], assumed: float) -> float:
    """Return the median of earlier values and `BASELINE_PRIORS` assumed ones."""
    values = sorted([*[assumed] * BASELINE_PRIORS, *earlier])
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2.0


def _served(code: int, other: int, ratio: int) -> float:
    """Return 1 where code has its share of other lines, at least 0.4; small code wants less."""
    if not code:
        return 1.0
    wanted = 1.0 - min(1.0, ratio * other / code)
    return 1.0 - 0.6 * wanted * saturation(code, 40)
