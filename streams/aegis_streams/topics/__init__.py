"""Topics and schemas of a deployment: making them, checking them, and opening it (genesis)."""

from __future__ import annotations

from aegis_streams.topics.ensure import EnsureReport, ensure

__all__ = ["EnsureReport", "ensure"]
