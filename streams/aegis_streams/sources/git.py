"""Proposals from a git history: every change that landed on a branch, as CI/CD would propose it.

One proposal for each commit of the first-parent history, oldest first; a merge stands for what
it brought in. A commit's proposal depends on that commit and its first-parent ancestors alone:
it stays the same, byte for byte, however the history grows. Formulas: `docs/git-proposals.md`.

    for proposal in git_proposals(Path(".")):
        producer.submit(proposal)
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, Final

from aegis_streams.sources import git_measures as measure
from aegis_streams.sources.git_log import Commit, FileChange, read_commits
from aegis_streams.sources.git_memory import TRACE_PATHS, TRACE_WORDS, PathMemory, Trace
from aegis_streams.sources.git_paths import Purpose, Stake, folder, purpose, stakes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MAX_SUMMARY: Final = 300
"""Longest summary of a proposal, in characters."""
HALF: Final = 0.5
"""Size and risk from which a change counts as big and as risky."""
MAX_TIME_MS: Final = 253_402_300_799_999
"""Latest time a proposal can carry: the end of the year 9999, milliseconds."""

_FIX: Final = re.compile(
    r"\b(fix|fixes|fixed|fixing|bug|bugs|bugfix|hotfix|regression|defect|repair|repairs|repaired"
    r"|revert|reverts|crash|crashes|broken)\b",
    re.IGNORECASE,
)
_REVERT: Final = re.compile(r"\brevert(s|ed|ing)?\b", re.IGNORECASE)
_URGENT: Final = re.compile(r"\b(hotfix|urgent|security|vulnerability|cve-\d+)\b", re.IGNORECASE)
_WORD: Final = re.compile(r"[a-z0-9]{3,}")
_COMMON_WORD: Final = re.compile(
    r"and|are|branch|but|for|from|has|into|merge|not|now|pull|request|that|the|this|was|with"
)
_NOT_SLUG: Final = re.compile(r"[^a-z0-9]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def git_proposals(path: Path) -> Iterator[dict[str, Any]]:
    """Read a repository and yield one `ProposalSubmitted` record per change, oldest first.

    Raises:
        HistoryError: There is no readable history at the path.
    """
    return proposals_of(read_commits(path))


def proposals_of(commits: Iterable[Commit]) -> Iterator[dict[str, Any]]:
    """Yield the proposals of a first-parent history given oldest first."""
    history = _History()
    for commit in commits:
        yield history.propose(commit)


def newest(proposals: Iterable[dict[str, Any]], limit: int | None) -> Iterable[dict[str, Any]]:
    """Return the last `limit` proposals, oldest first; all of them without a limit.

    The ones before are computed all the same: they are the past of those returned.
    """
    return proposals if limit is None else deque(proposals, maxlen=limit)


def agent_of(author: str, email: str) -> str:
    """Return an agent id for an author: a readable part and a hash that keeps namesakes apart.

    The address itself does not appear: it is personal data that a log never forgets.
    """
    slug = _NOT_SLUG.sub("-", author.lower()).strip("-")[:40].strip("-") or "author"
    digest = hashlib.sha256(email.strip().lower().encode("utf-8", "replace")).hexdigest()
    return f"git-{slug}-{digest[:8]}"


class _Change:
    """One commit with its churn told apart by file and purpose."""

    def __init__(self, commit: Commit, number: int) -> None:
        self.commit = commit
        subject, _, body = commit.message.strip().partition("\n")
        self.subject = _CONTROL.sub(" ", subject).strip()
        self.body_words = len(body.split())
        self.is_fix = bool(_FIX.search(self.subject))
        self.churns = [measure.file_churn(file.added, file.deleted) for file in commit.files]
        self.churn = sum(self.churns)
        self.by_purpose = Counter[Purpose]()
        self.stakes: set[Stake] = set()
        for file, churn in zip(commit.files, self.churns, strict=True):
            self.by_purpose[purpose(file.path)] += churn
            self.stakes |= stakes(file.path)
        harmless = self.by_purpose[Purpose.TEST] + self.by_purpose[Purpose.DOCUMENTATION]
        self.size = measure.size(self.churn - harmless, harmless)
        self.trace = Trace(number, _first_paths(commit.files), _first_words(commit.message))

    def simplicity(self) -> float:
        """Return how little the change is spread over files and folders."""
        folders = Counter[str]()
        for file, churn in zip(self.commit.files, self.churns, strict=True):
            folders[folder(file.path)] += churn
        return measure.simplicity(
            measure.effective_count(self.churns), measure.effective_count(folders.values())
        )

    def quality(self) -> measure.Quality:
        """Return the quality from tests, documentation and message."""
        return measure.quality(
            self.by_purpose[Purpose.CODE],
            self.by_purpose[Purpose.TEST],
            self.by_purpose[Purpose.DOCUMENTATION],
            measure.explanation(self.subject, self.body_words),
        )

    def impact(self, risk: float) -> str:
        """Return low, medium, high or critical from what is touched and how risky it is."""
        points = len(self.stakes) + (self.size >= HALF) + (risk >= HALF)
        if not points and set(self.by_purpose) <= {Purpose.TEST, Purpose.DOCUMENTATION}:
            return "low"
        return ("medium", "high", "high", "critical")[min(points, 3)]

    def wants_approval(self) -> bool:
        """Tell whether a person should look: what is shipped or stored changes, or a revert."""
        touched = {Stake.DELIVERY, Stake.MIGRATION} & self.stakes
        return bool(touched) or bool(_REVERT.search(self.subject))

    def phase(self) -> str:
        """Return execute for a merge, verify for tests alone, otherwise plan."""
        if self.commit.parents > 1:
            return "execute"
        return "verify" if set(self.by_purpose) == {Purpose.TEST} else "plan"


class _History:
    """What is known when a change is proposed: the changes before it, and nothing else."""

    def __init__(self) -> None:
        self._memory = PathMemory()
        self._risks: deque[float] = deque(maxlen=measure.BASELINE_WINDOW)
        self._profits: deque[float] = deque(maxlen=measure.BASELINE_WINDOW)
        self._session = ""
        self._number = 0

    def propose(self, commit: Commit) -> dict[str, Any]:
        """Return the proposal for the next commit and remember the commit."""
        for file in commit.files:
            if file.former is not None:
                self._memory.rename(file.former, file.path)
        self._session = self._session or f"git-{commit.sha[:12]}"
        change = _Change(commit, self._number)
        proposal = self._proposal(change)
        self._memory.remember(
            (file.path for file in commit.files), change.trace, is_fix=change.is_fix
        )
        self._number += 1
        return proposal

    def _proposal(self, change: _Change) -> dict[str, Any]:
        quality = change.quality()
        risk = _rounded(measure.risk(change.size, self._proneness(change)))
        profit = measure.profit(change.churn, change.size, quality.score, risk)
        commit = change.commit
        proposal = {
            "proposal_id": f"git-{commit.sha}",
            "submitted_at": min(commit.time * 1000, MAX_TIME_MS),
            "agent_id": agent_of(commit.author, commit.email),
            "session_id": self._session,
            "phase": change.phase(),
            "proposal_summary": change.subject[:MAX_SUMMARY] or "(no message)",
            "estimated_impact": change.impact(risk),
            "risk_baseline": _rounded(measure.baseline(self._risks, measure.BASELINE_RISK)),
            "risk_proposed": risk,
            "profit_baseline": _rounded(measure.baseline(self._profits, measure.BASELINE_PROFIT)),
            "profit_proposed": _rounded(profit.mean),
            "novelty_score": _rounded(1.0 - self._memory.nearest(change.trace)),
            "complexity_score": _rounded(change.simplicity()),
            "quality_score": _rounded(quality.score),
            "quality_subscores": [_rounded(facet) for facet in quality[1:]],
            "utility_result": _utility(profit),
            "requires_human_approval": change.wants_approval(),
            "time_sensitive": bool(_URGENT.search(change.subject)),
            "reversible": Stake.MIGRATION not in change.stakes,
            "shadow_mode": False,
            "drift_baseline_data": None,
            "metadata": _metadata(change),
        }
        self._risks.append(risk)
        self._profits.append(profit.mean)
        return proposal

    def _proneness(self, change: _Change) -> float:
        pasts = [self._memory.past(file.path) for file in change.commit.files]
        shares = [measure.fix_share(past.changes, past.fixes) for past in pasts]
        return measure.weighted_mean(shares, change.churns)


def _utility(profit: measure.Profit) -> dict[str, Any]:
    return {
        "mean": _rounded(profit.mean),
        "variance": _rounded(profit.variance),
        "lcb": None,
        "z_score": None,
        "components": {"gain": _rounded(profit.gain), "loss": _rounded(profit.loss)},
    }


def _metadata(change: _Change) -> dict[str, str]:
    files = change.commit.files
    return {
        "source": "git",
        "commit": change.commit.sha,
        "parents": str(change.commit.parents),
        "files": str(change.commit.files_total),
        "lines_added": str(sum(file.added or 0 for file in files)),
        "lines_deleted": str(sum(file.deleted or 0 for file in files)),
        "fix": "true" if change.is_fix else "false",
        "stakes": ",".join(sorted(stake.value for stake in change.stakes)),
    }


def _first_paths(files: tuple[FileChange, ...]) -> frozenset[str]:
    return frozenset(file.path for file in files[:TRACE_PATHS])


def _first_words(message: str) -> frozenset[str]:
    words = dict.fromkeys(_WORD.findall(message.lower()))
    return frozenset([word for word in words if not _COMMON_WORD.fullmatch(word)][:TRACE_WORDS])


def _rounded(value: float) -> float:
    return round(value, measure.DECIMALS)
