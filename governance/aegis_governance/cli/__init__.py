"""The command line ``aegis``."""

from __future__ import annotations

from aegis_governance.cli.app import main

__all__ = ["main"]
