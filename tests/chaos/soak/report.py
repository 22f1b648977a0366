"""What a soak shows: every figure judged, every sample kept."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from chaos.page import table
from chaos.soak.series import BOUNDS, COST_RATIO, LEAST, MIB, judge_cost, judge_level

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from chaos.soak.sampler import Sample
    from chaos.soak.series import Judgement

_FIGURES: Final = ("rss", "handles", "threads")
RULE: Final = (
    "Flat: even the lower end of the 95 % interval of the Theil-Sen slope over the second half is "
    "at most, per hour: {bounds}. Disk: an input costs at most {ratio} times as much in the second "
    "half as in the first. Fewer than {least} samples in a half are too short to say."
)


@dataclass
class SoakReport:
    """The outcome of a soak.

    Attributes:
        plan: What was asked for.
        judgements: One per figure.
        faults: What went wrong besides.
        samples: Everything that was measured.
    """

    plan: dict[str, Any]
    judgements: list[Judgement]
    faults: list[str]
    samples: list[Sample]

    @property
    def flat(self) -> bool:
        """Whether nothing grows and nothing else went wrong."""
        return not self.faults and all(each.verdict != "grows" for each in self.judgements)

    def save(self, directory: Path) -> Path:
        """Write JSON and page; return the page."""
        directory.mkdir(parents=True, exist_ok=True)
        name = f"soak-{self.plan['seed']}"
        found = {
            "plan": self.plan,
            "flat": self.flat,
            "judgements": [asdict(each) for each in self.judgements],
            "faults": self.faults,
            "samples": [sample.as_dict() for sample in self.samples],
        }
        (directory / f"{name}.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
        path = directory / f"{name}.md"
        path.write_text(self.text() + "\n", encoding="utf-8")
        return path

    def text(self) -> str:
        """Return the page."""
        plan = self.plan
        head = ("figure", "at first", "at last", "per hour (disk: ratio)", "at least", "bound", "")
        rows = [_row(each) for each in self.judgements]
        bounds = ", ".join(f"{kind} {_shown(kind, bound)}" for kind, bound in BOUNDS.items())
        return "\n".join(
            [
                f"# Soak, seed {plan['seed']}",
                "",
                f"{plan['duration']:.0f} s, {plan['rate']:.0f}/s, {len(self.samples)} samples.",
                "",
                *table(head, rows),
                RULE.format(bounds=bounds, ratio=COST_RATIO, least=LEAST),
                "",
                *(f"- WRONG {fault}" for fault in self.faults),
                "flat" if self.flat else "NOT FLAT",
            ]
        )


def judge(samples: Sequence[Sample], ours: Sequence[str]) -> list[Judgement]:
    """Judge every figure of a soak.

    Args:
        samples: In order of time.
        ours: Names of the processes that are judged; the others are shown.
    """
    times = [sample.at for sample in samples]
    inputs = [float(sample.inputs) for sample in samples]
    found = []
    for name in samples[-1].processes:
        for kind in _FIGURES:
            values = [float(getattr(sample.processes[name], kind)) for sample in samples]
            found.append(judge_level(f"{name} {kind}", kind, times, values, ours=name in ours))
    for stage in samples[-1].lag:
        values = [float(sample.lag[stage]) for sample in samples]
        found.append(judge_level(f"{stage} lag", "lag", times, values))
    for topic in samples[-1].disk:
        values = [float(sample.disk.get(topic, 0)) for sample in samples]
        found.append(judge_cost(f"{topic} disk", inputs, values))
    return found


def _row(each: Judgement) -> tuple[str, ...]:
    kind = each.name.rpartition(" ")[2]
    ends = (_shown(kind, each.first), _shown(kind, each.last))
    rate = "disk ratio" if kind == "disk" else kind
    slopes = (_shown(rate, each.slope), _shown(rate, each.low), _shown(rate, each.bound))
    return (each.name, *ends, *slopes, each.verdict)


def _shown(kind: str, value: float) -> str:
    return f"{value / MIB:.1f} MiB" if kind in ("rss", "disk") else f"{value:.2f}"
