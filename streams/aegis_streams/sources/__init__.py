"""Where proposals come from: JSON lines, a git history, the bundled edge cases."""

from __future__ import annotations

from aegis_streams.sources.edge_cases import EdgeCase, edge_cases
from aegis_streams.sources.errors import HistoryError, SourceError
from aegis_streams.sources.git import git_proposals
from aegis_streams.sources.jsonl import Line, numbered_lines

__all__ = [
    "EdgeCase",
    "HistoryError",
    "Line",
    "SourceError",
    "edge_cases",
    "git_proposals",
    "numbered_lines",
]
